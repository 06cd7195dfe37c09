// One of a few: a row of words, the chosen one dark. Arrow keys go from one to the next.
//
// Stable props: `label` (said, and shown with `named`), `options`, `value`, `choose`.
import { bring } from "../styles";
import sheet from "../styles/choice.css";

bring(sheet);

interface Props<T extends string> {
  label: string;
  options: readonly { value: T; label: string; about?: string }[];
  value: T;
  choose: (value: T) => void;
  named?: boolean;
}

export function Choice<T extends string>({ label, options, value, choose, named }: Props<T>) {
  const at = Math.max(
    0,
    options.findIndex((option) => option.value === value),
  );
  return (
    <span class="named">
      {named && <span aria-hidden="true">{label}:</span>}
      <span
        class="choice"
        role="radiogroup"
        aria-label={label}
        data-keys="ArrowLeft ArrowRight"
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.code];
          const next = by === undefined ? undefined : options[at + by];
          if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)
            return;
          event.preventDefault();
          event.stopPropagation();
          if (!next) return;
          choose(next.value);
          event.currentTarget.querySelectorAll("button")[at + by]?.focus();
        }}
      >
        {options.map((option, i) => (
          <button
            type="button"
            key={option.value}
            role="radio"
            aria-checked={option.value === value}
            tabIndex={i === at ? 0 : -1}
            title={option.about}
            onClick={() => choose(option.value)}
          >
            {option.label}
          </button>
        ))}
      </span>
    </span>
  );
}
