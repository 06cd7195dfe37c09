"""Routes as lines over layers and positions, and what each source is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.flow.results import InformationFlow
from circuit_widgets.plots.axes import name_axis, shown_positions, width_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# An edge that carries less of what is read is not drawn.
_LEAST = 0.01


def plot(result: InformationFlow) -> Figure:
    """A Figure of its own (no pyplot, so nothing global changes).

    The edges that carry at least 1 % of what is read, as wide as what they carry, and what each
    source adds up to. Positions that were not computed are empty.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    shown = shown_positions(result.position)
    n_layers = len(result.contributions)
    height = 2.2 + min(8.0, 0.6 + 0.35 * n_layers)
    figure = Figure(figsize=(width_of(len(shown)), height), layout="constrained")
    graph, below = figure.subplots(2, 1, sharex=True, height_ratios=[height - 2.2, 2.2])
    edges = result.edges(_LEAST)
    for moved, colour in ((False, "0.5"), (True, "tab:blue")):
        some = edges[(edges["source"] != edges["query"]) == moved]
        lines = [
            [(source, layer), (query, layer + 1)]
            for source, query, layer in zip(
                some["source"], some["query"], some["layer"], strict=True
            )
        ]
        graph.add_collection(
            LineCollection(
                lines, colors=colour, linewidths=0.5 + 5 * np.sqrt(np.asarray(some["flow"]))
            )
        )
    graph.plot(result.position, n_layers, "o", color="tab:red", markersize=6)
    graph.set_ylim(-0.3, n_layers + 0.5)
    graph.set_ylabel("layer", fontsize="small")
    graph.yaxis.set_ticks(range(0, n_layers + 1, max(1, round(n_layers / 8))))

    at = np.array(shown)
    below.bar(at, result.routes.numpy()[at], color="tab:blue", label="routes")
    below.plot(at, result.rollout.numpy()[at], "_", color="0.4", label="rollout (baseline)")
    sure = [each["position"] for each in result.information_sources if each["confirmed"]]
    sure = [position for position in sure if position in shown]
    below.plot(
        sure, result.routes.numpy()[sure], "*", color="tab:red", label="confirmed by knockout"
    )
    below.set_ylabel("share of what is read", fontsize="small")
    below.legend(fontsize="small")
    name_axis(below, "x", result.tokens, shown)
    made = result.provenance
    figure.suptitle(
        f"{made.model}: {result.target_token!r} after position {result.position}, {made.progress}",
        fontsize="medium",
        parse_math=False,
    )
    return figure
