"""How alike circuits are: matrices of models, or the curves of one training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from circuit_widgets.analysis.stability.results import CrossModelStability
from circuit_widgets.analysis.stability.training_results import ABSENT, UNSTABLE, TrainingStability
from circuit_widgets.plots.axes import name_ticks
from circuit_widgets.plots.figure import Figure, new_figure, number, styled
from circuit_widgets.plots.panels import heat
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OVER_CHANCE = "0: chance, 1: the same"
# Numbers in cells are readable in matrices of so many models.
_NUMBERS = 9
# Of phases; stable ones are white.
_BANDS = {UNSTABLE: "C3", ABSENT: "0.5"}
_NAMES = {"circuit": "circuit", "effects": "effects of edges", "rank": "rank correlation"}


@styled
def plot(
    result: CrossModelStability | TrainingStability,
    *,
    figsize: Sequence[float] | None = None,
    title: str | None = None,
) -> Figure:
    """Of several models three matrices; of one training three curves over its steps.

    Models: the overlap over chance (its diagonal is one model on two halves of the
    prompts), the roles' overlap, and each row's circuit run in each column's model.

    Training: the loss, the head that has most of each role, and how alike each checkpoint and the
    one before are, with the band of two draws inside one checkpoint. Red: unstable; grey: no
    circuit at one end or both, as the model fails the task there.

    Args:
        result: What `analyze_cross_model_stability` or `analyze_training_stability` found.
        figsize: Width and height in inches.
        title: In place of the models and the task; "" for none.
    """
    if title is None:
        title = f"{result.provenance.model}: {result.task}, {result.provenance.progress}"
    if isinstance(result, CrossModelStability):
        return _models(result, figsize, title)
    return _training(result, figsize, title)


def _models(result: CrossModelStability, figsize: Sequence[float] | None, title: str) -> Figure:
    n = len(result.models)
    side = min(2.6, max(1.6, 0.5 * n))
    figure = new_figure(result, title, figsize, (3 * side + 2.4, side + 1.5))
    axes = figure.subplots(1, 3)
    ceilings = result.ceiling.diagonal()
    _matrix(
        axes[0], result, _with_diagonal(result.overlap_matrix, ceilings), "overlap", _OVER_CHANCE
    )
    roles = _with_diagonal(result.role_overlap.value, ceilings * math.nan)
    _matrix(axes[1], result, roles, "overlap of roles", _OVER_CHANCE)
    _matrix(axes[2], result, result.transfer.value, "faithfulness of a circuit", "share kept")
    axes[0].set_xlabel("diagonal: halves of the prompts")
    axes[1].set_xlabel("model")
    axes[2].set_xlabel("run in")
    axes[2].set_ylabel("circuit of")
    return figure


def _with_diagonal(values: Tensor, diagonal: Tensor) -> Tensor:
    found = values.clone()
    found.diagonal().copy_(diagonal)
    return found


def _matrix(ax: Axes, result: CrossModelStability, values: Tensor, name: str, unit: str) -> None:
    n = len(result.models)
    image = heat(ax, values.numpy(), (-1.0, 1.0), aspect="equal")
    height, width = ax.get_position().height, ax.get_position().width
    figure = ax.get_figure()
    assert figure is not None
    inches = figure.get_figwidth() * width, figure.get_figheight() * height  # type: ignore[union-attr]
    name_ticks(ax, "x", range(n), result.models, inches[0])
    name_ticks(ax, "y", range(n), result.models, inches[1])
    if n <= _NUMBERS:
        for i, row in enumerate(values.tolist()):
            for j, value in enumerate(row):
                if math.isfinite(value):
                    color = "w" if abs(value) > 0.6 else "k"
                    ax.text(
                        j, i, number(value), ha="center", va="center", color=color, fontsize="small"
                    )
    ax.set_title(name)
    bar = figure.colorbar(image, ax=ax, orientation="horizontal", aspect=12)
    bar.set_label(unit)
    bar.ax.locator_params(nbins=3)


def _training(result: TrainingStability, figsize: Sequence[float] | None, title: str) -> Figure:
    figure = new_figure(result, title, figsize, (6.4, 6.6))
    axes: list[Axes] = [*figure.subplots(3, 1, sharex=True)]
    steps = np.array(result.steps)
    _line(axes[0], steps, result.loss, "C0", "loss of the right answers")
    axes[0].set_ylabel("nats")
    for at, (name, about) in enumerate(result.abouts.items()):
        highest = result.roles[name].value.flatten(1).nan_to_num(-1).amax(1)
        highest = highest.where(highest >= 0, math.nan)
        axes[1].plot(steps, highest.numpy(), color=f"C{at}", marker=".", label=about.label)
    axes[1].set_ylabel("highest head's score")
    axes[1].set_ylim(-0.05, 1.05)
    for at, (name, score) in enumerate(result.similarities.items()):
        _line(axes[2], steps[1:], score, f"C{at}", _NAMES.get(name, name), intervals=False)
    effects = result.similarities["effects"]
    if effects.extreme_low is not None and effects.control is not None:
        ends = effects.extreme_low.numpy(), np.ones(len(steps) - 1)
        label = "as alike as draws in one checkpoint"
        axes[2].fill_between(steps[1:], *ends, color="C1", alpha=0.15, linewidth=0, label=label)
    axes[2].set_ylabel("like the one before")
    axes[2].set_xlabel("step")
    for ax in axes:
        for phase in result.phases:
            if phase.kind in _BANDS:
                ax.axvspan(phase.first, phase.last, color=_BANDS[phase.kind], alpha=0.12, lw=0)
        ax.legend(frameon=False, fontsize="x-small", loc="best")
    _steps(axes[-1], result.steps)
    return figure


def _steps(ax: Axes, steps: Sequence[int]) -> None:
    """A logarithmic axis that has room for step 0."""
    first = next((step for step in steps if step > 0), 1)
    if steps[-1] > 8 * first:
        ax.set_xscale("symlog", linthresh=first, linscale=0.3)
        ticks = [step for at, step in enumerate(steps) if _apart(steps, at, first)]
        ax.set_xticks(ticks, labels=[f"{step:,}" for step in ticks])
        ax.minorticks_off()


def _apart(steps: Sequence[int], at: int, first: int) -> bool:
    """Whether a step has room for its number, counted from the last one that has."""
    shown: list[int] = []
    for step in steps[: at + 1]:
        if not shown or math.log(max(step, first / 2) / max(shown[-1], first / 2)) > 0.5:
            shown.append(step)
    return shown[-1] == steps[at]


def _line(
    ax: Axes, steps: Any, score: Score, color: str, label: str, *, intervals: bool = True
) -> None:
    ax.plot(steps, score.value.numpy(), color=color, marker=".", label=label)
    if intervals and score.low is not None and score.high is not None:
        ends = score.low.numpy(), score.high.numpy()
        ax.fill_between(steps, *ends, color=color, alpha=0.2, linewidth=0)
