"""The matrix of heads, like heads together, and how the strongest pairs work together."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.coordination.results import HeadCoordination, describe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More names than that cannot be read.
_NAMES = 40


def plot(result: HeadCoordination) -> Figure:
    """A Figure of its own (no pyplot); hatched where a value is missing, as on the diagonal.

    Rows and columns are in `result.order`. A dot: q is below `result.fdr`. Below the matrix: the
    pairs that have a type.
    """
    from matplotlib.figure import Figure

    order = [*result.order]
    n = len(order)
    value = np.ma.masked_invalid(result.value.numpy()[np.ix_(order, order)])
    q = result.q.numpy()[np.ix_(order, order)]
    lines = [textwrap.fill(describe(pair), 84) for pair in result.pairs]
    n_lines = sum(line.count("\n") + 1 for line in lines)
    size = min(9.0, max(4.0, 1.6 + 0.26 * n))
    figure = Figure(figsize=(size + 1.2, size + 0.17 * n_lines), layout="constrained")
    ax = figure.subplots()
    # What is masked is not painted, and shows the hatching behind it.
    ax.patch.set(facecolor="white", edgecolor="0.6", hatch="////")
    strongest = float(np.ma.abs(value).max()) if value.count() else 1.0
    limit = strongest or 1.0
    image = ax.imshow(value, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    with np.errstate(invalid="ignore"):
        rows, columns = np.nonzero(q < result.fdr)
    # In points; a cell is about 0.8 of the figure by n.
    dot = (72 * 0.8 * size / n * 0.16) ** 2
    ax.scatter(columns, rows, s=dot, color="black", linewidths=0, label=f"q < {result.fdr:g}")
    shown = range(0, n, max(1, -(-n // _NAMES)))
    names = [result.heads[order[at]] for at in shown]
    small = 8 if n <= 20 else 6
    ax.set_xticks([*shown], names, rotation=90, fontsize=small)
    ax.set_yticks([*shown], names, fontsize=small)
    made = result.provenance
    ax.set_title(f"{made.model}, {result.method}, {made.progress}", fontsize="medium")
    bar = figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label(result.method)
    mark = f"dot: q < {result.fdr:g}" if len(rows) else f"no pair has q < {result.fdr:g}"
    text = "\n".join([mark, *lines])
    figure.supxlabel(text, fontsize=7, ha="left", x=0.02, linespacing=1.4)
    return figure
