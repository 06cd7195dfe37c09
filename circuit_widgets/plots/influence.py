"""Effects of each token as points with intervals, and the matrix of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.plots.axes import name_tokens, shown_output, shown_positions, width_of
from circuit_widgets.plots.figure import Figure, new_figure, styled
from circuit_widgets.plots.panels import around_zero, heat

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

_LABELS = {
    "logp": "effect on the log-probability (nats)",
    "kl": "KL divergence (nats)",
    "norm": "change of the logits (L2 norm)",
}
# Inches of the panel of effects, with the names of its tokens.
_POINTS = 3.2


@styled
def plot(
    result: SelfInfluence,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """The effect of each token with its interval; below it, the matrix of pairs if there is one.

    Effects of all replacements have no interval. Of several prompts points are means with intervals
    over prompts, and the small dots behind them are the prompts. Dashes over a KL divergence are
    the most that random changes of equal size do. Positions that were not computed are empty; of a
    long text the last 64 up to the one that is read are shown.

    Args:
        result: What `compute_self_influence` found.
        figsize: Width and height in inches.
        title: In place of what is read and the progress; "" for none.
    """
    shown = shown_positions(result.position)
    heights = [_POINTS]
    if result.matrix is not None:
        heights.append(min(6.0, 1.6 + 0.18 * len(shown)))
    if title is None:
        made = result.provenance
        title = f"{made.model}: effect on {_output(result)}, {made.progress}"
    figure = new_figure(result, title, figsize, (width_of(len(shown)), sum(heights)))
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    _points(axes[0], result, shown)
    name_tokens(axes[0], "x", result.tokens, shown, figure.get_figwidth() - 1)
    axes[0].set_xlabel("token" if result.matrix is None else "")
    if result.matrix is not None:
        _matrix(figure, axes[1], result, shown, heights[1] / sum(heights))
    return figure


def _output(result: SelfInfluence) -> str:
    at = f" (predicted after position {result.position})"
    if not result.target_token:
        pairs = result.prompts[0].against_token is not None
        of = "the targets against the others" if pairs else "the targets"
        return of if result.by_distance else of + at
    output = shown_output(result.target_token, result.position, result.against_token)
    return output.removesuffix(at) if result.by_distance else output


def _points(ax: Axes, result: SelfInfluence, shown: range) -> None:
    score = result.score
    assert score.low is not None and score.high is not None
    at = np.array(shown)
    value, low, high = (part.numpy()[at] for part in (score.value, score.low, score.high))
    ax.axhline(0, color="0.6", linewidth=0.8)
    given = at < result.n_prompt
    by_prompt = _by_prompt(result)
    if by_prompt is not None:
        for row in by_prompt.numpy():
            ax.plot(at, row[at], ".", color="0.75", markersize=3, zorder=0)
    for own, colour, name in ((False, "C0", "prompt"), (True, "C1", "generated")):
        chosen = given != own
        if chosen.any():
            ax.vlines(at[chosen], low[chosen], high[chosen], color=colour, alpha=0.6)
            ax.plot(at[chosen], value[chosen], "o", color=colour, markersize=4, label=name)
    if result.prompts:
        ax.plot([], [], ".", color="0.75", markersize=3, label="one prompt")
    if score.control_high is not None:
        most = score.control_high.numpy()[at]
        ax.plot(at, most, "_", color="0.4", label="random changes of equal size: most")
    if not given.all() or score.control_high is not None or result.prompts:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False)
    mean = f"\nmean and {result.interval}" if result.prompts else ""
    ax.set_ylabel(_LABELS[result.metric] + mean)


def _by_prompt(result: SelfInfluence) -> Tensor | None:
    if result.metric == "norm":
        return result.norm_by_prompt
    score = result.kl_by_prompt if result.metric == "kl" else result.logp_by_prompt
    return None if score is None else score.value


def _matrix(figure: Figure, ax: Axes, result: SelfInfluence, shown: range, share: float) -> None:
    assert result.matrix is not None
    at = slice(shown.start, shown.stop)
    values = result.matrix[at, at].numpy()
    ends = (shown.start - 0.5, shown.stop - 0.5)
    image = heat(ax, values, around_zero(values), extent=(*ends, *ends[::-1]))
    width, height = figure.get_size_inches()
    name_tokens(ax, "x", result.tokens, shown, width - 2)
    name_tokens(ax, "y", result.tokens, shown, height * share - 1.4)
    ax.set_xlim(ends)
    ax.set_xlabel("prediction after")
    ax.set_ylabel("replaced token")
    bar = figure.colorbar(image, ax=ax, shrink=0.9)
    bar.set_label(_LABELS["logp"])
