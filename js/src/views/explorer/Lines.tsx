// Tokens with a bar each, and where chance would be.
import type { ComponentChildren } from "preact";
import { labelText } from "../../draw/label";
import { fixed } from "../../draw/number";
import { bring } from "../../styles";
import sheet from "../../styles/estimate.css";

bring(sheet);

export const ROWS = 6;

export interface Bar {
  token: string;
  at: number | null;
  value: number;
}

interface LinesProps {
  bars: Bar[];
  chance: number | null;
  name: string;
  choose?: (at: number) => void;
}

/** Always the same number of lines, so that nothing below moves. */
export function Lines({ bars, chance, name, choose }: LinesProps) {
  return (
    <ol class="list" data-cw={name}>
      {Array.from({ length: ROWS }, (_, i) => {
        const bar = bars[i];
        return (
          <li key={i}>
            {bar && (
              <Line bar={bar} choose={choose}>
                <span class="track">
                  <span class="bar" style={{ width: `${Math.min(1, bar.value) * 100}%` }} />
                  {chance !== null && (
                    <span
                      class="chance"
                      style={{ left: `${chance * 100}%` }}
                      title={`chance: ${fixed(chance)}, the same to every token`}
                    />
                  )}
                </span>
                <span class="number">{fixed(bar.value)}</span>
              </Line>
            )}
          </li>
        );
      })}
    </ol>
  );
}

interface LineProps {
  bar: Bar;
  choose: ((at: number) => void) | undefined;
  children: ComponentChildren;
}

function Line({ bar, choose, children }: LineProps) {
  const { at } = bar;
  const content = (
    <>
      <Token text={bar.token} />
      {children}
    </>
  );
  if (at === null || !choose) return <span class="line">{content}</span>;
  return (
    <button type="button" class="line" title={`position ${at}`} onClick={() => choose(at)}>
      {content}
    </button>
  );
}

export function Token({ text }: { text: string }) {
  return (
    <code class="token" title={text.length > 16 ? text.slice(0, 600) : undefined}>
      {labelText(text, 16)}
    </code>
  );
}
