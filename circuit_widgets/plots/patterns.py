"""Scores of every head by shape of attention, and how many heads have each label."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from circuit_widgets.analysis.patterns.results import AttentionPatterns
from circuit_widgets.plots.panels import panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Panels in a row.
ACROSS = 4


def plot(result: AttentionPatterns) -> Figure:
    """A Figure of its own (no pyplot): a grid a score, hatched where missing, and the labels.

    The mark on a title is chance: what attention without this shape would score.
    """
    from matplotlib.figure import Figure

    n_layers, n_heads = result.shape
    abouts = result.abouts
    rows = math.ceil((len(abouts) + 1) / ACROSS)
    height = min(6.0, max(2.4, 1.4 + 0.16 * n_layers))
    width = ACROSS * min(3.6, max(2.0, 0.7 + 0.18 * n_heads))
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    axes = figure.subplots(rows, ACROSS, squeeze=False).flatten()
    image = None
    for ax, (name, about) in zip(axes, abouts.items(), strict=False):
        score = result.score(name)
        image = panel(ax, score, about)
        ax.set_title(f"{about.label} (chance {float(score.chance or 0):.2f})", fontsize="small")
    counts = Counter(result.labels().values())
    names = [*(kind["name"] for kind in result.classes), "other", "missing"]
    names = [name for name in names if counts[name]]
    last = axes[len(abouts)]
    last.barh(range(len(names)), [counts[name] for name in names], color="0.4")
    last.set_yticks(range(len(names)), names, fontsize="small")
    last.invert_yaxis()
    last.set_xlabel("heads")
    last.set_title("labels", fontsize="small")
    for ax in axes[len(abouts) + 1 :]:
        ax.set_axis_off()
    if image is not None:
        figure.colorbar(image, ax=axes[: len(abouts)].tolist(), shrink=0.6)
    made = result.provenance
    figure.suptitle(f"{made.model}, {made.progress}", fontsize="medium")
    return figure
