"""Circuits of SmolLM2-135M found on half of the prompts, run on the other half, by size.

48 prompts and 48 others. Faithfulness is (circuit - corrupt) / (clean - corrupt), other edges read
the corrupt prompt. "EAP-IG" chooses edges by EAP-IG on the inputs, 5 steps; "pruning" takes them
away from size to size, the first step by the same, then 3 steps at each. The random circuits, 10
of each size, have as many edges between the same layers as those that pruning finds; their interval
is where one more would be. The higher the accuracy of the whole model on the task, the more there
is to explain.
"""

from __future__ import annotations

import torch

from benchmarks.measure import table
from circuit_widgets.analysis.circuits import Circuit, extract_circuit
from circuit_widgets.analysis.circuits.curve import log_area
from circuit_widgets.models import load_model
from circuit_widgets.prompts.tasks import Task

# Prompts of seed 0 are those that the first step of pruning was decided on.
N, RANDOM, SEED = 96, 10, 1
TASKS = ("indirect objects", "repeated tokens")
HEADER = [
    *("edges", "EAP-IG (95 %)", "pruning (95 %)", "random circuits, one more (95 %)"),
    *("right answers, EAP-IG", "pruning"),
]


def run() -> str:
    """The section's tables."""
    return "\n".join(of_task(name) for name in TASKS)


def of_task(name: str) -> str:
    """One task: in words, and its table."""
    model = load_model("smollm2")
    if name == TASKS[0]:
        task = Task.ioi(model, n=N, seed=SEED)
    else:
        task = Task.repeated_tokens(model, n=N, seed=SEED, metric="logit_difference")
    rest = {"check": 0, "minimality": False, "progress": False}
    slopes = extract_circuit(model, task, random=0, **rest)
    pruned = extract_circuit(model, task, method="pruning", steps=3, random=RANDOM, **rest)
    right = float(pruned.clean_accuracy.value)
    said = f"{name}: the whole model is right on {100 * right:.0f} %. {_above(pruned)}"
    areas = [_areas("EAP-IG", slopes), _areas("pruning", pruned)]
    header = ["", "CMD", "CMD over log size", "CPR", "accuracy over log size"]
    return f"{said}\n\n{table(header, areas)}\n{table(HEADER, _sizes(slopes, pruned))}"


def _areas(name: str, found: Circuit) -> list[str]:
    shares = torch.tensor(found.sizes) / found.n_all
    apart = log_area(shares, (1 - found.faithfulness.value).abs())
    return [
        name,
        f"{found.cmd:.3f}",
        f"{apart:.3f}",
        f"{found.cpr:.2f}",
        f"{found.log_accuracy:.2f}",
    ]


def _above(found: Circuit) -> str:
    """At which sizes the interval lies above where one more random circuit would be."""
    score = found.faithfulness
    assert score.low is not None and score.control_high is not None
    above = (score.low > score.control_high).tolist()[:-1]
    left = [f"{size:,}" for size, yes in zip(found.sizes, above, strict=False) if not yes]
    if not left:
        return (
            "Pruning's interval is above one more random circuit's at every size below all edges."
        )
    return (
        f"Pruning's interval is above one more random circuit's at {sum(above)} of {len(above)} "
        f"sizes below all edges, and not at {', '.join(left)} edges."
    )


def _sizes(slopes: Circuit, pruned: Circuit) -> list[list[str]]:
    rows = []
    for at, edges in enumerate(pruned.sizes):
        own, random = _ends(pruned, at)
        share = f"{edges:,} ({100 * edges / pruned.n_all:.3g} %)"
        # Of sizes that differ by what is on a path, the nearest.
        near = min(range(len(slopes.sizes)), key=lambda i: abs(slopes.sizes[i] - edges))
        right = [f"{100 * float(each):.0f} %" for each in _right(slopes, near, pruned, at)]
        rows.append([share, _with(_ends(slopes, near)[0]), _with(own), _with(random), *right])
    return rows


def _right(slopes: Circuit, near: int, pruned: Circuit, at: int) -> tuple[torch.Tensor, ...]:
    return slopes.accuracy.value[near], pruned.accuracy.value[at]


def _ends(circuit: Circuit, at: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    score = circuit.faithfulness
    found = []
    for parts in (
        (score.value, score.low, score.high),
        (score.control, score.control_low, score.control_high),
    ):
        found.append(tuple(float(part[at]) for part in parts if isinstance(part, torch.Tensor)))
    return found[0], found[1]


def _with(ends: tuple[float, ...]) -> str:
    value, low, high = ends
    return f"{value:.2f} ({low:.2f} to {high:.2f})"
