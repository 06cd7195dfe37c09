"""Scores of every head, and what the induction heads do in one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.analysis.induction.trace_results import InductionTrace
from circuit_widgets.plots.axes import name_ticks
from circuit_widgets.plots.figure import Figure, new_figure, styled
from circuit_widgets.plots.panels import choose_scores, head_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More lines than that have no colours of their own; the others are grey.
_NAMED = 8


def plot(result: InductionHeads | InductionTrace, **options: Any) -> Figure:
    """The still picture of either result of this topic."""
    if isinstance(result, InductionTrace):
        return plot_trace(result, **options)
    return plot_heads(result, **options)


@styled
def plot_heads(
    result: InductionHeads,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
    scores: Sequence[str] | None = None,
) -> Figure:
    """A grid of heads for each score.

    Args:
        result: What `identify_induction_heads` found.
        figsize: Width and height in inches.
        title: In place of the model's name and the progress; "" for none.
        scores: Which scores, in this order; None is all that were measured.
    """
    return head_panels(result, choose_scores(result, scores), figsize=figsize, title=title)[0]


@styled
def plot_trace(
    result: InductionTrace,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """What each induction head does at each repeated token: its attention, and what it writes.

    Of several prompts the means of each head with intervals over prompts, and behind them the
    prompts as small dots.

    Args:
        result: What `trace_induction` found.
        figsize: Width and height in inches.
        title: In place of the model's name and the progress; "" for none.
    """
    if result.lengths:
        return _plot_means(result, figsize, title)
    at = result.repeats()
    figure = new_figure(result, title, figsize, (max(5.0, 2.2 + 0.4 * len(at)), 4.8))
    upper, lower = figure.subplots(2, 1, sharex=True)
    places = range(len(at))
    by_attention = result.attention[:, at].nan_to_num().mean(1).argsort(descending=True).tolist()
    for rank, h in enumerate(by_attention):
        named = rank < _NAMED
        look = {"color": f"C{rank}"} if named else {"color": "0.75", "linewidth": 0.8, "zorder": 1}
        label = result.heads[h] if named else None
        upper.plot(places, result.attention[h, at].numpy(), "o-", markersize=3, label=label, **look)
        lower.plot(places, result.added[h, at].numpy(), "o-", markersize=3, **look)
    chance = {"linestyle": ":", "color": "0.4"}
    upper.plot(places, result.chance[at].numpy(), **chance, label="uniform attention")
    others = result.added_chance[:, at].mean(0).numpy()
    lower.plot(places, others, **chance, label="other tokens of the text")
    lower.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    upper.set_ylabel("attention to the token\nthat followed earlier")
    lower.set_ylabel("added to the logit\nof that token")
    lower.set_xlabel("repeated token, with its position")
    names = [f"{result.tokens[q]} ({q})" for q in at]
    name_ticks(lower, "x", places, names, figure.get_figwidth() - 2.2)
    more = len(by_attention) - _NAMED
    heading = "head" if more <= 0 else f"head (grey: {more} more)"
    upper.legend(title=heading, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    lower.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def _plot_means(
    result: InductionTrace, figsize: Sequence[float] | None, title: str | None
) -> Figure:
    many = max(len(result.heads), len(result.previous))
    figure = new_figure(result, title, figsize, (max(5.0, 2.2 + 0.3 * many), 6.6))
    panels = figure.subplots(3, 1)
    inches = figure.get_figwidth() - 1.6
    chance, others = "uniform attention", "other tokens of the prompt"
    shown = (
        ("attention", result.heads, "attention to the token\nthat followed earlier", chance),
        ("added", result.heads, "added to the logit\nof that token", others),
        ("first_hop", result.previous, "first hop: attention to\nthe token before that", chance),
    )
    for ax, (name, heads, label, null) in zip(panels, shown, strict=True):
        _means(ax, result, name, null)
        ax.set_ylabel(label)
        name_ticks(ax, "x", range(len(heads)), heads, inches)
        ax.set_xlim(-0.6, max(1, len(heads)) - 0.4)
    for ax, shows in ((panels[0], slice(None)), (panels[1], slice(-1, None))):
        handles, names = ax.get_legend_handles_labels()
        above = {"loc": "lower right", "bbox_to_anchor": (1, 1), "ncols": 3, "frameon": False}
        ax.legend(handles[shows], names[shows], **above)
    panels[1].axhline(0, color="0.8", linewidth=0.8, zorder=0)
    panels[2].set_xlabel(f"head (points: mean and {result.interval})")
    return figure


def _means(ax: Axes, result: InductionTrace, name: str, null: str) -> None:
    score, by_prompt = result.mean(name), result.by_prompt(name)
    at = range(len(score.value))
    assert score.low is not None and score.high is not None
    for row in by_prompt.numpy():
        ax.plot(at, row, ".", color="0.75", markersize=3, zorder=0)
    ax.plot([], [], ".", color="0.75", markersize=3, label="one prompt")
    ax.vlines(at, score.low.numpy(), score.high.numpy(), color="C0", alpha=0.6)
    ax.plot(at, score.value.numpy(), "o", color="C0", markersize=4, label="mean")
    than = score.control
    if than is None and score.chance is not None:
        than = score.chance.expand_as(score.value)
    if than is not None:
        ax.plot(at, than.numpy(), "_", color="0.4", label=null)
