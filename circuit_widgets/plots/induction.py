"""Scores of every head, layers down and heads across: one panel a score, one scale for all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from circuit_widgets.analysis.induction.results import InductionHeads, InductionTrace
from circuit_widgets.plots.panels import panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Panels in a row.
ACROSS = 3


def plot(result: InductionHeads | InductionTrace) -> Figure:
    """The still picture of either result of this topic."""
    return _trace(result) if isinstance(result, InductionTrace) else _heads(result)


def _trace(result: InductionTrace) -> Figure:
    """What the induction heads do at each token that stood earlier: attention, added logit."""
    from matplotlib.figure import Figure

    at = result.repeats()
    figure = Figure(figsize=(max(4.0, 1.5 + 0.45 * len(at)), 5.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    for h, name in enumerate(result.heads):
        upper.plot(range(len(at)), result.attention[h, at].numpy(), "o-", label=name)
        lower.plot(range(len(at)), result.added[h, at].numpy(), "o-", label=name)
    upper.plot(range(len(at)), result.chance[at].numpy(), ":", color="0.4", label="chance")
    lower.plot(
        range(len(at)),
        result.added_chance[:, at].mean(0).numpy(),
        ":",
        color="0.4",
        label="other tokens",
    )
    upper.set_ylabel("attention")
    lower.set_ylabel("added to the logit")
    # A dollar sign would begin a formula.
    names = [result.tokens[q].replace("$", r"\$") for q in at]
    lower.set_xticks(range(len(at)), names, rotation=90)
    upper.legend(fontsize="small")
    figure.suptitle(f"{result.provenance.model}: tokens that stood earlier", fontsize="medium")
    return figure


def _heads(result: InductionHeads) -> Figure:
    """A Figure of its own (no pyplot, so nothing global changes); hatched where a score is missing.

    The mark on each colour bar is chance: what a head that attends uniformly would score.
    """
    from matplotlib.figure import Figure

    n_layers, n_heads = result.shape
    # Cells are square up to a size that still fits a page.
    height = min(9.0, max(3.2, 2.0 + 0.24 * n_layers))
    abouts = result.abouts
    rows = math.ceil(len(abouts) / ACROSS)
    width = ACROSS * min(4.5, max(2.2, 0.7 + 0.24 * n_heads))
    figure = Figure(figsize=(width, height * rows), layout="constrained")
    grid = figure.subplots(rows, ACROSS, sharey=True, squeeze=False)
    axes = grid.flatten()
    for ax in axes[len(abouts) :]:
        ax.set_axis_off()
    for ax, (name, about) in zip(axes, abouts.items(), strict=False):
        score = result.score(name)
        image = panel(ax, score, about)
        ax.set_title(about.label, fontsize="medium")
        ax.set_xlabel("head")
        bar = figure.colorbar(image, ax=ax, orientation="horizontal", shrink=0.9)
        if (about.least, about.most) == (0, 1):
            bar.set_ticks([0, 0.5, 1])
        if score.chance is not None:
            chance = float(score.chance)
            bar.ax.axvline(chance, color="tab:orange", linewidth=2)
            bar.set_label(f"chance {chance:.2f}", color="tab:orange", fontsize="small")
    for first in grid[:, 0]:
        first.set_ylabel("layer")
    made = result.provenance
    figure.suptitle(f"{made.model}, {made.progress}", fontsize="medium")
    return figure
