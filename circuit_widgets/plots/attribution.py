"""Shares of heads and MLPs in a logit, layer by layer, and the largest of all parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from circuit_widgets.analysis.attribution.results import LogitAttribution
from circuit_widgets.plots.axes import count_ticks
from circuit_widgets.plots.figure import Figure, new_figure, styled
from circuit_widgets.plots.panels import around_zero, heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Parts with names, and inches: a layer's row, its cells, a named part.
_NAMED, _ROW, _CELL, _BAR = 12, 0.2, 0.26, 0.24


@styled
def plot(
    result: LogitAttribution,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """Heads as a map with the MLPs beside it, and the largest shares as bars over their null.

    Args:
        result: What `attribute_logits` found.
        figsize: Width and height in inches.
        title: In place of what the shares sum to; "" for none.
    """
    n_layers, n_heads = result.shape
    if title is None:
        title = f"{result.provenance.model}: {result.read}"
    wide = min(4.5, max(1.2, _CELL * n_heads))
    height = max(2.6, _ROW * n_layers, _BAR * min(_NAMED, len(result.parts()))) + 1.0
    figure = new_figure(result, title, figsize, (wide + 5.0, min(9.0, height)))
    ratios = [wide, 0.45, 2.6]
    map_ax, mlp_ax, bars = figure.subplots(1, 3, width_ratios=ratios)
    limits = around_zero(torch.cat([result.heads.value.flatten(), result.mlps.value]).numpy())
    image = heat(map_ax, result.heads.value.numpy(), limits)
    heat(mlp_ax, result.mlps.value.numpy()[:, None], limits)
    map_ax.set_xlabel("head")
    map_ax.set_ylabel("layer")
    mlp_ax.set_xlabel("MLP")
    mlp_ax.set_xticks([])
    mlp_ax.tick_params(labelleft=False)
    count_ticks(mlp_ax, "y", n_layers)
    count_ticks(map_ax, "x", n_heads)
    count_ticks(map_ax, "y", n_layers)
    bar = figure.colorbar(image, ax=mlp_ax, fraction=0.5, pad=0.3)
    bar.set_label("share of the logit")
    _bars(bars, result)
    return figure


def _bars(ax: Axes, result: LogitAttribution) -> None:
    named = {name: score for name, _, _, _, score in result.parts()}
    shown = [name for name, *_ in result.highest(_NAMED)]
    at = np.arange(len(shown))
    value = np.array([float(named[name].value) for name in shown])
    ax.barh(at, value, height=0.6, color=np.where(value < 0, "C0", "C3").tolist())
    for row, name in enumerate(shown):
        score = named[name]
        low, high = score.control_low, score.control_high
        if low is not None and high is not None:
            ax.plot([float(low), float(high)], [row, row], color="0.5", linewidth=5, alpha=0.5)
        if score.low is not None and score.high is not None:
            ax.plot([float(score.low), float(score.high)], [row, row], color="k", linewidth=1)
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.set_yticks(at, shown)
    ax.invert_yaxis()
    ax.set_ylabel("part")
    share = result.provenance.interval.removesuffix(" interval")
    ax.set_xlabel(f"share of the logit\n(grey: {share} of random tokens)")
