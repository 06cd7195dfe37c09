"""Stability in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.stability.results import CrossModelStability
    from circuit_widgets.analysis.stability.training_results import Phase, TrainingStability


def lines_of_models(result: CrossModelStability) -> list[str]:
    """What the text form of several models says, a line each."""
    without = [n for n, size in zip(result.models, result.sizes, strict=True) if not size]
    found = [
        f"The circuits of {len(result.models)} models for {result.task!r} have "
        f"{_range(result.sizes)} edges each."
    ]
    if without:
        found.append(f"No circuit: {', '.join(without)}.")
    for i, one in enumerate(result.models):
        for j in range(i + 1, len(result.models)):
            found.append(f"{one} and {result.models[j]}: {_pair(result, i, j)}")
    found.append(f"In every circuit: {_named(result.stable_components)}.")
    if result.same_parts:
        found.append(
            f"Heads in every circuit: {float(result.n_stable.value):g}; with heads in random "
            f"places it would be {_plain(result.n_stable.control)}."
        )
        found.append(f"Roles in every circuit: {_named(result.stable_roles)}.")
    found.append(f"In some circuits only: {_named(result.variable_components)}.")
    return found


def _pair(result: CrossModelStability, i: int, j: int) -> str:
    by = result.by[i][j]
    if not by:
        return "one has no circuit."
    interval = result.provenance.interval
    parts = [f"overlap by {by} {_signed(result.overlap.at(i, j), interval)}"]
    between, inside = result.halves.value[i, j], result.ceiling[i, j]
    parts.append(
        f"on different halves of the prompts {_plain(between)} between them, {_plain(inside)} "
        "inside one"
    )
    if by == "edges":
        parts.append(f"by roles {_plain(result.role_overlap.value[i, j])}")
        there, back = result.transfer.value[i, j], result.transfer.value[j, i]
        parts.append(f"transfer {_percent(there)} and {_percent(back)}")
    return "; ".join(parts) + "."


def lines_of_training(result: TrainingStability) -> list[str]:
    """What the text form of one training says, a line each."""
    doing = [step for step, done in zip(result.steps, result.done, strict=True) if done]
    found = [f"{len(result.steps)} checkpoints, steps {result.steps[0]} to {result.steps[-1]}."]
    if doing:
        found.append(f"The model does {result.task!r} from step {doing[0]} on.")
        found.append(f"Its circuit has {result.n_edges} edges.")
    elif all(done is not None for done in result.done):
        found.append(f"The model does {result.task!r} at none of them: there is no circuit.")
    found += [_phase(phase) for phase in result.phases]
    for swap in result.swaps:
        found.append(
            f"{swap.role} goes from {swap.giver} (step {swap.before}) to {swap.taker} "
            f"(step {swap.after})."
        )
    return found


def _phase(phase: Phase) -> str:
    """Of an unstable phase also how sure its ends are."""
    said = f"{phase.kind}: steps {phase.first} to {phase.last}"
    if phase.kind != "unstable":
        return f"{said}."
    return (
        f"{said} (begins {phase.first_low} to {phase.first_high}, "
        f"ends {phase.last_low} to {phase.last_high})."
    )


def _named(components: tuple[object, ...]) -> str:
    names = [getattr(one, "name", "") for one in components]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more if names else "none"


def _range(numbers: tuple[int, ...]) -> str:
    some = sorted({number for number in numbers if number})
    if not some:
        return "no"
    return f"{some[0]:,}" if len(some) == 1 else f"{some[0]:,} to {some[-1]:,}"


def _signed(score: Score, interval: str) -> str:
    value = f"{float(score.value):+.2f}"
    if score.low is None or score.high is None or math.isnan(float(score.low)):
        return value
    return f"{value} ({interval} {float(score.low):+.2f} to {float(score.high):+.2f}, chance 0)"


def _plain(number: Tensor | None) -> str:
    return "not measured" if number is None or bool(number.isnan()) else f"{float(number):.2f}"


def _percent(number: Tensor) -> str:
    return "not measured" if bool(number.isnan()) else f"{round(100 * float(number)) + 0} %"
