"""A circuit as a layered graph, beside how faithful circuits of every size are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from circuit_widgets.analysis.circuits.graphs import to_networkx
from circuit_widgets.analysis.circuits.results import Circuit
from circuit_widgets.causal.nodes import EMBEDDING, OUTPUT
from circuit_widgets.plots.figure import Figure, new_figure, styled
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    import networkx
    from matplotlib.axes import Axes

# Edges that are drawn; of larger circuits the strongest.
_EDGES = 200


@styled
def plot(
    result: Circuit, *, figsize: Sequence[float] | None = None, title: str | None = None
) -> Figure:
    """The circuit from the embedding up to the output, and the curves of all sizes.

    A line's width is the size of a score, its colour the sign; where a head reads by several of q,
    k and v their scores are added. Bands are intervals; grey is of random circuits. By position
    each column is one, and a head stands where it writes.

    Args:
        result: What `extract_circuit` found.
        figsize: Width and height in inches.
        title: In place of the model, the task and the size; "" for none.
    """
    if title is None:
        size = f"{result.n_edges:,} of {result.n_all:,} edges"
        title = f"{result.provenance.model}: circuit for {result.task}, {size}"
    graph = to_networkx(result)
    rows = len({facts["layer"] for _, facts in graph.nodes(data=True)})
    height = min(9.0, max(3.6, 0.42 * rows + 1.4))
    figure = new_figure(result, title, figsize, (9.5, height))
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    _graph(left, graph, result)
    _curves(right, result)
    return figure


def _graph(ax: Axes, graph: networkx.DiGraph, result: Circuit) -> None:
    import networkx

    order = sorted(graph.edges(data="score"), key=lambda edge: abs(edge[2]))[-_EDGES:]
    most = max((abs(score) for *_, score in order), default=1.0) or 1.0
    placed = _places(graph, result.nodes.n_positions)
    networkx.draw_networkx_edges(
        graph,
        placed,
        edgelist=[(source, target) for source, target, _ in order],
        width=[0.3 + 4 * abs(score) / most for *_, score in order],
        edge_color=["C3" if score > 0 else "C0" for *_, score in order],
        alpha=0.6,
        arrows=False,
        ax=ax,
    )
    for name, (x, y) in placed.items():
        box = {"boxstyle": "round,pad=0.15", "fc": "w", "ec": "0.6", "lw": 0.6}
        label = name.split("@")[0]
        ax.text(x, y, label, ha="center", va="center", fontsize="x-small", bbox=box)
    _name_rows(ax, graph, placed)
    if result.by_position:
        _name_columns(ax, result)
    ax.set_title("red helps the task, blue hinders it", fontsize="small")


def _name_rows(ax: Axes, graph: networkx.DiGraph, placed: dict[str, tuple[float, float]]) -> None:
    """The layer of each row, where it begins."""
    rows: dict[int, float] = {}
    for name, facts in graph.nodes(data=True):
        if facts["kind"] not in (EMBEDDING, OUTPUT):
            at = placed[name][1]
            rows[facts["layer"]] = min(at, rows.get(facts["layer"], at))
    ax.tick_params(left=True, labelleft=True)
    step = max(1, len(rows) // 16)
    shown = sorted(rows)[::step]
    ax.set_yticks([rows[layer] for layer in shown], labels=[str(layer) for layer in shown])
    ax.set_ylabel("layer")
    ax.spines[:].set_visible(False)


def _name_columns(ax: Axes, result: Circuit) -> None:
    n = result.nodes.n_positions
    step = max(1, n // 24)
    at = range(0, n, step)
    names = [result.role(position) for position in at]
    ax.tick_params(bottom=True, labelbottom=True)
    ax.set_xlim(0, 1)
    ax.set_xticks([(each + 0.5) / n for each in at], labels=names, rotation=90, fontsize="x-small")


def _places(graph: networkx.DiGraph, n_positions: int) -> dict[str, tuple[float, float]]:
    """Rows are layers that are there, heads below the MLP; a row, or its cell, is spread evenly."""

    def row(facts: dict[str, Any]) -> tuple[int, int]:
        if facts["kind"] in (EMBEDDING, OUTPUT):
            return (-1, 0) if facts["kind"] == EMBEDDING else (10**9, 0)
        return facts["layer"], int(facts["kind"] == "mlp")

    cells: dict[tuple[tuple[int, int], int], list[str]] = {}
    for name, facts in graph.nodes(data=True):
        cells.setdefault((row(facts), facts.get("position", 0)), []).append(name)
    heights = {key: float(at) for at, key in enumerate(sorted({key for key, _ in cells}))}
    width = 1 / max(1, n_positions)
    return {
        name: ((position + (at + 0.5) / len(names)) * width, heights[key])
        for (key, position), names in cells.items()
        for at, name in enumerate(names)
    }


def _curves(ax: Axes, result: Circuit) -> None:
    sizes = np.array(result.sizes)
    _line(ax, sizes, result.faithfulness, "C3", "faithfulness")
    _line(ax, sizes, result.without, "C0", "without the circuit")
    control = result.faithfulness
    if control.control is not None:
        ax.plot(sizes, control.control.numpy(), color="0.5", marker=".", label="random circuits")
    ax.plot(sizes, result.accuracy.value.numpy(), "k:", linewidth=1, label="right answers")
    ax.axvline(result.n_edges, color="0.7", linewidth=0.8, zorder=0)
    for level in (0, 1):
        ax.axhline(level, color="0.85", linewidth=0.8, zorder=0)
    ax.set_xscale("log")
    ticks = [size for at, size in enumerate(result.sizes) if _apart(result.sizes, at)]
    ax.set_xticks(ticks, labels=[f"{size:,}" for size in ticks], rotation=30, ha="right")
    ax.minorticks_off()
    # One small circuit far off would flatten all others.
    ax.set_ylim(-0.5, 1.5)
    ax.set_xlabel("edges")
    ax.set_ylabel("share of clean − corrupt")
    ax.legend(frameon=False, fontsize="x-small", loc="upper left")


def _apart(sizes: Sequence[int], at: int) -> bool:
    """Whether a size has room for its number: a sixteenth of the axis from the one before."""
    whole = math.log(sizes[-1] / sizes[0]) or 1.0
    return at == 0 or math.log(sizes[at] / sizes[at - 1]) > whole / 16


def _line(ax: Axes, sizes: Any, score: Score, color: str, label: str) -> None:
    ax.plot(sizes, score.value.numpy(), color=color, marker=".", label=label)
    if score.low is not None and score.high is not None:
        ends = score.low.numpy(), score.high.numpy()
        ax.fill_between(sizes, *ends, color=color, alpha=0.2, linewidth=0)
