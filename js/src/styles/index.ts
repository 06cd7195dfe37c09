// One style file a part; a view's shadow root has them all, and a view's own beside them.

import choice from "./choice.css";
import estimate from "./estimate.css";
import facts from "./facts.css";
import forcedColors from "./forced-colors.css";
import frame from "./frame.css";
import graph from "./graph.css";
import headCard from "./head-card.css";
import headGrid from "./head-grid.css";
import heat from "./heat.css";
import legend from "./legend.css";
import scatter from "./scatter.css";
import slider from "./slider.css";
import stack from "./stack.css";
import table from "./table.css";
import toolbar from "./toolbar.css";
import tooltip from "./tooltip.css";
import words from "./words.css";

const parts = [
  ...[facts, frame, toolbar, choice, slider, table, estimate],
  ...[stack, graph, heat, headGrid, headCard, legend, scatter, tooltip, words, forcedColors],
];

export const styles: string = parts.join("\n");
