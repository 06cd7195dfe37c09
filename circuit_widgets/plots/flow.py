"""Routes as lines over layers and positions, with the heads that carry them, and each source."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.analysis.flow.results import FlowSource, InformationFlow
from circuit_widgets.analysis.flow.routes import FlowPath
from circuit_widgets.plots import layers
from circuit_widgets.plots.axes import name_tokens, shown_output, shown_positions, width_of
from circuit_widgets.plots.figure import (
    Figure,
    letters_in,
    line_height,
    new_figure,
    number,
    size_of,
    styled,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

# Paths that are written out below the picture, and in colour in it.
_PATHS = 5
# Inches of the panels of sources, with the names of their tokens, and of the sweep over layers.
_SOURCES, _KNOCKOUTS, _SWEEP = 2.4, 1.5, 2.0
# Sources whose sweep is drawn.
_SWEPT = 5


def _output(result: InformationFlow) -> str:
    if result.n_prompts > 1 and len({*result.targets}) > 1:
        return f"the targets after position {result.position}"
    return shown_output(result.target_token, result.position, result.against_token)


def plot(
    result: InformationFlow | CrossLayerFlow,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
    least: float = 0.01,
) -> Figure:
    """Routes to an output, or flow between layers (`plots.layers`).

    Args:
        result: What `trace_information_flow` or `analyze_cross_layer_flow` found.
        figsize: Width and height in inches.
        title: In place of what is read and the progress; "" for none.
        least: Of routes: edges with a smaller share of the final residual stream are not drawn.
    """
    if isinstance(result, CrossLayerFlow):
        return layers.plot(result, figsize=figsize, title=title)
    return _routes(result, figsize=figsize, title=title, least=least)


@styled
def _routes(
    result: InformationFlow,
    *,
    figsize: Sequence[float] | None,
    title: str | None,
    least: float,
) -> Figure:
    """The edges, as wide as the share they carry and named by their head; below, each source.

    The strongest paths are in colour in the graph and written out at the bottom. Shares are not
    causal: what attention knockout costs is below them, with a mark at the bound of tokens as
    likely as the target, a line at that of other queries, and a star where it is above both; and at
    the bottom for windows of layers, of the sources that cost most. Of several prompts these are
    means, with their intervals.
    """
    shown = shown_positions(result.position)
    n_layers = len(result.contributions)
    width, _ = size_of(figsize, (width_of(len(shown)), 0.0))
    letters = letters_in(width - 0.2, "figure.labelsize")
    moving = [path for path in result.key_paths if path.moves]
    lines = [
        textwrap.shorten(f"{number(path.weight, 3)}  {result.path_text(path)}", letters)
        for path in moving[:_PATHS]
    ]
    if lines:
        lines.insert(0, "Strongest paths, with their share of the final residual stream:")
    graph_height = min(5.2, 1.0 + 0.32 * n_layers)
    below = 1.2 * line_height("figure.labelsize") * len(lines) + 0.3
    if title is None:
        made = result.provenance
        output = _output(result)
        if result.n_prompts > 1:
            output += f", mean of {result.n_prompts} prompts"
        title = f"{made.model}: information flow to {output}, {made.progress}"
    heights = [graph_height, _SOURCES - 0.6]
    run = bool(result.knockout.value.isfinite().any())
    swept = [at for at in result.information_sources if result.strongest_window(at.position)]
    heights += [_KNOCKOUTS] if run else []
    heights += [_SWEEP] if swept else []
    figure = new_figure(result, title, figsize, (width, sum(heights) + 0.6 + below))
    axes = list(figure.subplots(len(heights), 1, height_ratios=heights))
    width, height = figure.get_size_inches()
    room = (width - 1.0, max(1.0, height - sum(heights[1:]) - 0.6 - below))
    _graph(axes[0], result, result.edges(least), moving[:_PATHS], shown, room)
    _sources(axes[1], result, shown)
    if run:
        _knockouts(axes[2], result, shown)
    over_tokens = axes[: 2 + run]
    for ax in over_tokens[:-1]:
        ax.tick_params(labelbottom=False)
        ax.sharex(over_tokens[-1])
    name_tokens(over_tokens[-1], "x", result.tokens, shown, width - 1.0)
    over_tokens[-1].set_xlabel("token" + " of the first prompt" * (result.n_prompts > 1))
    if swept:
        _sweep(axes[-1], result, swept[:_SWEPT])
    figure.supxlabel("\n".join(lines), ha="left", x=0.02, linespacing=1.4, parse_math=False)
    return figure


def _graph(
    ax: Axes,
    result: InformationFlow,
    edges: pd.DataFrame,
    paths: Sequence[FlowPath],
    shown: range,
    room: tuple[float, float],
) -> None:
    n_layers = len(result.contributions)
    edges = edges.query("source >= @shown.start")
    colour_of: dict[tuple[int, int, int], str] = {}
    for rank, path in enumerate(paths):
        for layer, source, query, _ in path.steps:
            if source != query:
                colour_of.setdefault((layer, source, query), f"C{rank}")
    for moved in (False, True):
        # A line an edge: its heads share it.
        some = edges.query("source != query" if moved else "source == query")
        some = some.drop_duplicates(["layer", "source", "query"])
        places = [*zip(some["layer"], some["source"], some["query"], strict=True)]
        ax.add_collection(
            LineCollection(
                [[(source, layer), (query, layer + 1)] for layer, source, query in places],
                colors=[colour_of.get(place, "0.55" if moved else "0.8") for place in places],
                linewidths=0.5 + 5 * np.sqrt(np.asarray(some["edge"])),
                zorder=2 if moved else 1,
            )
        )
    ax.plot(result.position, n_layers, "o", color="C3", zorder=3)
    ax.set_ylim(-0.3, n_layers + 0.5)
    ax.set_xlim(shown.start - 0.6, shown.stop - 0.4)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_ylabel("before layer")
    # Of an edge that several heads carry those with a quarter of it or more.
    named = "source != query and flow >= edge / 4 and head == head"
    moving = edges.query(named).sort_values("flow", ascending=False)
    per_unit = (room[0] / len(shown), room[1] / (n_layers + 0.8))
    _name_heads(ax, moving, colour_of, per_unit)


def _name_heads(
    ax: Axes,
    edges: pd.DataFrame,
    colour_of: dict[tuple[int, int, int], str],
    per_unit: tuple[float, float],
) -> None:
    """The head of each edge beside it, the strongest first, where there is room for a name."""
    size = line_height("xtick.labelsize")
    taken: list[tuple[float, float, float]] = []
    for layer, source, query, head in zip(
        edges["layer"], edges["source"], edges["query"], edges["name"], strict=True
    ):
        half = 0.3 * size * len(head)
        for part in (0.5, 0.35, 0.65, 0.2, 0.8):
            x, y = source + part * (query - source), layer + part
            at = x * per_unit[0], y * per_unit[1]
            if all(
                abs(at[0] - other[0]) > half + other[2] or abs(at[1] - other[1]) > 1.1 * size
                for other in taken
            ):
                break
        else:
            continue
        taken.append((*at, half))
        ax.text(
            x,
            y,
            head,
            ha="center",
            va="center",
            fontsize=matplotlib.rcParams["xtick.labelsize"],
            color=colour_of.get((layer, source, query), "0.4"),
            bbox={"facecolor": matplotlib.rcParams["axes.facecolor"], "linewidth": 0, "pad": 0.8},
            zorder=4,
        )


def _sources(ax: Axes, result: InformationFlow, shown: range) -> None:
    at = np.array(shown)
    routes = result.routes.numpy()
    ax.bar(at, routes[at], color="C0", label="routes")
    if result.routes_between is not None:
        low, high = result.routes_between.numpy()[:, at]
        ax.vlines(at, low, high, color="0.2", label=result.provenance.interval)
    ax.plot(at, result.rollout.numpy()[at], "_", color="0.4", label="attention rollout (baseline)")
    ax.set_ylabel("share of final\nresidual stream")
    ax.legend()


def _knockouts(ax: Axes, result: InformationFlow, shown: range) -> None:
    at = np.array(shown)
    cost = result.knockout.value.numpy()
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.bar(at, np.nan_to_num(cost[at]), color="C1")
    score = result.knockout
    if score.low is not None and score.high is not None:
        ax.vlines(at, score.low.numpy()[at], score.high.numpy()[at], color="0.2")
    bound = float(result.knockout_control[1])
    if bound == bound:
        ax.axhline(bound, color="0.4", linestyle="--", label="bound of other queries")
    if score.control_high is not None and bool(score.control_high.isfinite().any()):
        likely = score.control_high.numpy()[at]
        ax.plot(at, likely, "_", color="0.4", label="bound of tokens as likely")
    confirmed = [each.position for each in result.information_sources if each.confirmed]
    confirmed = [position for position in confirmed if position in shown]
    if confirmed:
        ax.plot(confirmed, cost[confirmed], "*", color="C3", label="above both", ms=9)
    ax.set_ylabel(f"cost of\nknockout ({result.unit})")
    if ax.get_legend_handles_labels()[0]:
        ax.legend()


def _sweep(ax: Axes, result: InformationFlow, sources: Sequence[FlowSource]) -> None:
    middle = [(first + last) / 2 for first, last in result.windows]
    ax.axhline(0, color="0.6", linewidth=0.8)
    for at in sources:
        cost = result.knockout_by_window[:, at.position].numpy()
        ax.plot(middle, cost, "-o", markersize=3, label=f"{at.position} {at.token.strip()}")
    first, last = result.windows[0]
    layers = "one layer" if first == last else f"a window of {last - first + 1} layers"
    ax.set_xlabel(f"middle of {layers} in which attention is blocked")
    ax.set_ylabel(f"cost of\nknockout ({result.unit})")
    for text in ax.legend().get_texts():
        text.set_parse_math(False)
