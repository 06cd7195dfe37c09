// One style file a part; a view's shadow root has them all, and a view's own beside them.
import base from "./base.css";
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
import pattern from "./pattern.css";
import ranking from "./ranking.css";
import scatter from "./scatter.css";
import slider from "./slider.css";
import stack from "./stack.css";
import table from "./table.css";
import thumbnails from "./thumbnails.css";
import toolbar from "./toolbar.css";
import tooltip from "./tooltip.css";
import words from "./words.css";

const parts = [
  ...[base, facts, frame, ranking, toolbar, choice, slider, table, estimate, headCard],
  ...[
    stack,
    graph,
    heat,
    pattern,
    headGrid,
    legend,
    scatter,
    thumbnails,
    tooltip,
    words,
    forcedColors,
  ],
];

export const styles: string = parts.join("\n");
