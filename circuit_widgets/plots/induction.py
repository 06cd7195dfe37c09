"""Scores of every head, layers down and heads across: one panel a score, one scale for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.induction import SCORES, InductionHeads
from circuit_widgets.result import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage


def plot(result: InductionHeads) -> Figure:
    """A Figure of its own (no pyplot, so nothing global changes); hatched where a score is missing.

    The mark on each colour bar is chance: what a head that attends uniformly would score.
    """
    from matplotlib.figure import Figure

    n_layers, n_heads = result.shape
    # Cells are square up to a size that still fits a page.
    height = min(9.0, max(3.2, 2.0 + 0.24 * n_layers))
    width = len(SCORES) * min(4.5, max(2.2, 0.7 + 0.24 * n_heads))
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, len(SCORES), sharey=True, squeeze=False)[0]
    for ax, (name, about) in zip(axes, SCORES.items(), strict=True):
        score = result.score(name)
        image = _panel(ax, score)
        ax.set_title(about.label, fontsize="medium")
        ax.set_xlabel("head")
        bar = figure.colorbar(image, ax=ax, orientation="horizontal", shrink=0.9)
        bar.set_ticks([0, 0.5, 1])
        if score.chance is not None:
            chance = float(score.chance)
            bar.ax.axvline(chance, color="tab:orange", linewidth=2)
            bar.set_label(f"chance {chance:.2f}", color="tab:orange", fontsize="small")
    axes[0].set_ylabel("layer")
    made = result.provenance
    figure.suptitle(f"{made.model}, {made.progress}", fontsize="medium")
    return figure


def _panel(ax: Axes, score: Score) -> AxesImage:
    values = np.ma.masked_invalid(score.value.numpy())
    # What is masked is not painted, and shows the hatching behind it.
    ax.patch.set(facecolor="white", edgecolor="0.6", hatch="////")
    image = ax.imshow(values, cmap="viridis", vmin=0, vmax=1, interpolation="nearest")
    for axis, n in ((ax.xaxis, values.shape[1]), (ax.yaxis, values.shape[0])):
        axis.set_ticks(range(0, n, max(1, round(n / 8))))
    return image
