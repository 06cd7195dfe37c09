// The root of every view: what it is called, what it is about, how far the kernel is, what went wrong,
// which keys there are, and how high it is. What a view shows is its children, in panels.
//
// Stable props (others may be added, these stay):
//   name, label            a class of the root, for its layout; what the view is, in words
//   title, caption         of somebody's own, above all else
//   top                    beside the heading: a prompt
//   heading                the model and the text
//   progress, notice, stop null: nothing runs; `notice` is one line that is always there
//   commands, help         as model/commands lists them; whether all of them are shown
//   selected               what is selected, in words
//   height, setHeight      in px; null: as the styles say
//   hide                   names of panels, "header" and "footer"
import { type ComponentChildren, createContext } from "preact";
import { useContext, useRef } from "preact/hooks";
import { Footer, type Line } from "./Footer";
import { Handle } from "./Handle";
import { Header, type HeaderProps } from "./Header";
import { Help } from "./Help";

export interface FrameProps extends HeaderProps {
  name: string;
  label: string;
  commands: readonly Line[];
  help: boolean;
  setHelp: (shown: boolean) => void;
  selected: string;
  height: number | null;
  setHeight: (height: number | null) => void;
  hide: readonly string[];
  children: ComponentChildren;
}

/** So many heads a layer have room in a column. */
const MANY = 36;

const Hidden = createContext<readonly string[]>([]);

export function Frame(props: FrameProps) {
  const { name, label, commands, help, setHelp, height, setHeight, hide, children } = props;
  const root = useRef<HTMLDivElement>(null);
  const heads = props.heading.heads ?? 0;
  const shown = (part: string) => !hide.includes(part);
  return (
    <Hidden.Provider value={hide}>
      <div
        ref={root}
        class={`root ${name}${heads > MANY ? " wide" : ""}`}
        tabIndex={0}
        role="group"
        aria-label={label}
        data-sized={height !== null}
        data-whole={!hide.some((name) => name !== "header" && name !== "footer")}
        style={{
          "--cw-heads": String(heads),
          ...(height === null ? {} : { "--cw-height": `${height}px` }),
        }}
      >
        {shown("header") && <Header {...props} />}
        <div class="body">{children}</div>
        {shown("footer") && (
          <Footer commands={commands} selected={props.selected} help={() => setHelp(!help)} />
        )}
        <Handle height={height} now={() => root.current?.offsetHeight ?? 0} set={setHeight} />
        <Help commands={commands} shown={help} setShown={setHelp} />
      </div>
    </Hidden.Provider>
  );
}

interface PanelProps {
  /** What `hide` calls it, and a class for its layout. */
  name: string;
  label: string;
  children: ComponentChildren;
}

/** A part of a view that can be hidden. */
export function Panel({ name, label, children }: PanelProps) {
  const hidden = useContext(Hidden);
  if (hidden.includes(name)) return null;
  return (
    <section class={`panel ${name}`} aria-label={label} data-cw={`panel-${name}`}>
      {children}
    </section>
  );
}
