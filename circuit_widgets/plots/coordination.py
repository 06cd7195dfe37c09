"""The matrix of heads, similar heads together, and how the strongest pairs work together."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import matplotlib
import numpy as np

from circuit_widgets.analysis.coordination.results import HeadCoordination
from circuit_widgets.analysis.coordination.words import described, significance
from circuit_widgets.plots.axes import name_ticks
from circuit_widgets.plots.figure import (
    Figure,
    letters_in,
    line_height,
    new_figure,
    size_of,
    styled,
)
from circuit_widgets.plots.panels import around_zero, heat

_MEASURES = {
    "contribution": "correlation of contributions",
    "pearson": "correlation of activations",
    "cka": "linear CKA of outputs",
    "projection": "overlap of output spaces",
}
# Inches: what stands beside and around the matrix.
_BESIDE, _AROUND = 1.5, 0.9


@styled
def plot(
    result: HeadCoordination,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """The matrix in the order of `result.order`, dots where q is below `result.fdr`.

    What is missing is hatched, as the diagonal is. Below the matrix: how many pairs are
    significant, or what could have been, why pairs have no p, and the pairs that were tested by
    intervention.

    Args:
        result: What `analyze_head_coordination` found.
        figsize: Width and height in inches.
        title: In place of the model's name and the progress; "" for none.
    """
    order = [*result.order]
    n = len(order)
    side = min(6.5, max(3.0, 0.22 * n))
    width, _ = size_of(figsize, (side + _BESIDE, 0.0))
    letters = letters_in(width - 0.2, "figure.labelsize")
    said = [*significance(result), *described(result)]
    lines = [line for sentence in said for line in textwrap.wrap(sentence, letters)]
    high = side + _AROUND + 1.2 * line_height("figure.labelsize") * (1 + len(lines))
    figure = new_figure(result, title, figsize, (side + _BESIDE, high))
    ax = figure.subplots()
    values = result.value.numpy()[np.ix_(order, order)]
    image = heat(ax, values, around_zero(values), cmap="RdBu_r", aspect="equal")
    # What is asked for can be smaller than what suits the matrix.
    side = min(figure.get_figwidth() - _BESIDE, figure.get_figheight() - high + side)
    q = result.q.numpy()[np.ix_(order, order)]
    with np.errstate(invalid="ignore"):
        rows, columns = np.nonzero(q < result.fdr)
    dot = (72 * 0.2 * side / n) ** 2
    ax.scatter(columns, rows, s=dot, color=matplotlib.rcParams["text.color"], linewidths=0)
    names = [result.heads[at] for at in order]
    name_ticks(ax, "x", range(n), names, side)
    name_ticks(ax, "y", range(n), names, side)
    ax.set_xlabel("head")
    ax.set_ylabel("head")
    bar = figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label(_MEASURES.get(result.method, result.method))
    mark = [f"dot: q < {result.fdr:g}"] if len(rows) else []
    figure.supxlabel("\n".join([*mark, *lines]), ha="left", x=0.02, linespacing=1.4)
    return figure
