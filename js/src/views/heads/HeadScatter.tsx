// Every head by two scores: what stands apart in both.

import { useMemo } from "preact/hooks";
import { inSentence } from "../../draw/label";
import { fixed } from "../../draw/number";
import { nameOf } from "../../model/address";
import type { Plane } from "../../model/planes";
import type { Session } from "../../model/session";
import { Scatter } from "../../parts/Scatter";

interface Props {
  session: Session;
  /** Names of the scores. */
  x: string;
  y: string;
}

export function HeadScatter({ session, x, y }: Props) {
  const planes = session.planes.value;
  const shown = useMemo(() => {
    const of = (name: string) => planes.find((plane) => plane.about.name === name);
    const [across, up] = [of(x), of(y)];
    return across && up ? { across, up } : null;
  }, [planes, x, y]);
  if (!shown) return null;
  const heads = session.text.value.n_heads;
  const [layer, head] = session.head.value;
  const { across, up } = shown;
  return (
    <Scatter
      name="scatter"
      label="Heads by two scores."
      theme={session.theme}
      x={axis(across)}
      y={axis(up)}
      xs={across.value}
      ys={up.value}
      selected={layer * heads + head}
      choose={(index) =>
        session.select({ layer: Math.floor(index / heads), head: index % heads }, "scatter")
      }
      said={(index) => {
        const name = nameOf([Math.floor(index / heads), index % heads]);
        const [a, b] = [across, up].map(
          ({ about, value }) => `${inSentence(about.label)} ${fixed(value[index])}`,
        );
        return `${name}  ${a}, ${b}`;
      }}
    />
  );
}

function axis({ about }: Plane) {
  return { label: about.label, min: about.least, max: about.most, chance: about.chance };
}
