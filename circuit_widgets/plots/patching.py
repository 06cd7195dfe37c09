"""Heads, or layers and positions, by what patching them does; and the largest effects."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.patching.results import FDR, WHAT, ActivationPatching
from circuit_widgets.plots.axes import count_ticks, name_ticks
from circuit_widgets.plots.figure import Figure, new_figure, styled
from circuit_widgets.plots.panels import around_zero, heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Effects with names, and inches: a layer's row, a column, a named effect.
_NAMED, _ROW, _CELL, _BAR = 12, 0.2, 0.26, 0.24


@styled
def plot(
    result: ActivationPatching,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """Effects as a map, and the largest as bars with their intervals.

    Args:
        result: What `patch_activations` found.
        figsize: Width and height in inches.
        title: In place of the model, the task and what is patched; "" for none.
    """
    n_layers, n_columns = result.q.shape
    if title is None:
        title = f"{result.provenance.model}, {result.task}: {WHAT[result.what]}, {result.direction}"
    wide = min(6.0, max(1.4, _CELL * n_columns))
    height = max(2.6, _ROW * n_layers, _BAR * min(_NAMED, n_layers * n_columns)) + 1.4
    figure = new_figure(result, title, figsize, (wide + 5.4, min(9.0, height)))
    here, beside = figure.subplots(1, 2, width_ratios=[wide, 2.6])
    values = result.effect.value.numpy()
    image = heat(here, values, around_zero(values))
    here.set_ylabel("layer")
    count_ticks(here, "y", n_layers)
    if result.by_head:
        here.set_xlabel("head")
        count_ticks(here, "x", n_columns)
    else:
        here.set_xlabel("position")
        inches = figure.get_figwidth() * wide / (wide + 5.4)
        name_ticks(here, "x", range(n_columns), result.roles or result.tokens, inches)
    bar = figure.colorbar(image, ax=here, fraction=0.08, pad=0.03)
    bar.set_label(f"effect ({result.unit})" if result.unit else "effect")
    _bars(beside, result)
    return figure


def _bars(ax: Axes, result: ActivationPatching) -> None:
    order, out = result.order()[:_NAMED], {*result.standing_out()}
    shown = result.highest(_NAMED)
    value = np.array([effect for _, effect, _, _ in shown])
    rows = np.arange(len(shown))
    ax.barh(rows, value, height=0.6, color=np.where(value < 0, "C0", "C3").tolist())
    for row, (_, _, low, high) in enumerate(shown):
        ax.plot([low, high], [row, row], color="k", linewidth=1)
    ax.axvline(0, color="0.6", linewidth=0.8)
    names = [textwrap.fill(name, 24) for name, *_ in shown]
    ax.set_yticks(rows, names, parse_math=False)
    for at, tick in zip(order, ax.get_yticklabels(), strict=True):
        tick.set_fontweight("bold" if at in out else "normal")
    ax.invert_yaxis()
    tested = f"bold: q < {FDR}" if result.n_prompts >= 5 else "not tested: under 5 prompts"
    ax.set_xlabel("\n".join([*textwrap.wrap(f"effect on the {result.measured}", 36), tested]))
