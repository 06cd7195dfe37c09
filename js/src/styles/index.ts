// One style file a part; a view's shadow root has them all, and a view's own beside them.
import graph from "./graph.css";
import headGrid from "./head-grid.css";
import heat from "./heat.css";
import legend from "./legend.css";
import scatter from "./scatter.css";
import stack from "./stack.css";
import tooltip from "./tooltip.css";
import words from "./words.css";

const parts = [stack, graph, heat, headGrid, legend, scatter, tooltip, words];

export const styles: string = parts.join("\n");
