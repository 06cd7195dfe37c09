// What readers of a page may do to the model: runs of the same text that were computed ahead.
import type { Session } from "../../model/session";

export function Changes({ session }: { session: Session }) {
  const { current, all } = session.runs;
  if (all.length < 2) return null;
  return (
    <label class="changes">
      <span>Model:</span>
      <select
        data-cw="changes"
        value={String(current)}
        onChange={(event) => session.widget.showRun(Number(event.currentTarget.value))}
      >
        {all.map(({ id, label }) => (
          <option key={id} value={String(id)}>
            {label || "as it is"}
          </option>
        ))}
      </select>
    </label>
  );
}
