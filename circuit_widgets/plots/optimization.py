"""The pruning curve beside random heads, and which heads go first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.optimization.results import Optimizations
from circuit_widgets.plots.axes import count_ticks
from circuit_widgets.plots.figure import Figure, new_figure, styled
from circuit_widgets.plots.panels import heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def plot(
    result: Optimizations, *, figsize: Sequence[float] | None = None, title: str | None = None
) -> Figure:
    """How the loss on held-out texts rises as heads go, and in which order they go.

    Bands are intervals; grey is of random heads of the same layers. The vertical line is the last
    point within the tolerance, which is the horizontal one.

    Args:
        result: What `suggest_circuit_optimizations` found.
        figsize: Width and height in inches.
        title: In place of the model and what can go; "" for none.
    """
    if title is None:
        n_all = result.shape[0] * result.shape[1]
        title = f"{result.provenance.model}: {result.sizes[result.chosen]} of {n_all} heads can go"
    layers, heads = result.shape
    figure = new_figure(result, title, figsize, (8.5, min(8.0, max(3.4, 0.14 * layers + 1.6))))
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    _curve(left, result)
    values = np.where(result.gone_at.numpy() < 0, np.nan, result.gone_at.numpy())
    image = heat(right, values, (1.0, max(2.0, len(result.sizes) - 1)), cmap="viridis_r")
    right.set_title("when heads go")
    right.set_xlabel("head")
    right.set_ylabel("layer")
    count_ticks(right, "x", heads)
    count_ticks(right, "y", layers)
    bar = figure.colorbar(image, ax=right)
    bar.ax.locator_params(nbins=4)
    bar.set_label("round")
    return figure


def _curve(ax: Axes, result: Optimizations) -> None:
    sizes, rise = np.array(result.sizes), result.rise
    own = 100 * rise.value.numpy()
    ax.plot(sizes, own, color="C3", marker=".", label="heads that are chosen")
    if rise.low is not None and rise.high is not None:
        ends = 100 * rise.low.numpy(), 100 * rise.high.numpy()
        ax.fill_between(sizes, *ends, color="C3", alpha=0.2, linewidth=0)
    if rise.control is not None and bool(rise.control.isfinite().any()):
        mean, best = 100 * rise.control.numpy(), 100 * result.best_random.numpy()
        ax.plot(sizes, mean, color="0.5", marker=".", label="random heads, mean")
        ax.plot(sizes, best, color="0.5", linestyle=":", label="random heads, best of many")
    tolerance = 100 * float(result.provenance.parameters["tolerance"])
    ax.axhline(tolerance, color="0.7", linewidth=0.8, zorder=0)
    ax.axhline(0, color="0.85", linewidth=0.8, zorder=0)
    ax.axvline(result.sizes[result.chosen], color="0.7", linewidth=0.8, zorder=0)
    # Random heads cost so much more that they would flatten what is in question.
    highest = float(np.nanmax([*own, 2 * tolerance]))
    ax.set_ylim(min(-0.1 * highest, 1.2 * float(np.nanmin(own))), 2 * highest)
    ax.set_xlabel("heads pruned")
    ax.set_ylabel("rise of the held-out loss (%)")
    ax.legend(frameon=False, fontsize="x-small", loc="upper left")
