// How loss, roles and circuits go on through the training, over one axis of steps.
import { useMemo } from "preact/hooks";
import type { Stretch } from "../../draw/curves";
import { inSentence } from "../../draw/label";
import { fixed, interval, isThere } from "../../draw/number";
import { nameOf } from "../../model/address";
import type { Session } from "../../model/session";
import { Choice } from "../../parts/Choice";
import { type CurveGiven, Curves } from "../../parts/Curves";
import type { Estimates } from "../../wire/blocks";
import type { Shown } from "./checkpoints";
import { type Course, type Phase, SIMILARITIES, type Similarity } from "./training-rows";
import { lossSaid, similarSaid, stepSaid } from "./words";

/** Of many heads so many have a curve: those that have most of the role at some step. */
const MOST_HEADS = 24;

const SIMILAR: Record<Similarity, { label: string; name: string; about: string }> = {
  circuit: {
    label: "edges",
    name: "overlap with the circuit before",
    about: "Shared edges (Jaccard), corrected for chance: 0 by chance, 1 the same.",
  },
  effects: {
    label: "effects",
    name: "shared effect with the one before",
    about: "Which share of all edges' effects both checkpoints have, with their signs.",
  },
  rank: {
    label: "ranks",
    name: "rank correlation with the one before",
    about: "Spearman's correlation of the scores of all edges.",
  },
};

export function Courses({ session, shown }: { session: Session; shown: Shown }) {
  const { rows, at, other, setAt } = shown;
  const { theme, params } = session;
  const { steps, loss, phases } = rows;
  const [named, plain] = useMemo(
    () => [stretchesOf(phases, true), stretchesOf(phases, false)],
    [phases],
  );
  const about = `Band: ${rows.members.interval}.`;
  const losses = useMemo(() => [curve(loss, "loss of the right answers", about)], [loss, about]);
  const top = useMemo(() => ends(loss), [loss]);
  const wanted = params.choice("stability.similar").value as Similarity;
  const which = SIMILARITIES.includes(wanted) ? wanted : "effects";
  const similar = rows.similar[which];
  const alike = useMemo(() => similarity(similar, which, about), [similar, which, about]);
  const shared = { theme, xs: steps, log: true, at, other, choose: setAt };
  return (
    <>
      <Curves
        {...shared}
        name="loss"
        label="Loss by training step."
        xLabel=""
        yLabel="loss (nats)"
        lines={ZERO}
        cut={top}
        curves={losses}
        stretches={named}
        said={(at) => lossSaid(rows, at)}
      />
      <RoleCourse {...{ session, shown }} stretches={plain} />
      <div class="similar">
        <Choice
          label="Similarity of neighbouring checkpoints"
          options={SIMILARITIES.map((value) => ({ value, ...SIMILAR[value] }))}
          value={which}
          choose={(value) => params.set("stability.similar", value)}
        />
        <span class="quiet">{SIMILAR[which].name}</span>
      </div>
      <Curves
        {...shared}
        name="similar"
        label={`${SIMILAR[which].name}, by training step.`}
        xLabel="training step (log)"
        yLabel="similarity"
        lines={UNIT}
        cut={SIGNED}
        curves={alike}
        stretches={plain}
        said={(at) => similarSaid(rows, similar, at)}
      />
    </>
  );
}

const ZERO = [0] as const;
const UNIT = [0, 1] as const;
const SIGNED = [-1, 1] as const;

interface RoleProps {
  session: Session;
  shown: Shown;
  stretches: readonly Stretch[];
}

/** The chosen role: a curve of every head, the selected one in colour. */
function RoleCourse({ session, shown, stretches }: RoleProps) {
  const { rows, at, other, setAt } = shown;
  const { n_heads } = session.text.value;
  const about = session.plane.value?.about ?? null;
  const [layer, head] = session.head.value;
  const [role, index] = [about?.name ?? "", layer * n_heads + head];
  const curves = useMemo(
    () => courses(rows.coursesOf(role), index, rows.members.interval),
    [rows, role, index],
  );
  if (!about) return null;
  const label = inSentence(about.label);
  const own = rows.coursesOf(role)[index];
  return (
    <Curves
      {...{ theme: session.theme, xs: rows.steps, log: true, at, other, choose: setAt }}
      name="role"
      label={`${about.label} of each head by training step.`}
      xLabel=""
      yLabel={label}
      lines={UNIT}
      {...{ curves, stretches }}
      said={(at) => {
        const span = interval(own?.low?.[at], own?.high?.[at]);
        const than = about.control === null ? about.chance : own?.null?.[at];
        const beside = isThere(than)
          ? `; ${about.control === null ? "chance" : "control"} ${fixed(than)}`
          : "";
        return `${stepSaid(rows, at)}: ${nameOf([layer, head])} ${label} ${fixed(own?.value[at])}${span && ` (${span})`}${beside}`;
      }}
    />
  );
}

/** All heads thin, the strongest of them in ink, the selected one in colour with its band. */
function courses(all: readonly Course[], index: number, interval: string): CurveGiven[] {
  const most = all.map(({ value }) => value.reduce((most, each) => Math.max(most, each || 0), 0));
  const order = most.map((_, head) => head).sort((a, b) => (most[b] ?? 0) - (most[a] ?? 0));
  const others = order.filter((head) => head !== index).slice(0, MOST_HEADS);
  const curves = others.map((head, at): CurveGiven => {
    const { value } = all[head] as Course;
    const label = at === 0 ? "other heads" : "";
    const about = "A line a head: those that have most of the role at some step.";
    return { ...{ label, about, values: value, low: null, high: null }, ...OTHERS };
  });
  const own = all[index];
  if (!own) return curves;
  const { value, low, high } = own;
  const about = `The selected head. Band: ${interval}.`;
  const selected = { label: "selected head", about, values: value, low, high };
  return [...curves, { ...selected, tone: "accent", dash: [] }];
}

const OTHERS = { tone: "ink", dash: [] as number[], thin: true } as const;

function curve({ value, low, high }: Estimates, label: string, about: string): CurveGiven {
  return { label, about, values: value, low, high, tone: "ink", dash: [] };
}

function similarity(found: Estimates, which: Similarity, about: string): CurveGiven[] {
  const own = curve(found, SIMILAR[which].label, `${SIMILAR[which].about} ${about}`);
  if (!found.null) return [own];
  const beside: CurveGiven = {
    label: "two draws inside one checkpoint",
    about: "What drawing other prompts does by itself. Band: where one more would be.",
    ...{ values: found.null, low: found.nullLow, high: found.nullHigh },
    ...{ tone: "muted", dash: [5, 3] },
  };
  return [beside, own];
}

/** Where the axis of a loss is cut: at its highest value, whatever its intervals are. */
function ends({ value }: Estimates): readonly [number, number] {
  const most = value.reduce((most, each) => Math.max(most, each || 0), 0);
  return [0, most > 0 ? 1.05 * most : 1];
}

const LABELS: Readonly<Record<string, string>> = { unstable: "unstable", absent: "no circuit" };

/** Phases behind the curves; a stable one is just the page. */
function stretchesOf(phases: readonly Phase[], named: boolean): Stretch[] {
  return phases
    .filter(({ kind }) => kind in LABELS)
    .map(({ kind, first, last, begins, ends }) => ({
      ...{ from: first, to: last, look: kind === "unstable" ? "tint" : "hatch" },
      label: named ? (LABELS[kind] ?? "") : "",
      ...(named && kind === "unstable" ? { ends: [begins, ends] } : {}),
    }));
}
