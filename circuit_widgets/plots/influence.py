"""Effects of each token as points with intervals; routes as lines over layers and positions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.influence import InformationFlow, SelfInfluence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Tokens whose labels fit; of longer texts those around what is read are shown.
_MOST = 64
# An edge that carries less of what is read is not drawn.
_LEAST = 0.01
_LABELS = {
    "logp": "effect on log probability (nats)",
    "kl": "KL divergence (nats)",
    "norm": "change of the logits (L2 norm)",
}


def plot(result: SelfInfluence | InformationFlow) -> Figure:
    """A Figure of its own (no pyplot, so nothing global changes).

    Of `SelfInfluence`: the effect of each position with its interval, and the matrix of pairs if
    there is one. Of `InformationFlow`: the edges that carry at least 1 % of what is read, as wide
    as what they carry, and what each source adds up to. Positions that were not computed are empty.
    """
    if isinstance(result, InformationFlow):
        return _of_flow(result)
    return _of_effects(result)


def _of_effects(result: SelfInfluence) -> Figure:
    from matplotlib.figure import Figure

    shown = _shown(result.position)
    panels = 1 if result.matrix is None else 2
    height = 3.4 if panels == 1 else 3.4 + min(7.0, 1.5 + 0.2 * len(shown))
    figure = Figure(figsize=(_width(len(shown)), height), layout="constrained")
    axes = figure.subplots(panels, 1, squeeze=False, height_ratios=[3.4, height - 3.4][:panels])[
        :, 0
    ]
    _points(axes[0], result, shown)
    if result.matrix is not None:
        _matrix(figure, axes[1], result, shown)
    made = result.provenance
    figure.suptitle(
        f"{made.model}: {result.target_token!r} after position {result.position}, {made.progress}",
        fontsize="medium",
        parse_math=False,
    )
    return figure


def _points(ax: Axes, result: SelfInfluence, shown: range) -> None:
    score = result.score
    assert score.low is not None and score.high is not None
    at = np.array(shown)
    value, low, high = (part.numpy()[at] for part in (score.value, score.low, score.high))
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.vlines(at, low, high, color="tab:blue", linewidth=1.2, alpha=0.6)
    given = at < result.n_prompt
    for own, colour, name in ((False, "tab:blue", "prompt"), (True, "tab:orange", "generated")):
        chosen = given != own
        if chosen.any():
            ax.plot(at[chosen], value[chosen], "o", color=colour, markersize=4, label=name)
    if not given.all():
        ax.legend(fontsize="small")
    ax.set_ylabel(_LABELS[result.metric], fontsize="small")
    _name(ax, "x", result.tokens, shown)


def _matrix(figure: Figure, ax: Axes, result: SelfInfluence, shown: range) -> None:
    assert result.matrix is not None
    at = slice(shown.start, shown.stop)
    values = np.ma.masked_invalid(result.matrix[at, at].numpy())
    most = float(np.abs(values).max()) if values.count() else 1.0
    image = ax.imshow(
        values,
        cmap="RdBu_r",
        vmin=-(most or 1.0),
        vmax=most or 1.0,
        interpolation="nearest",
        extent=(shown.start - 0.5, shown.stop - 0.5, shown.stop - 0.5, shown.start - 0.5),
    )
    _name(ax, "x", result.tokens, shown)
    _name(ax, "y", result.tokens, shown)
    ax.set_xlabel("output after", fontsize="small")
    ax.set_ylabel("replaced", fontsize="small")
    bar = figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label(_LABELS["logp"], fontsize="small")


def _of_flow(result: InformationFlow) -> Figure:
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    shown = _shown(result.position)
    n_layers = len(result.contributions)
    height = 2.2 + min(8.0, 0.6 + 0.35 * n_layers)
    figure = Figure(figsize=(_width(len(shown)), height), layout="constrained")
    graph, below = figure.subplots(2, 1, sharex=True, height_ratios=[height - 2.2, 2.2])
    edges = result.edges(_LEAST)
    for moved, colour in ((False, "0.5"), (True, "tab:blue")):
        some = edges[(edges["source"] != edges["query"]) == moved]
        lines = [
            [(source, layer), (query, layer + 1)]
            for source, query, layer in zip(
                some["source"], some["query"], some["layer"], strict=True
            )
        ]
        graph.add_collection(
            LineCollection(
                lines, colors=colour, linewidths=0.5 + 5 * np.sqrt(np.asarray(some["flow"]))
            )
        )
    graph.plot(result.position, n_layers, "o", color="tab:red", markersize=6)
    graph.set_ylim(-0.3, n_layers + 0.5)
    graph.set_ylabel("layer", fontsize="small")
    graph.yaxis.set_ticks(range(0, n_layers + 1, max(1, round(n_layers / 8))))

    at = np.array(shown)
    below.bar(at, result.routes.numpy()[at], color="tab:blue", label="routes")
    below.plot(at, result.rollout.numpy()[at], "_", color="0.4", label="rollout (baseline)")
    sure = [each["position"] for each in result.information_sources if each["confirmed"]]
    sure = [position for position in sure if position in shown]
    below.plot(
        sure, result.routes.numpy()[sure], "*", color="tab:red", label="confirmed by knockout"
    )
    below.set_ylabel("share of what is read", fontsize="small")
    below.legend(fontsize="small")
    _name(below, "x", result.tokens, shown)
    made = result.provenance
    figure.suptitle(
        f"{made.model}: {result.target_token!r} after position {result.position}, {made.progress}",
        fontsize="medium",
        parse_math=False,
    )
    return figure


def _shown(position: int) -> range:
    """The positions that are drawn, up to the one that is read."""
    return range(max(0, position + 1 - _MOST), position + 1)


def _width(n: int) -> float:
    return min(16.0, max(4.5, 1.5 + 0.28 * n))


def _name(ax: Axes, axis: str, tokens: tuple[str, ...], shown: range) -> None:
    """Tokens along an axis, as they are; a dollar sign is no formula."""
    names = [repr(tokens[position])[1:-1] for position in shown]
    ticks = ax.xaxis if axis == "x" else ax.yaxis
    ticks.set_ticks(list(shown), labels=names, fontsize="x-small", parse_math=False)
    if axis == "x":
        ax.tick_params(axis="x", rotation=90)
        ax.set_xlim(shown.start - 0.6, shown.stop - 0.4)
