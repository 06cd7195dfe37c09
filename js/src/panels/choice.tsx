// One of a few: a row of words, the chosen one dark.
interface Props<T extends string> {
  label: string;
  options: readonly { value: T; label: string; about?: string }[];
  value: T;
  choose: (value: T) => void;
}

export function Choice<T extends string>({ label, options, value, choose }: Props<T>) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          type="button"
          key={option.value}
          aria-pressed={option.value === value}
          title={option.about}
          onClick={() => choose(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
