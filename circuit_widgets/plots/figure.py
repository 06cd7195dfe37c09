"""A figure that shows itself, and what all figures have: a style, a bounded size, a title."""

from __future__ import annotations

import base64
import functools
import io
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

import matplotlib
from matplotlib.figure import Figure as Base
from matplotlib.font_manager import font_scalings

from circuit_widgets.plots.fonts import one_word_on_glyphs, wide_fonts
from circuit_widgets.results.result import Result

P = ParamSpec("P")
# Inches. A page is 8.3 x 11.7; a figure that is larger than this is a poster.
MOST = 10.0
# How much finer than its size on the screen a figure is painted in a notebook.
_FINER = 2
# Small enough for many panels. Only what is still at matplotlib's default is set: a setting of the
# reader's own, in a matplotlibrc, a style sheet or `rcParams`, always holds.
_STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": "medium",
    "figure.titlesize": "medium",
    "figure.labelsize": "small",
    "legend.fontsize": "small",
    "legend.title_fontsize": "small",
    "xtick.labelsize": "small",
    "ytick.labelsize": "small",
}


class Figure(Base):
    """A matplotlib Figure that a notebook shows as a picture, as the last line of a cell.

    IPython prints `<Figure size ...>` for a bare Figure until pyplot, or `%matplotlib inline`, has
    told it how to paint one. This one says so itself. Where the inline backend is on, IPython asks
    that, and its settings hold (`%config InlineBackend.figure_formats`).
    """

    def draw(self, renderer: Any) -> None:
        """Paint it. Letters that no font has are told of once, with what helps."""
        with one_word_on_glyphs():
            super().draw(renderer)

    def _repr_png_(self) -> tuple[str, dict[str, int]]:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=_FINER * self.dpi)
        width, height = (round(inches * self.dpi) for inches in self.get_size_inches())
        return base64.b64encode(data.getvalue()).decode(), {"width": width, "height": height}


def styled(plot: Callable[P, Figure]) -> Callable[P, Figure]:
    """Make `plot` with the package's style, where the reader has set nothing else."""

    @functools.wraps(plot)
    def with_style(*args: P.args, **kwargs: P.kwargs) -> Figure:
        untouched = {
            name: value
            for name, value in _STYLE.items()
            if matplotlib.rcParams[name] == matplotlib.rcParamsDefault[name]
        }
        if matplotlib.rcParams["font.family"] == matplotlib.rcParamsDefault["font.family"]:
            untouched["font.family"] = [*matplotlib.rcParams["font.family"], *wide_fonts()]
        with matplotlib.rc_context(untouched):
            return plot(*args, **kwargs)

    return with_style


def new_figure(
    result: Result,
    title: str | None,
    figsize: Sequence[float] | None,
    own: tuple[float, float],
) -> Figure:
    """An empty figure. It belongs to no pyplot: nothing global changes, nothing has to be closed.

    Args:
        result: What it shows; the model's name and the progress are its title.
        title: In place of that; "" for none.
        figsize: Width and height in inches, as in matplotlib. None is `rcParams["figure.figsize"]`
            if that was set, else `own`.
        own: The size that suits what it shows; at most 10 inches are taken.
    """
    figure = Figure(figsize=size_of(figsize, own), layout="constrained")
    if title is None:
        made = result.provenance
        under = f", with your own hooks at {', '.join(made.hooks)}" if made.hooks else ""
        title = f"{made.model}, {made.progress}{under}"
    if title:
        letters = letters_in(figure.get_figwidth(), "figure.titlesize")
        # A dollar sign is no formula.
        figure.suptitle("\n".join(textwrap.wrap(title, letters)), parse_math=False)
    return figure


def size_of(figsize: Sequence[float] | None, own: tuple[float, float]) -> tuple[float, float]:
    """Width and height in inches.

    Raises:
        ValueError: `figsize` is no pair of positive numbers.
    """
    if figsize is None:
        chosen = [*matplotlib.rcParams["figure.figsize"]]
        if chosen != [*matplotlib.rcParamsDefault["figure.figsize"]]:
            return chosen[0], chosen[1]
        return min(own[0], MOST), min(own[1], MOST)
    try:
        width, height = (float(inches) for inches in figsize)
    except (TypeError, ValueError):
        width = height = 0.0
    if not (width > 0 and height > 0):
        raise ValueError(f"figsize is {figsize!r}; accepted are width and height in inches, (6, 4)")
    return width, height


def line_height(setting: Any = "xtick.labelsize") -> float:
    """The height in inches of a line of text, by the setting that says how large it is."""
    size = matplotlib.rcParams[setting]
    points = (
        matplotlib.rcParams["font.size"] * font_scalings[size] if isinstance(size, str) else size
    )
    return 1.2 * points / 72


def letters_in(inches: float, setting: str) -> int:
    """About how many letters of such a text stand in a line."""
    return max(8, int(2.0 * inches / line_height(setting)))


def number(value: float, digits: int = 2) -> str:
    """Rounded, and never "-0.00"."""
    return f"{round(value, digits) + 0.0:.{digits}f}"
