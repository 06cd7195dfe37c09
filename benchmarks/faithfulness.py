"""Circuits of SmolLM2-135M found on half of the prompts, run on the other half, by size.

48 prompts and 48 others. Faithfulness is (circuit - corrupt) / (clean - corrupt), other edges read
the corrupt prompt; random circuits have as many edges between the same layers. The higher the
accuracy of the whole model on the task, the more there is to explain.
"""

from __future__ import annotations

import torch

from benchmarks.measure import table
from circuit_widgets.analysis.circuits import Circuit, extract_circuit
from circuit_widgets.models import load_model
from circuit_widgets.prompts.tasks import Task

N = 96


def run() -> str:
    """The section's tables."""
    model = load_model("smollm2")
    tasks = {
        "indirect objects": Task.ioi(model, n=N),
        "repeated tokens": Task.repeated_tokens(model, n=N, metric="logit_difference"),
    }
    found = []
    for name, task in tasks.items():
        circuit = extract_circuit(model, task, check=0, minimality=False, progress=False)
        found.append(f"{name}: {_said(circuit)}\n\n{_sizes(circuit)}")
    return "\n".join(found)


def _said(circuit: Circuit) -> str:
    right = float(circuit.clean_accuracy.value)
    areas = f"CMD {circuit.cmd:.3f}, CPR {circuit.cpr:.2f}, accuracy over log size"
    return f"{areas} {circuit.log_accuracy:.2f}; the whole model is right on {100 * right:.0f} %."


def _sizes(circuit: Circuit) -> str:
    rows = []
    for at, edges in enumerate(circuit.sizes):
        ours, random = (
            tuple(float(part[at]) for part in parts if isinstance(part, torch.Tensor))
            for parts in _ends(circuit)
        )
        share = f"{edges:,} ({100 * edges / circuit.n_all:.3g} %)"
        right = f"{100 * float(circuit.accuracy.value[at]):.0f} %"
        rows.append([share, _with(ours), _with(random), right])
    header = ["edges", "faithfulness (95 %)", "random circuits, one more (95 %)", "right answers"]
    return table(header, rows)


def _ends(circuit: Circuit):
    score = circuit.faithfulness
    return (
        (score.value, score.low, score.high),
        (score.control, score.control_low, score.control_high),
    )


def _with(ends: tuple[float, ...]) -> str:
    value, low, high = ends
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
