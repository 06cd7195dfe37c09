"""Stability in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.stability.results import CrossModelStability
    from circuit_widgets.analysis.stability.training_results import Phase, TrainingStability


def lines_of_models(result: CrossModelStability) -> list[str]:
    """What the text form of several models says, a line each."""
    if "overlap" in result.provenance.pending:
        return ["The circuits are not chosen yet."]
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
    overlap = result.overlap.at(i, j)
    if bool(overlap.value.isnan()):
        # So it is of whole models: heads in other places have the same edges.
        parts = [f"overlap by {by}: no number, chance alone gives the most"]
    else:
        parts = [f"overlap by {by} {_signed(overlap, interval)}"]
        between, inside = result.halves.value[i, j], result.ceiling[i, j]
        parts.append(
            f"on different halves of the prompts {_plain(between)} between them, {_plain(inside)} "
            "inside one"
        )
    if by == "edges":
        parts.append(f"by roles {_plain(result.role_overlap.value[i, j])}")
        parts.append(f"transfer {_transfer(result, i, j)} and {_transfer(result, j, i)}")
    return "; ".join(parts) + "."


def _transfer(result: CrossModelStability, source: int, target: int) -> str:
    """Where there is no number: it is on its way, or there is nothing that a circuit could keep."""
    number = result.transfer.value[source, target]
    if not bool(number.isnan()):
        return f"{round(100 * float(number)) + 0} %"
    # The ratio is missing for every circuit that ran in a model, or for none.
    ran = not bool(result.transfer.tensors()["control"][:, target].isnan().all())
    if "transfer" in result.provenance.pending and not ran:
        return "not run (yet)"
    name = result.models[target]
    return f"without a number (clean minus corrupt may be 0 in {name})"


def lines_of_training(result: TrainingStability) -> list[str]:
    """What the text form of one training says, a line each."""
    found = [f"{len(result.steps)} checkpoints, steps {result.steps[0]} to {result.steps[-1]}."]
    found += _doing(result)
    sizes = tuple(result.kept.flatten(1).sum(1).tolist())
    if any(sizes):
        circuits = "Circuits have" if sum(map(bool, sizes)) > 1 else "The circuit has"
        found.append(f"{circuits} {_range(sizes)} edges.")
    found += [_phase(phase) for phase in result.phases]
    for swap in result.swaps:
        found.append(
            f"{swap.role} goes from {swap.giver} (step {swap.before}) to {swap.taker} "
            f"(step {swap.after})."
        )
    return found


def _doing(result: TrainingStability) -> list[str]:
    """At which steps the model does the task, at which it fails, and what has a circuit."""
    does, fails = (
        [step for step, done in zip(result.steps, result.done, strict=True) if done is which]
        for which in (True, False)
    )
    found = []
    if does:
        found.append(f"The model does {result.task!r} at {_steps(result, does)}.")
    if fails and does:
        found.append(f"It fails it at {_steps(result, fails)}.")
    elif fails:
        at = "none of them" if len(fails) == len(result.steps) else "none that was measured"
        found.append(f"The model does {result.task!r} at {at}.")
    if fails and "circuits" not in result.provenance.pending:
        chosen = [step for step in fails if bool(result.kept[result.at(step)].any())]
        if chosen:
            found.append(f"Circuits of a failure, which was allowed: at {_steps(result, chosen)}.")
        else:
            found.append("Where it fails there is no circuit.")
    return found


def _steps(result: TrainingStability, some: Sequence[int]) -> str:
    """Checkpoints in a row by their ends: "steps 0 to 64, 480 to 2500"."""
    places = [result.at(step) for step in some]
    if len(places) == len(result.steps):
        return "all of them"
    rows: list[list[int]] = []
    for place in places:
        if rows and rows[-1][1] == place - 1:
            rows[-1][1] = place
        else:
            rows.append([place, place])
    named = [[f"{result.steps[end]}" for end in sorted({*row})] for row in rows]
    word = "step" if len(places) == 1 else "steps"
    return f"{word} {', '.join(' to '.join(ends) for ends in named)}"


def _phase(phase: Phase) -> str:
    """Of an unstable phase also how sure its ends are."""
    kind = "no circuit at one end or both" if phase.kind == "absent" else phase.kind
    said = f"{kind}: steps {phase.first} to {phase.last}"
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
    return "no number" if number is None or bool(number.isnan()) else f"{float(number):.2f}"
