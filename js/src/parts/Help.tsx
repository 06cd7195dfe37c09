// All keys of a view, in the middle of the screen: seen wherever the view stands on its page.
import { useEffect, useRef } from "preact/hooks";
import { byLabel, type Line } from "./Footer";

interface Props {
  commands: readonly Line[];
  shown: boolean;
  setShown: (shown: boolean) => void;
}

export function Help({ commands, shown, setShown }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // A browser without popovers shows it at the top of the view.
    if (shown) box.current?.showPopover?.();
  }, [shown]);
  if (!shown) return null;
  return (
    <div
      ref={box}
      class="help"
      data-cw="help"
      role="dialog"
      aria-label="Keys of this view"
      {...("popover" in HTMLElement.prototype ? { popover: "auto" } : {})}
      onToggle={(event: Event) => {
        // A click beside it, or Escape.
        if ((event as ToggleEvent).newState === "closed") setShown(false);
      }}
    >
      <div class="help-top">
        <h2>Keys</h2>
        <button type="button" class="button" onClick={() => setShown(false)}>
          Close
        </button>
      </div>
      <dl>
        {byLabel(commands).map(({ id, shown, label }) => (
          <div key={id}>
            <dt>
              <kbd>{shown}</kbd>
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
