"""Faults planted in models that are healthy otherwise, and whether they are found and named.

Every kind of `inject_fault`, with random heads, strengths and prompts, in tiny models of several
architectures, circuits written by hand, the trained toy and SmolLM2. Weights and thresholds were
set on the models called "set"; the others were not looked at until then ("held out"). A fault is
found if the component with the highest z is one that it hits, and q is 0.05 at most. AUROC: z of
components that are hit, beside all others, mean over injections. A type is right if the strongest
type of that component is the one that its kind stands for (`LABELS`).
"""

from __future__ import annotations

import dataclasses
import random
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch

import circuit_widgets as cw
from benchmarks import failures_more as more
from benchmarks.failures_more import auroc, prompt
from benchmarks.measure import table
from circuit_widgets.analysis.failures.deviations import deviations, outliers
from circuit_widgets.analysis.failures.edges import cut_edge_of
from circuit_widgets.analysis.failures.fixes import Part
from circuit_widgets.analysis.failures.parts import TYPES
from circuit_widgets.analysis.failures.seen import see
from circuit_widgets.analysis.failures.sorting import type_scores
from circuit_widgets.causal.faults import KINDS
from circuit_widgets.causal.nodes import Nodes, parts_of
from circuit_widgets.heads import Head
from tests import circuits, tiny

Others = tuple[tuple[circuits.At, circuits.Kind], ...]
COLLAPSE, INTERRUPTION, ROUTING, OVER = TYPES
LABELS = {
    **dict.fromkeys(("zero_q", "zero_k", "flatten", "sharpen", "drop_scale"), COLLAPSE),
    **dict.fromkeys(("zero_v", "permute_o", "cut_edge"), INTERRUPTION),
    **dict.fromkeys(
        ("swap_qk", "redirect", "shift_positions", "truncate", "tie", "break_causality"), ROUTING
    ),
}
SHARES = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
STRENGTHS = {"sharpen": (1.1, 1.5, 2.0, 5.0, 20.0), "flatten": (1.1, 1.5, 2.0, 5.0, 20.0)}
# A fault that changes what its component does by less changes nothing: a head of a circuit that
# writes nothing loses nothing. It is counted apart.
NOTHING = 1e-6
WRITES = (0.0, 0.5, 0.9, 1.1, 1.5, 2.0, 5.0, 10.0)


@dataclasses.dataclass(frozen=True)
class Found:
    """One injection, and what came of it."""

    model: str
    kind: str
    strength: float
    label: str
    auroc: float
    first: bool
    flagged: bool
    named: str
    false: int
    healthy: int


def _circuit() -> Any:
    others: Others = (((0, 0), "current"), ((1, 0), "duplicate"), ((1, 2), "previous"))
    return circuits.build(circuits.Circuit(2, 3, (0, 1), (1, 1), others)).eval()


def _deep_circuit() -> Any:
    others: Others = (((0, 1), "previous"), ((2, 3), "current"), ((1, 2), "duplicate"))
    return circuits.build(circuits.Circuit(3, 4, (0, 2), (2, 0), others)).eval()


SET: dict[str, Callable[[], Any]] = {
    "toy": cw.load_model,
    **{name: lambda name=name: tiny.make(name) for name in ("gpt2", "llama", "neox")},
    "circuit, 2 layers": _circuit,
}
HELD_OUT: dict[str, Callable[[], Any]] = {
    "toy, seed 1": lambda: cw.load_model(seed=1),
    **{
        name: lambda name=name: tiny.make(name)
        for name in ("gemma", "qwen2", "native", "native_gqa")
    },
    "circuit, 3 layers": _deep_circuit,
}


def injections(
    name: str, make: Callable[[], Any], n: int, seed: int = 0, only: Iterable[str] = KINDS
) -> list[Found]:
    """So many faults in one model, kind after kind."""
    generator = random.Random(f"{name} {seed}")
    reference, model = make(), make()
    nodes, kinds = parts_of(reference), list(only)
    found: list[Found] = []
    refused = 0
    while sum(bool(each.label) for each in found) < n and refused + len(found) < 20 * n:
        kind = kinds[(len(found) + refused) % len(kinds)]
        one = _one(name, reference, model, nodes, kind, generator)
        refused += one is None
        found += [] if one is None else [one]
    return found


def _one(
    name: str, reference: Any, model: Any, nodes: Nodes, kind: str, generator: random.Random
) -> Found | None:
    place, strength, options = _drawn(nodes, kind, generator)
    ids = prompt(model, generator)
    usual = see(reference, nodes, ids)
    try:
        with cw.inject_fault(model, kind, place, strength, **options) as fault:
            own = see(model, nodes, ids, given=usual)
    except (ValueError, RuntimeError):
        # A kind that this architecture cannot have.
        return None
    heads, mlps = deviations(own, usual)
    z, z_mlp, q, q_mlp = (each[0] for each in outliers(heads, mlps, torch.float32))
    hit = {Part(head.layer, head.index) for head in fault.heads}
    if not hit:
        hit = {Part.parse(options["reader"])}
    if (
        max(float(mlps[0, p.layer] if p.head is None else heads[0, p.layer, p.head]) for p in hit)
        < NOTHING
    ):
        return Found(name, kind, strength, "", 0.5, False, False, "", 0, 0)
    parts = {Part(*at): float(z[tuple(at)]) for at in z.isfinite().nonzero().tolist()}
    parts |= {Part(at, None): float(z_mlp[at]) for at in z_mlp.isfinite().nonzero()[:, 0].tolist()}
    out = {part for part in parts if _q(part, q, q_mlp) <= 0.05}
    best = max(parts, key=lambda part: parts[part])
    label = LABELS.get(kind) or (OVER if strength > 1 else INTERRUPTION)
    return Found(
        model=name,
        kind=kind if kind in LABELS else f"{kind} {'above' if strength > 1 else 'below'} 1",
        strength=strength,
        label=label,
        auroc=auroc([parts[p] for p in hit], [z for p, z in parts.items() if p not in hit]),
        first=best in hit and parts[best] > 0,
        flagged=bool(out & hit),
        named=_named(own, usual, best) if best in out else "unknown",
        false=len(out - hit),
        healthy=len(parts) - len(hit),
    )


