"""Effects of each token as points with intervals, and the matrix of pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.plots.axes import name_axis, shown_positions, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABELS = {
    "logp": "effect on log probability (nats)",
    "kl": "KL divergence (nats)",
    "norm": "change of the logits (L2 norm)",
}


def plot(result: SelfInfluence) -> Figure:
    """A Figure of its own (no pyplot, so nothing global changes).

    The effect of each position with its interval, and the matrix of pairs if there is one.
    Positions that were not computed are empty.
    """
    from matplotlib.figure import Figure

    shown = shown_positions(result.position)
    panels = 1 if result.matrix is None else 2
    height = 3.4 if panels == 1 else 3.4 + min(7.0, 1.5 + 0.2 * len(shown))
    figure = Figure(figsize=(width_of(len(shown)), height), layout="constrained")
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
    name_axis(ax, "x", result.tokens, shown)


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
    name_axis(ax, "x", result.tokens, shown)
    name_axis(ax, "y", result.tokens, shown)
    ax.set_xlabel("output after", fontsize="small")
    ax.set_ylabel("replaced", fontsize="small")
    bar = figure.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label(_LABELS["logp"], fontsize="small")
