// The top of a view: a title, the text, the model, how far the kernel is, and what went wrong.
import type { ComponentChildren } from "preact";
import { counted, fixed } from "../draw/number";

export interface HeaderProps {
  title?: string;
  caption?: string;
  top?: ComponentChildren;
  heading: Heading;
  progress: { done: number; total: number } | null;
  notice: { said: string; problem: boolean };
  stop: (() => void) | null;
}

export interface Heading {
  model: string;
  layers: number;
  /** Null: this view is not about heads. */
  heads: number | null;
  /** Of a pruned model, the fewest heads that a layer has. */
  fewest?: number | undefined;
  tokens: number;
  seconds: number | null;
  /** Hook points with hooks of the user's own, which changed the model. */
  hooks: string[];
}

export function Header({ title, caption, top, heading, progress, notice, stop }: HeaderProps) {
  return (
    <header>
      {(title || caption) && (
        <div class="titles">
          {title && <h2 data-cw="title">{title}</h2>}
          {caption && (
            <p class="quiet" data-cw="caption">
              {caption}
            </p>
          )}
        </div>
      )}
      <div class="top">{top}</div>
      <Notice {...notice} stop={stop} />
      <Facts {...heading} />
      <Progress at={progress} />
    </header>
  );
}

function Facts({ model, layers, heads, fewest, tokens, seconds, hooks }: Heading) {
  const from = fewest !== undefined && fewest !== heads ? `${fewest} to ` : "";
  return (
    <p class="facts" data-cw="facts">
      <b>{model}</b> {heads !== null && <span>{`${layers} × ${from}${heads} heads`}</span>}{" "}
      {tokens > 0 && <span>{counted(tokens, "token")}</span>}{" "}
      {seconds !== null && <span>{fixed(seconds)} s</span>}
      {hooks.length > 0 && <b data-cw="hooks">{` with your own hooks at ${hooks.join(", ")}`}</b>}
    </p>
  );
}

/** Always two pixels high: nothing moves when it starts or ends. */
function Progress({ at }: { at: HeaderProps["progress"] }) {
  const { done, total } = at ?? { done: 0, total: 0 };
  return (
    <div
      class="progress"
      data-cw="progress"
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={done}
      style={{ visibility: at ? "visible" : "hidden" }}
    >
      <i style={{ width: `${total > 0 ? (100 * done) / total : 0}%` }} />
    </div>
  );
}

function Notice({ said, problem, stop }: HeaderProps["notice"] & Pick<HeaderProps, "stop">) {
  return (
    <div class="notice" role="status" data-cw="notice" data-problem={problem}>
      <span>{said || "\u00a0"}</span>
      {stop && (
        <button type="button" class="button" data-cw="stop" onClick={stop}>
          Stop
        </button>
      )}
    </div>
  );
}
