"""Scores of every head by shape of attention, and how many heads have each label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matplotlib.ticker import MaxNLocator

from circuit_widgets.analysis.patterns.results import AttentionPatterns
from circuit_widgets.plots.figure import Figure, styled
from circuit_widgets.plots.panels import choose_scores, head_panels


@styled
def plot(
    result: AttentionPatterns,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
    scores: Sequence[str] | None = None,
) -> Figure:
    """A grid of heads for each score, and how many heads each class has.

    Args:
        result: What `detect_attention_patterns` found.
        figsize: Width and height in inches.
        title: In place of the model's name and the progress; "" for none.
        scores: Which scores, in this order; None is all of them and the classes.
    """
    chosen = choose_scores(result, scores)
    figure, spare = head_panels(
        result, chosen, figsize=figsize, title=title, spare=1 if scores is None else 0
    )
    for ax in spare:
        counts = Counter(result.labels().values())
        labels = {kind.name: kind.label for kind in result.classes}
        labels |= {"unsure": "Unsure", "other": "Other", "missing": "Missing"}
        shown = [name for name in labels if counts[name]]
        ax.barh(range(len(shown)), [counts[name] for name in shown], color="0.5")
        ax.set_yticks(range(len(shown)), [labels[name] for name in shown])
        ax.invert_yaxis()
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_xlabel("number of heads")
        ax.set_title("Class")
    return figure
