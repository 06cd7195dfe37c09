// Small pictures of all heads by class; the thresholds, and what they make of each head, at once.
import { useMemo } from "preact/hooks";
import { pack } from "../../draw/color";
import { pictureOfTile } from "../../draw/picture";
import type { Session } from "../../model/session";
import { Choice } from "../../parts/Choice";
import { Slider } from "../../parts/Slider";
import { Button, Toolbar } from "../../parts/Toolbar";
import { adjusting } from "../adjusting";
import { aboveWhat, holds, labelled, MISSING, OTHER, picturesOf, UNSURE } from "./classes";
import { Group } from "./Group";
import type { PatternKind, PatternsTopic } from "./rows";

type Shown = Pick<PatternKind, "name" | "label" | "function" | "description">;

const REST: Shown[] = [
  {
    ...{ name: UNSURE, label: "Unsure", function: "" },
    description: "A class would hold by the value, but one text has no interval.",
  },
  {
    ...{ name: OTHER, label: "Other", function: "" },
    description:
      "No class has an interval above its threshold, its baseline and the highest of random heads.",
  },
  { name: MISSING, label: "Missing", description: "Not computed.", function: "" },
];

interface Props {
  session: Session;
  topic: PatternsTopic;
}

export function Gallery({ session, topic }: Props) {
  const { params } = session;
  const planes = session.planes.value;
  const { n_layers, n_heads } = session.text.value;
  const sliders = topic.kinds.map(({ name, label, threshold }) =>
    adjusting(session, `threshold.${name}`, {
      ...{ label, least: 0, most: 1, step: 0.01, value: threshold },
    }),
  );
  const thresholds = Object.fromEntries(sliders.map(({ name, value }) => [name, value]));
  const labels = labelled(topic.kinds, planes, thresholds, n_layers * n_heads);
  const onPrompt = usePictures(session, topic.thumbnails);
  const onRepeats = usePictures(session, topic.repeats);
  const sort = params.choice("gallery.sort").value || "class";
  return (
    <>
      <Toolbar label="Thresholds and order">
        <div class="thresholds">
          {sliders.map(({ name, label, ...slider }) => (
            <Slider
              key={name}
              name={`threshold-${name}`}
              label={label}
              said={`Threshold of ${label}`}
              {...slider}
            />
          ))}
        </div>
        <Choice
          label="Sort by"
          named
          options={[
            { value: "class", label: "class score" },
            { value: "grid", label: "grid score" },
          ]}
          value={sort}
          choose={(by) => params.set("gallery.sort", by)}
        />
        <Button
          label="defaults"
          about="Thresholds as the result had them"
          run={() => params.reset("threshold.")}
        />
      </Toolbar>
      <div class="groups scroll" tabIndex={0} role="group">
        {[...topic.kinds, ...REST].map((kind: Shown | PatternKind) => {
          const heads = labels.flatMap((label, index) => (label === kind.name ? [index] : []));
          if ([MISSING, UNSURE].includes(kind.name) && heads.length === 0) return null;
          const highest = "highest" in kind ? kind.highest : Number.NaN;
          const own =
            "score" in kind ? planes.find(({ about }) => about.name === kind.score) : undefined;
          const also = own
            ? labels.flatMap((label, index) =>
                label !== kind.name &&
                holds(own, index, thresholds[kind.name] ?? 1, highest) === true
                  ? [index]
                  : [],
              )
            : [];
          const above = "score" in kind ? aboveWhat(kind, own, thresholds, topic) : "";
          const pictures = picturesOf(own, onPrompt, onRepeats) ?? [];
          const by = sort === "class" && own ? own : session.plane.value;
          return (
            <Group key={kind.name} {...{ session, kind, heads, also, by, own, pictures, above }} />
          );
        })}
      </div>
    </>
  );
}

/** Painted once for a theme and a result. */
function usePictures(session: Session, thumbnails: PatternsTopic["repeats"]) {
  const [table, theme] = [session.table.value, session.theme.value];
  const first = session.params.choice("first").value;
  return useMemo(() => {
    const options = { first, background: pack(theme.page) };
    return (
      thumbnails?.map((tile) => tile && pictureOfTile(tile, table, tile.scale || 1, options)) ??
      null
    );
  }, [thumbnails, table, theme, first]);
}
