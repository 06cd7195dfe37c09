"""Axes of positions: which are shown, and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


# Tokens whose labels fit; of longer texts those around what is read are shown.
_MOST = 64


def shown_positions(position: int) -> range:
    """The positions that are drawn, up to the one that is read."""
    return range(max(0, position + 1 - _MOST), position + 1)


def width_of(n: int) -> float:
    return min(16.0, max(4.5, 1.5 + 0.28 * n))


def name_axis(ax: Axes, axis: str, tokens: tuple[str, ...], shown: range) -> None:
    """Tokens along an axis, as they are; a dollar sign is no formula."""
    names = [repr(tokens[position])[1:-1] for position in shown]
    ticks = ax.xaxis if axis == "x" else ax.yaxis
    ticks.set_ticks(list(shown), labels=names, fontsize="x-small", parse_math=False)
    if axis == "x":
        ax.tick_params(axis="x", rotation=90)
        ax.set_xlim(shown.start - 0.6, shown.stop - 0.4)
