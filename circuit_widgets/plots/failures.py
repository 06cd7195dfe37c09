"""Failing cases: which parts are out of line, in what way, and what brought the answer back."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.failures.results import TYPES, CircuitFailures, Fix
from circuit_widgets.plots.axes import count_ticks, name_ticks
from circuit_widgets.plots.figure import Figure, new_figure, styled
from circuit_widgets.plots.panels import heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Fixes that are named, and inches: a row of any panel, a head's column, a case's row.
_NAMED, _ROW, _CELL = 12, 0.24, 0.26


@styled
def plot(
    result: CircuitFailures,
    *,
    case: int | None = None,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """How far out of line each head and MLP is, which types of failure hold, and what helped.

    Args:
        result: What `analyze_failures` or `diagnose_circuit_failure` found.
        case: The number of the case; None is the mean over cases, and the fixes of all.
        figsize: Width and height in inches.
        title: In place of the model and the number of cases; "" for none.

    Raises:
        ValueError: There is no such case.
    """
    chosen = [*range(result.n_done)]
    if case is not None:
        chosen = [arguments.place("case", case, result.n_done)]
    if title is None:
        of = f"case {case}" if case is not None else f"{len(result.cases)} failing cases"
        title = f"{result.provenance.model}, {of}: {result.provenance.progress}"
    n_layers, n_heads = result.shape
    fixes = _fixes(result, chosen)[:_NAMED]
    wide = min(4.0, max(1.6, _CELL * (n_heads + 1)))
    height = max(2.4, _ROW * n_layers, _ROW * len(fixes), min(4.0, _ROW * len(chosen))) + 1.6
    figure = new_figure(result, title, figsize, (wide + 6.4, min(9.0, height)))
    parts, types, helped = figure.subplots(1, 3, width_ratios=[wide, 1.6, 2.0])
    _anomalies(parts, result, chosen)
    _types(types, result, chosen)
    _bars(helped, fixes)
    return figure


def _anomalies(ax: Axes, result: CircuitFailures, chosen: Sequence[int]) -> None:
    n_layers, n_heads = result.shape
    every = torch.cat([result.anomaly, result.anomaly_mlp[..., None]], -1)
    values = _mean(every[[*chosen]])
    finite = values[values.isfinite()]
    most = float(finite.max()) if len(finite) else 0.0
    image = heat(ax, values.numpy(), (0.0, most if most > 0 else 1.0))
    ax.set_ylabel("layer")
    count_ticks(ax, "y", n_layers)
    step = max(1, math.ceil((n_heads + 1) / 8))
    heads = [*range(0, n_heads - step // 2, step)]
    ax.set_xticks([*heads, n_heads], [*map(str, heads), "MLP"])
    ax.set_xlabel("head")
    bar = ax.figure.colorbar(image, ax=ax, orientation="horizontal", aspect=12)
    bar.set_label("robust z" if len(chosen) == 1 else "robust z, mean over cases")
    bar.ax.locator_params(nbins=3)


def _mean(values: Float[Tensor, "case layer part"]) -> Float[Tensor, "layer part"]:
    """Over the cases where it was computed."""
    return values.nanmean(0) if len(values) else torch.full(values.shape[1:], torch.nan)


def _types(ax: Axes, result: CircuitFailures, chosen: Sequence[int]) -> None:
    values = result.types[[*chosen]].numpy().reshape(-1, len(TYPES))
    shown = values if len(values) else np.full((1, len(TYPES)), np.nan)
    image = heat(ax, shown, (0.0, 1.0))
    ax.set_ylabel("case")
    step = max(1, math.ceil(len(chosen) / 9))
    ax.set_yticks(range(0, len(chosen), step), [str(at) for at in chosen[::step]])
    name_ticks(ax, "x", range(len(TYPES)), [_short(name) for name in TYPES], 1.6)
    ax.set_xlabel("type")
    bar = ax.figure.colorbar(image, ax=ax, orientation="horizontal", aspect=12)
    bar.set_label("score")
    bar.ax.locator_params(nbins=3)


def _short(name: str) -> str:
    """The word of a type that tells it from the others."""
    return name.split("_")[0] if "_" in name else name


def _fixes(result: CircuitFailures, chosen: Sequence[int]) -> list[tuple[str, Fix]]:
    """The best fix of each part, what brought back most first."""
    found = [
        (f"{problem.component} {fix.kind}" + (f", case {at}" if len(chosen) > 1 else ""), fix)
        for at in chosen
        for problem in result.problems[at]
        for fix in problem.fixes[:1]
    ]
    return sorted(found, key=lambda one: -one[1].recovered)


def _bars(ax: Axes, fixes: Sequence[tuple[str, Fix]]) -> None:
    for row, (_, fix) in enumerate(fixes):
        ax.barh(row, fix.recovered, height=0.6, color="C0" if fix.helped else "0.7")
        control = [each for each in fix.control if math.isfinite(each)]
        ax.plot(control, [row] * len(control), "k|", markersize=7)
    ax.axvline(0, color="0.6", linewidth=0.8)
    names = [textwrap.shorten(name, 26, placeholder="…") for name, _ in fixes]
    ax.set_yticks(range(len(fixes)), names, parse_math=False)
    ax.invert_yaxis()
    ax.set_xlabel(
        "share brought back\nticks: the same in random parts\ngrey: no more than these"
        if fixes
        else "no fix was tried"
    )
