"""A circuit in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets.prompts.tasks.scores import IN_WORDS
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.circuits.results import Circuit


# Of a ratio without an interval's end.
NO_SHARE = (
    "How much the circuit keeps has no number: the difference of clean and corrupt prompts may be "
    "0 on those it was run on, and there is no share of nothing."
)


def lines(circuit: Circuit) -> list[str]:
    """What the text form says, a line each."""
    interval = circuit.provenance.interval
    metric = IN_WORDS[circuit.metric]
    found = [
        _chosen(circuit),
        f"The {metric} is {float(circuit.clean.value):+.3f} on clean prompts and "
        f"{float(circuit.corrupt.value):+.3f} on corrupt ones.",
    ]
    faithful = circuit.faithfulness.at(circuit.chosen)
    if "faithfulness" in circuit.provenance.pending:
        found.append("How faithful circuits are has not been measured yet.")
    elif math.isnan(float(faithful.value)):
        found.append(NO_SHARE)
    else:
        prompts = f"{circuit.n_tested} prompts"
        held = "not found on" if circuit.held_out else "found on"
        found.append(
            f"Alone it keeps {_percent(faithful, interval)} of the difference, on {prompts} it "
            f"was {held}; random circuits of its size keep {_control(faithful)}."
        )
        asked = circuit.provenance.parameters
        if circuit.n_edges == circuit.n_all and not (asked["size"] or asked["threshold"]):
            found.append(f"No smaller one of {len(circuit.kept)} keeps {100 * asked['keep']:g} %.")
        without = circuit.without.at(circuit.chosen)
        found.append(f"Without it the model keeps {_percent(without, interval)}.")
        cpr, cmd, right = (
            f"{own:.3f}" + ("" if math.isnan(other) else f" (random {other:.3f})")
            for own, other in zip(
                (circuit.cpr, circuit.cmd, circuit.log_accuracy), circuit.random_areas, strict=True
            )
        )
        found.append(f"Over all sizes: CMD {cmd}, CPR {cpr}; right answers over log size {right}.")
    if circuit.agreement is not None:
        found.append(
            f"The rank correlation of scores with exact patching is {circuit.agreement:.2f} over "
            f"{circuit.n_checked} edges."
        )
    found.append(_significant(circuit))
    for name, value, low, high in circuit.highest(6):
        ends = "" if math.isnan(low) else f"  {interval} {low:+.3f} to {high:+.3f}"
        found.append(f"{name:<{34 if circuit.by_position else 22}} {value:+.3f}{ends}")
    return found


def _chosen(circuit: Circuit) -> str:
    """How large the circuit is, if it is known which one it is."""
    asked = circuit.provenance.parameters
    placed = f" at {circuit.nodes.n_positions} positions" if circuit.by_position else ""
    every = _counted(circuit.n_all, "edge", "edges")
    if "faithfulness" in circuit.provenance.pending and not (asked["size"] or asked["threshold"]):
        return (
            f"Of {every}{placed} scored for {circuit.task!r} none are chosen yet; below is the "
            "whole model."
        )
    share = f"{100 * circuit.n_edges / circuit.n_all:.3g} %"
    parts = _counted(len(circuit.components), "head or MLP", "heads and MLPs")
    scored = " (denoised)" if asked["direction"] == "denoising" else ""
    return (
        f"{circuit.n_edges:,} of {every}{placed} ({share}) and {parts} make up the circuit for "
        f"{circuit.task!r}{scored}."
    )


def _counted(n: int, one: str, several: str) -> str:
    return f"{n:,} {one if n == 1 else several}"


def _significant(circuit: Circuit) -> str:
    if circuit.n_found < 5:
        return f"With {circuit.n_found} prompts no edge can be told from chance."
    q = circuit.q[circuit.kept[circuit.chosen]]
    return f"{int((q < 0.05).sum()):,} of its edges differ from 0 (q < 0.05, sign flips)."


def _percent(score: Score, interval: str) -> str:
    value = f"{_whole(score.value)} %"
    if score.low is None or score.high is None or math.isnan(float(score.low)):
        return value
    return f"{value} ({interval} {_whole(score.low)} to {_whole(score.high)} %)"


def _control(score: Score) -> str:
    if score.control is None or math.isnan(float(score.control)):
        return "(not measured)"
    return f"{_whole(score.control)} %"


def _whole(share: Tensor) -> str:
    # Plus 0, so that no minus stands before a 0.
    return f"{round(100 * float(share)) + 0}"
