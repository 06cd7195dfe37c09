"""Axes of tokens and of heads: which are shown, and names that never collide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from circuit_widgets.plots.figure import line_height
from circuit_widgets.prompts.characters import escaped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Tokens whose labels fit; of longer texts those around what is read are shown.
_TOKENS = 64
# Letters of a name; longer ones are cut.
_LETTERS = 14


def shown_positions(position: int) -> range:
    """The positions that are drawn, up to the one that is read."""
    return range(max(0, position + 1 - _TOKENS), position + 1)


def width_of(n: int) -> float:
    """Inches for a figure whose x axis has `n` tokens, before it is bounded."""
    return max(4.5, 1.5 + 0.28 * n)


def shown_token(token: str) -> str:
    """A token in a line: line breaks as backslashes, a long one cut."""
    text = escaped(token)
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def shown_output(token: str, position: int, against: str | None = None) -> str:
    """A next token in words, and what it is held against if there is something."""
    other = "" if against is None else f" against “{shown_token(against).strip()}”"
    return f"“{shown_token(token).strip()}”{other} (predicted after position {position})"


def name_ticks(
    ax: Axes,
    axis: Literal["x", "y"],
    at: Iterable[int],
    names: Sequence[str],
    inches: float,
) -> None:
    """Names along an axis of `inches`, every second or third one where all would collide.

    Names of the x axis stand upright, so that a line's height is what each needs.
    """
    places = [*at]
    step = max(1, math.ceil(len(places) * line_height() / max(inches, 0.1)))
    ticks: Any = ax.xaxis if axis == "x" else ax.yaxis
    ticks.set_ticks(
        places[::step],
        labels=[shown_token(name) for name in names[::step]],
        parse_math=False,
    )
    if axis == "x":
        ax.tick_params(axis="x", rotation=90)


def count_ticks(ax: Axes, axis: Literal["x", "y"], n: int) -> None:
    """Numbers from 0 along an axis of `n` layers or heads: at most nine of them."""
    ticks: Any = ax.xaxis if axis == "x" else ax.yaxis
    ticks.set_ticks(range(0, n, max(1, math.ceil(n / 9))))


def name_tokens(
    ax: Axes, axis: Literal["x", "y"], tokens: Sequence[str], shown: range, inches: float
) -> None:
    """Tokens of a text along an axis of positions."""
    name_ticks(ax, axis, shown, tokens[shown.start : shown.stop], inches)
    if axis == "x":
        ax.set_xlim(shown.start - 0.6, shown.stop - 0.4)