def _drawn(nodes: Nodes, kind: str, generator: random.Random) -> tuple[str, float, dict[str, Any]]:
    """Where, how strong, and with what."""
    n_layers = len(nodes.heads)
    strength = generator.choice(WRITES if kind == "scale_write" else STRENGTHS.get(kind, SHARES))
    last = n_layers - 1 if kind != "cut_edge" else n_layers - 2
    layer = generator.randint(0, last)
    head = str(Head(layer, generator.randrange(nodes.heads[layer])))
    if kind != "cut_edge":
        return head, strength, {}
    reader = generator.randint(layer + 1, n_layers - 1)
    entry = generator.choice(["q", "k", "v", *(["mlp"] if nodes.mlps[reader] else [])])
    of = generator.randrange(nodes.heads[reader])
    named = f"{reader}.mlp" if entry == "mlp" else f"{reader}.{of}.{entry}"
    return head, strength, {"reader": named}


def _q(part: Part, q: torch.Tensor, q_mlp: torch.Tensor) -> float:
    return float(q_mlp[part.layer] if part.head is None else q[part.layer, part.head])


def _named(own: Any, usual: Any, part: Part) -> str:
    edge = 1.0 if cut_edge_of(own, usual, 0, part) else 0.0
    if part.head is None:
        return INTERRUPTION
    scores = type_scores(own, usual, 0, Head(part.layer, part.head), edge)
    return TYPES[int(scores.argmax())]


def macro_f1(found: list[Found]) -> float:
    """Mean F1 of the four types."""
    scores = []
    for name in TYPES:
        right = sum(each.label == name and each.named == name for each in found)
        both = sum((each.label == name) + (each.named == name) for each in found)
        scores.append(2 * right / both if both else 0.0)
    return sum(scores) / len(scores)


def summary(found: list[Found]) -> list[str]:
    """A row of the table."""
    nothing = sum(not each.label for each in found)
    found = [each for each in found if each.label]
    n = len(found)
    healthy = sum(each.healthy for each in found)
    return [
        str(n),
        str(nothing),
        f"{sum(each.auroc for each in found) / n:.3f}",
        f"{100 * sum(each.first for each in found) / n:.1f} %",
        f"{100 * sum(each.flagged for each in found) / n:.1f} %",
        f"{macro_f1(found):.3f}",
        f"{100 * sum(each.false for each in found) / healthy:.2f} %",
    ]


def by_kind(found: list[Found]) -> str:
    """Per kind: how often it is found and named, and the smallest strength found half the time."""
    rows, found = [], [each for each in found if each.label]
    for kind in sorted({each.kind for each in found}):
        some = [each for each in found if each.kind == kind]
        rows.append(
            [
                kind,
                some[0].label,
                str(len(some)),
                f"{100 * sum(each.first and each.flagged for each in some) / len(some):.0f} %",
                f"{100 * sum(each.named == each.label for each in some) / len(some):.0f} %",
                _smallest(some),
            ]
        )
    head = ["kind", "stands for", "n", "found", "named so", "smallest found half the time"]
    return table(head, rows)


def _smallest(found: list[Found]) -> str:
    """The strength nearest to no fault at which, and above which, half are found."""

    def size(strength: float) -> float:
        return abs(strength - 1) if "below" in found[0].kind else strength

    best = "none"
    for strength in sorted({each.strength for each in found}, key=size, reverse=True):
        some = [each for each in found if each.strength == strength]
        if 2 * sum(each.first and each.flagged for each in some) < len(some):
            break
        best = f"{strength:g}"
    return best


def smollm2() -> Any:
    """SmolLM2, or the reason why it is not there."""
    return cw.load_model("SmolLM2-135M")


def run() -> str:
    """All injections, healthy models and costs; minutes."""
    warnings.simplefilter("ignore")
    found = {
        "set": [one for name, make in SET.items() for one in injections(name, make, 60)],
        "held out": [one for name, make in HELD_OUT.items() for one in injections(name, make, 60)],
        "held out: SmolLM2": injections("SmolLM2", smollm2, 64),
    }
    judged = [*found["held out"], *found["held out: SmolLM2"]]
    head = [
        "models",
        "injections",
        "that change nothing",
        "AUROC",
        "first",
        "flagged",
        "macro-F1",
        "false alarms",
    ]
    rows = [[name, *summary(some)] for name, some in {**found, "all held out": judged}.items()]
    return "\n".join(
        [
            table(head, rows),
            by_kind(judged),
            more.healthy_pairs(),
            more.without_a_model(),
            more.costs(),
        ]
    )
