"""A circuit in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets.prompts.tasks.scores import IN_WORDS
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.circuits.results import Circuit


def lines(circuit: Circuit) -> list[str]:
    """What the text form says, a line each."""
    interval = circuit.provenance.interval
    share = f"{100 * circuit.n_edges / circuit.n_all:.3g} %"
    metric = IN_WORDS[circuit.metric]
    placed = f" at {circuit.nodes.n_positions} positions" if circuit.by_position else ""
    found = [
        f"{circuit.n_edges:,} of {circuit.n_all:,} edges{placed} ({share}) and "
        f"{len(circuit.components)} heads and MLPs are in the circuit for {circuit.task!r}.",
        f"The {metric} is {float(circuit.clean.value):+.3f} on clean prompts and "
        f"{float(circuit.corrupt.value):+.3f} on corrupt ones.",
    ]
    faithful = circuit.faithfulness.at(circuit.chosen)
    if math.isnan(float(faithful.value)):
        found.append("How faithful the circuit is has not been measured yet.")
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
    if circuit.agreement is not None:
        found.append(
            f"Scores agree with exact patching by a rank correlation of {circuit.agreement:.2f} "
            f"over {circuit.n_checked} edges."
        )
    found.append(_significant(circuit))
    for name, value, low, high in circuit.highest(6):
        ends = "" if math.isnan(low) else f"  {interval} {low:+.3f} to {high:+.3f}"
        found.append(f"{name:<{34 if circuit.by_position else 22}} {value:+.3f}{ends}")
    return found


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
