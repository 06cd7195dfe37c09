"""Circuits whose edges are known by construction: how well each method finds them.

Models written by hand (`tests/generated`): 2 to 4 layers of 2 to 6 heads, with heads that look at
the previous token, match, copy or back up another, of random size, steepness and place.

- plain: nothing else. decoys: heads that attend alike, and write nothing or where no one reads.
- noise: decoys, and random numbers of 0.05 to 0.4 on all weights; families from here on have 0.05.
- gqa: heads share keys and values. mlp: MLPs copy on the way. chain: a match upon another.
- redundant: two heads for one job, each enough alone, or one that backs up another.
- saturated: what a head looks for is preferred by 25 to 60 nats, and not by 5 to 20.

An edge is true if it is needed and what it carries differs between clean and corrupt prompts.
AUROC is the share of pairs of a true edge and another one of the same model in which the score of
the true one is larger, by size; scores under a millionth of the largest are rounding, and ties
count half. 0.5 is chance; "random" are random scores. 6 prompts a circuit, 5 steps. These circuits
are plainer than trained ones: numbers of other benchmarks (0.81 is the best on InterpBench's IOI
model) are of other models, and do not compare.

The tables: AUROC by family; by what the corrupt prompts are and how many nats of attention a match
is worth, without "redundant"; and how many true edges are no stronger than the strongest of the
others, with the commonest. Where methods fail, and why:

- exact: where another part does the same, one edge changes nothing. What shows it is that the model
  does the task without the circuit (`Circuit.without`).
- eap: attention that is sure has no slope, so that queries and keys of matches look idle.
- eap-ig-inputs, eap-ig-activations, mean: the same where the corrupt prompt has its match at the
  same place: half way between the prompts attention is still there. Corrupt prompts with the match
  at another place show these edges.
- patching, attribution: they score nodes, and any edge between two needed nodes looks needed.
"""

from __future__ import annotations

import collections
import dataclasses
import statistics
from collections.abc import Sequence

import torch

from benchmarks.measure import table
from circuit_widgets.causal.edge_scores import edge_scores
from circuit_widgets.causal.first_order import WAYS
from circuit_widgets.causal.nodes import nodes_of
from tests.generated.asked import task
from tests.generated.draw import FAMILIES, draw
from tests.generated.parts import ALL, Planted
from tests.generated.truth import auroc, missed, true_matrix
from tests.generated.weights import build

EACH = 13
# Nats of attention's logit.
SURE = ((5, 10), (10, 20), (25, 60))
METHODS = ("exact", "mean", *WAYS, "patching", "attribution", "random")


@dataclasses.dataclass(frozen=True)
class Found:
    """One circuit; by method, the AUROC and the true edges that do not stand out."""

    plan: Planted
    auroc: dict[str, float]
    missed: dict[str, list[tuple[str, str]]]


def run() -> str:
    """The section's tables."""
    found = {family: [measured(family, seed) for seed in range(EACH)] for family in FAMILIES}
    return "\n".join([areas(found), conditions(found), failures(found)])


def measured(family: str, seed: int) -> Found:
    """All methods on one circuit."""
    plan = draw(family, seed)
    model, asked = build(plan), task(plan)
    nodes = nodes_of(model)
    true = true_matrix(plan, nodes)
    scores = {
        method: torch.cat([*edge_scores(model, nodes, asked, method, 5, len(asked))]).mean(0)
        for method in METHODS
        if method not in ("mean", "random")
    }
    scores["mean"] = torch.stack([scores[way] for way in WAYS]).mean(0)
    generator = torch.Generator().manual_seed(seed)
    scores["random"] = torch.randn(true.shape, generator=generator).where(nodes.allowed, torch.nan)
    kinds = {part.name: part.kind for part in plan.parts}
    return Found(
        plan,
        {method: auroc(scores[method], true) for method in METHODS},
        {
            method: [
                (
                    kinds.get(nodes.sources[source].name, "embedding"),
                    _reader(kinds, nodes.targets[target].nodes, nodes.targets[target].entry),
                )
                for source, target in missed(scores[method], true).nonzero().tolist()
            ]
            for method in METHODS
        },
    )


def areas(found: dict[str, list[Found]]) -> str:
    """AUROC by family and method."""
    rows = []
    together = [each for circuits in found.values() for each in circuits]
    for family, circuits in [*found.items(), ("all", together)]:
        values = [[each.auroc[method] for each in circuits] for method in METHODS]
        cells = [f"{statistics.mean(each):.3f} ({min(each):.2f})" for each in values]
        rows.append([family, str(len(circuits)), *cells])
    return table(["AUROC, mean (least)", "circuits", *METHODS], rows)


def failures(found: dict[str, list[Found]]) -> str:
    """Which true edges a method does not tell from others."""
    rows = []
    for family, circuits in found.items():
        n_true = sum(len(each.plan.true_edges()) for each in circuits)
        cells = [_said([each.missed[method] for each in circuits]) for method in METHODS[:-1]]
        rows.append([family, str(n_true), *cells])
    return table(["true edges that do not stand out", "true edges", *METHODS[:-1]], rows)


def conditions(found: dict[str, list[Found]]) -> str:
    """AUROC by what the corrupt prompts are, and by how sure the match is; nothing redundant."""
    by: dict[tuple[str, str], list[Found]] = collections.defaultdict(list)
    for family, circuits in found.items():
        for each in circuits if family != "redundant" else []:
            by[_corrupt(each.plan), _sure(each.plan)].append(each)
    rows = []
    for (corrupt, sure), circuits in sorted(by.items(), key=lambda item: _order(item[1][0].plan)):
        values = [[each.auroc[method] for each in circuits] for method in METHODS]
        cells = [f"{statistics.mean(each):.3f} ({min(each):.2f})" for each in values]
        rows.append([corrupt, sure, str(len(circuits)), *cells])
    return table(["corrupt prompts", "a match is worth", "circuits", *METHODS], rows)


def _corrupt(plan: Planted) -> str:
    if plan.changed != ALL:
        return "one token is another"
    return f"all tokens are others, match at {'the same' if plan.same_place else 'another'} place"


def _sure(plan: Planted) -> str:
    least = min(part.steep for part in plan.parts if part.kind == "induction")
    return next(f"{low} to {high} nats" for low, high in SURE if low <= least < high)


def _order(plan: Planted) -> tuple[str, float]:
    return _corrupt(plan), min(part.steep for part in plan.parts if part.kind == "induction")


def _said(circuits: Sequence[list[tuple[str, str]]]) -> str:
    kinds = collections.Counter(kind for each in circuits for kind in each)
    if not kinds:
        return "0"
    most = ", ".join(f"{source} → {target} {n}" for (source, target), n in kinds.most_common(2))
    return f"{kinds.total()}: {most}"


def _reader(kinds: dict[str, str], nodes: Sequence[str], entry: str) -> str:
    parts = [kinds[name] for name in nodes if name in kinds]
    return f"{parts[0]}'s {entry}" if parts and entry != "mlp" else (parts or [entry])[0]
