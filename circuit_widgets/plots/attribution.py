"""Heads and MLPs by their share of a logit, or heads by what is lost; and the largest of them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from circuit_widgets.analysis.attribution.ablation_results import HeadAblation
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
    result: LogitAttribution | HeadAblation,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """Heads as a map, with the MLPs beside it, and the largest numbers as bars over their null.

    Args:
        result: What `attribute_logits` or `ablate_heads` found.
        figsize: Width and height in inches.
        title: In place of what is read; "" for none.
    """
    direct = isinstance(result, LogitAttribution)
    n_layers, n_heads = result.shape
    if title is None:
        read = result.read if direct else f"fall of the {result.measured}"
        title = f"{result.provenance.model}: {read}"
    heads = result.heads if isinstance(result, LogitAttribution) else result.effect
    unit = "share of the logit" if direct else f"fall ({result.unit or 'of the metric'})"
    maps = [] if not heads.value.ndim else [("head", heads.value)]
    if isinstance(result, LogitAttribution) and len(result.mlps.value):
        maps.append(("MLP", result.mlps.value[:, None]))
    wide = min(4.5, max(1.2, _CELL * n_heads))
    rows = _ROW * n_layers if maps else 0
    height = max(2.6, rows, _BAR * min(_NAMED, len(result.parts()))) + 1.0
    figure = new_figure(result, title, figsize, (wide + 5.0, min(9.0, height)))
    ratios = [*(wide if name == "head" else 0.45 for name, _ in maps), 2.6]
    axes = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
    _maps(figure, axes[:-1], maps, unit)
    share = result.provenance.interval.removesuffix(" interval")
    of = "one more random head of the layer"
    if isinstance(result, LogitAttribution):
        of = f"{share} of {result.random}"
    bold = "\n".join(textwrap.wrap(f"bold: {result.outside}", 36))
    _bars(axes[-1], result, f"{unit}\n(grey: {of})\n{bold}")
    return figure


def _maps(figure: Figure, axes: Any, maps: Sequence[tuple[str, Tensor]], unit: str) -> None:
    if not maps:
        return
    limits = around_zero(torch.cat([values.flatten() for _, values in maps]).numpy())
    for at, (ax, (name, values)) in enumerate(zip(axes, maps, strict=True)):
        image = heat(ax, values.numpy(), limits)
        ax.set_xlabel(name)
        count_ticks(ax, "y", len(values))
        if values.shape[1] > 1:
            count_ticks(ax, "x", values.shape[1])
        else:
            ax.set_xticks([])
        if at == 0:
            ax.set_ylabel("layer")
        else:
            ax.tick_params(labelleft=False)
        if at == len(maps) - 1:
            # Beside a column of MLPs the bar would be as thin as they are.
            narrow = values.shape[1] == 1
            fraction, pad = (0.5, 0.3) if narrow else (0.08, 0.03)
            bar = figure.colorbar(image, ax=ax, fraction=fraction, pad=pad)
            bar.set_label(unit)


def _bars(ax: Axes, result: LogitAttribution | HeadAblation, label: str) -> None:
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
    ax.set_yticks(at, [textwrap.fill(name, 24) for name in shown])
    out = result.standing_out()
    for name, tick in zip(shown, ax.get_yticklabels(), strict=True):
        tick.set_fontweight("bold" if name in out else "normal")
    ax.invert_yaxis()
    ax.set_ylabel("part")
    ax.set_xlabel(label)
