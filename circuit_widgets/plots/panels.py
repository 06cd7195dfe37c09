"""Panels that several topics' figures are made of: grids of heads, matrices, colour bars."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np

from circuit_widgets.plots.axes import count_ticks
from circuit_widgets.plots.figure import MOST, Figure, letters_in, new_figure, number
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

    from circuit_widgets.results.result import Result

# A quantity with a sign: blue below 0, white at 0, red above.
DIVERGING = "RdBu_r"
# Inches: a cell, the cells of a panel, and what a panel needs around them.
_CELL, _PANEL = 0.26, 3.0
_BESIDE, _ABOVE = 0.75, 1.15
_NARROWEST = 1.0


def hatch(ax: Axes) -> None:
    """What is masked is not painted, and shows this hatching: it is missing."""
    ax.patch.set(facecolor=matplotlib.rcParams["axes.facecolor"], edgecolor="0.6", hatch="////")


def heat(ax: Axes, values: Any, limits: tuple[float, float], **image: Any) -> AxesImage:
    """A heat map: missing values are hatched, and a range with a sign has 0 in its middle."""
    hatch(ax)
    signed = limits[0] < 0 < limits[1]
    colours = {"cmap": DIVERGING} if signed else {}
    return ax.imshow(
        np.ma.masked_invalid(values),
        vmin=limits[0],
        vmax=limits[1],
        interpolation="nearest",
        **{"aspect": "auto", **colours, **image},
    )


def around_zero(values: Any) -> tuple[float, float]:
    """Limits for a quantity with a sign: as far below 0 as above it."""
    known = np.ma.masked_invalid(values).compressed()
    most = float(np.abs(known).max(initial=0.0)) or 1.0
    return -most, most


def limits_of(score: Score, about: About) -> tuple[float, float]:
    """What a score's colours run between."""
    if about.most is None:
        known = score.value[score.value.isfinite()]
        if not len(known) or float(known.min()) < 0:
            return around_zero(known.numpy())
        return 0.0, float(known.max()) or 1.0
    return (-about.most, about.most) if about.least < 0 else (about.least, about.most)


def head_panels(
    result: Result,
    scores: Mapping[str, tuple[Score, About]],
    *,
    figsize: Sequence[float] | None,
    title: str | None,
    spare: int = 0,
) -> tuple[Figure, list[Axes]]:
    """A panel a score, layers down and heads across, and `spare` empty panels behind them.

    All have one colour bar if they have one scale, else each its own. Below a title stands what
    chance would give.
    """
    shape = next(iter(scores.values()))[0].value.shape
    n = len(scores) + spare
    rows, across, own = _layout(n, shape[0], shape[1])
    figure = new_figure(result, title, figsize, own)
    axes: list[Axes] = [*figure.subplots(rows, across, squeeze=False).flatten()]
    for ax in axes[n:]:
        ax.remove()
    letters = letters_in(figure.get_figwidth() / across - 0.4, "axes.titlesize")
    limits = {name: limits_of(*pair) for name, pair in scores.items()}
    shared = len({*limits.values()}) == 1
    image = None
    for ax, (name, (score, about)) in zip(axes, scores.items(), strict=False):
        image = heat(ax, score.value.numpy(), limits[name])
        _name(ax, score, about, letters)
        if not shared:
            bar = figure.colorbar(image, ax=ax, orientation="horizontal", aspect=12)
            bar.set_label(about.unit or "score")
            bar.ax.locator_params(nbins=3)
    for at, ax in enumerate(axes[: len(scores)]):
        if at % across == 0:
            ax.set_ylabel("layer")
    if shared and image is not None:
        bar = figure.colorbar(image, ax=axes[: len(scores)], aspect=30, fraction=0.05)
        units = {about.unit for _, about in scores.values()}
        bar.set_label((units.pop() if len(units) == 1 else "") or "score")
    return figure, axes[len(scores) : n]


def _layout(n: int, n_layers: int, n_heads: int) -> tuple[int, int, tuple[float, float]]:
    """Rows and columns of `n` panels, the ones with the largest cells, and the figure's size."""

    def cells(across: int) -> tuple[float, float]:
        rows = math.ceil(n / across)
        wide = min(_PANEL, MOST / across - _BESIDE) / n_heads
        high = min(_PANEL, (MOST - 0.4) / rows - _ABOVE) / n_layers
        return min(_CELL, wide), min(_CELL, high)

    # Where several give the same cells: few rows, and these full.
    across = max(
        range(1, n + 1),
        key=lambda across: (round(min(cells(across)), 3), -math.ceil(n / across), -across),
    )
    rows, (wide, high) = math.ceil(n / across), cells(across)
    width = across * (max(_NARROWEST, wide * n_heads) + _BESIDE) + 0.5
    return rows, across, (max(3.2, width), rows * (max(0.7, high * n_layers) + _ABOVE) + 0.4)


def _name(ax: Axes, score: Score, about: About, letters: int) -> None:
    n_layers, n_heads = score.value.shape
    lines = textwrap.wrap(about.label, letters)
    if score.chance is not None and about.null == "chance":
        lines.append(f"chance {number(float(score.chance))}")
    elif score.control is not None and bool(score.control.isfinite().any()):
        highest = float(score.control[score.control.isfinite()].max())
        lines.append(f"control ≤ {number(highest)}")
    ax.set_title("\n".join(lines))
    ax.set_xlabel("head")
    count_ticks(ax, "x", n_heads)
    count_ticks(ax, "y", n_layers)


def choose_scores(result: Any, names: Sequence[str] | None) -> dict[str, tuple[Score, About]]:
    """Scores of a result by name, each with what it means; None is all of them.

    Raises:
        ValueError: No name, or one that the result does not have.
    """
    abouts: dict[str, About] = result.abouts
    chosen = [*abouts] if names is None else [names] if isinstance(names, str) else [*names]
    if not chosen:
        raise ValueError(f"scores is empty; scores are {', '.join(abouts)}")
    return {name: (result.score(name), abouts[name]) for name in chosen}
