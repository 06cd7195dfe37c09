// The heat map in the words of today's panels: a square matrix of a session's theme.
import type { Session } from "../model/session";
import { Heat as HeatPart } from "../parts/Heat";

interface Props {
  session: Session;
  name: string;
  label: string;
  n: number;
  values: Float32Array;
  /** The colours are the theme's: with a sign where `min` is below 0. */
  table: Uint32Array;
  min: number;
  max: number;
  rows: string[];
  cols: string[];
  /** Marks on cells: a letter each. */
  marks?: Map<number, string>;
  said: (row: number, col: number) => string;
  choose?: (row: number, col: number) => void;
}

export function Heat({ session, n, values, min, max, rows, cols, table: _, ...rest }: Props) {
  return (
    <HeatPart
      {...rest}
      theme={session.theme}
      rows={{ label: "", names: rows }}
      cols={{ label: "", names: cols }}
      cells={{ rows: n, cols: n, values }}
      scale={{ least: min, most: max, signed: min < 0, unit: "" }}
    />
  );
}
