"""Circuits found in models written by hand, whose edges are known by construction."""

from __future__ import annotations

import dataclasses
import functools
import statistics

import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture
from circuit_widgets.analysis.circuits import extract_circuit
from circuit_widgets.causal.edge_scores import edge_scores
from circuit_widgets.causal.nodes import Nodes, nodes_of
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.prompts.tasks import Task
from tests.generated.asked import task
from tests.generated.draw import draw
from tests.generated.parts import Part, Planted, Read
from tests.generated.truth import auroc, missed, true_matrix
from tests.generated.weights import build

# Small ones, where nothing is redundant and attention is not saturated.
SOME = [
    *(("plain", seed) for seed in (0, 5)),
    *(("decoys", seed) for seed in (2, 5)),
    *(("noise", seed) for seed in (3, 5)),
    *(("gqa", 4), ("mlp", 3), ("chain", 2), ("chain", 5)),
]
# One of each way to be redundant: two for the previous token, two for the match, a backup.
TWICE = [("redundant", 3), ("redundant", 1), ("redundant", 2)]


@dataclasses.dataclass
class Made:
    plan: Planted
    model: TransformerBridge
    task: Task
    nodes: Nodes
    true: Tensor

    def scores(self, method: str) -> Tensor:
        return next(edge_scores(self.model, self.nodes, self.task, method, 5, 16)).mean(0)

    def ratio(self, kept: Tensor) -> float:
        """Faithfulness of some edges on all prompts."""
        runs = TaskRuns(self.model, self.nodes, self.task, "resample", 16)
        scores, _ = runs.along(kept)
        return float((scores - runs.corrupt).mean() / (runs.clean - runs.corrupt).mean())


def made_of(plan: Planted) -> Made:
    model = build(plan)
    nodes = nodes_of(model)
    return Made(plan, model, task(plan, n=4), nodes, true_matrix(plan, nodes))


@functools.cache
def made(family: str, seed: int) -> Made:
    return made_of(draw(family, seed))


def test_what_edges_are_true_by_construction() -> None:
    reads = Read("q", "token", "last"), Read("k", "before", "A"), Read("v", "token", "B")
    previous = Part("previous", (Read("v", "token"),), ("before",), layer=0, head=1)
    match = Part("induction", reads, ("output",), layer=1, head=3)
    plan = Planted("plain", 0, 2, 4, 2, (previous, match))
    # Heads 2 and 3 share their keys and values.
    assert plan.true_edges() == {
        ("embedding", "0.0-1.v"),
        ("0.1", "1.2-3.k"),
        ("embedding", "1.3.q"),
        ("embedding", "1.2-3.v"),
        ("1.3", "logits"),
    }
    only_a = dataclasses.replace(plan, changed=frozenset({"A"}))
    assert only_a.true_edges() == {
        ("embedding", "0.0-1.v"),
        ("0.1", "1.2-3.k"),
        ("1.3", "logits"),
    }
    only_answer = dataclasses.replace(plan, changed=frozenset({"B"}))
    assert only_answer.true_edges() == {("embedding", "1.2-3.v"), ("1.3", "logits")}


def test_the_models_do_what_they_are_planned_to() -> None:
    """And decoys attend as needed heads do."""
    n_alike = 0
    for family, seed in [*SOME, *TWICE]:
        each = made(family, seed)
        clean = each.task.clean
        pattern = capture.Keep("pattern")
        logits = capture.run(each.model, clean, [pattern])
        assert each.task.correct(logits).mean() > 0.8
        match = next(part for part in each.plan.parts if part.kind == "induction")
        first = (clean[:, :-1] == clean[:, -1:]).int().argmax(1)
        looks = pattern.tensors[match.layer][:, match.head, -1].argmax(1)
        assert (looks == first + 1).float().mean() > 0.7
        for decoy in each.plan.decoys:
            if decoy.reads == match.reads and each.plan.noise < 0.1:
                also = pattern.tensors[decoy.layer][:, decoy.head, -1].argmax(1)
                assert torch.equal(also, looks)
                n_alike += 1
    assert n_alike > 2


def test_exact_patching_and_the_mean_of_estimates_find_the_true_edges() -> None:
    exact, mean, chance = [], [], []
    for family, seed in SOME:
        each = made(family, seed)
        exact.append(auroc(each.scores("exact"), each.true))
        mean.append(auroc(each.scores("mean"), each.true))
        random = torch.randn(each.true.shape, generator=torch.Generator().manual_seed(seed))
        chance.append(auroc(random.where(each.nodes.allowed, torch.nan), each.true))
    assert exact == [1.0] * len(SOME)
    assert statistics.mean(mean) >= 0.95
    assert 0.3 < statistics.mean(chance) < 0.7


@pytest.mark.parametrize(("family", "seed"), [("decoys", 5), ("gqa", 5), ("mlp", 3), ("chain", 5)])
def test_the_circuit_is_the_true_edges_and_nothing_else(family: str, seed: int) -> None:
    each = made_of(dataclasses.replace(draw(family, seed), noise=0.0))
    circuit = extract_circuit(
        each.model,
        each.task,
        method="exact",
        size=int(each.true.sum()),
        held_out=False,
        random=2,
        minimality=False,
        progress=False,
    )
    assert {(edge.source, edge.target) for edge in circuit.edges} == each.plan.true_edges()
    value = circuit.faithfulness.at(circuit.chosen)
    assert float(value.value) == pytest.approx(1, abs=1e-3)
    assert value.control is not None and float(value.control) < 0.9
    assert abs(float(circuit.without.at(circuit.chosen).value)) < 0.05


def test_no_single_patch_finds_one_of_two_heads_of_which_each_is_enough() -> None:
    """Two heads write the previous token; the match is as sure with one of them."""
    each = made("redundant", 3)
    exact = each.scores("exact")
    twins = [part.name for part in each.plan.parts if part.kind == "previous"]
    hidden = missed(exact, each.true)
    names = {each.nodes.sources[source].name for source in hidden.nonzero()[:, 0].tolist()}
    assert set(twins) <= names and auroc(exact, each.true) < 1
    # What shows it: a circuit with one of them is faithful, and so is the model without it.
    one, other = (
        true_matrix(
            dataclasses.replace(
                each.plan, parts=tuple(part for part in each.plan.parts if part.name != name)
            ),
            each.nodes,
        )
        for name in twins
    )
    for path, rest in ((one, other), (other, one)):
        assert each.ratio(path) > 0.95
        own = path & ~rest
        assert own.any() and each.ratio(each.nodes.allowed & ~own) > 0.95
    assert each.ratio(each.nodes.allowed & ~(one | other)) < 0.05


def test_steps_between_prompts_see_what_one_patch_does_not() -> None:
    """Half way to the corrupt prompt neither of the two is enough."""
    each = made("redundant", 3)
    exact, mean = (auroc(each.scores(method), each.true) for method in ("exact", "mean"))
    assert mean > exact + 0.05


def test_a_backup_is_asleep_while_what_it_backs_up_is_there() -> None:
    each = made("redundant", 2)
    exact = each.scores("exact")
    backup = next(part.name for part in each.plan.parts if part.kind == "backup")
    found = missed(exact, each.true).nonzero().tolist()
    sources, targets = each.nodes.sources, each.nodes.targets
    assert found
    for source, target in found:
        assert sources[source].name == backup or backup in targets[target].nodes


def test_a_match_at_another_place_shows_the_query_to_steps() -> None:
    """Where both prompts have it at one place, attention stays there all the way between them."""
    found = []
    for same in (True, False):
        each = made_of(dataclasses.replace(draw("noise", 12), same_place=same))
        found.append(auroc(each.scores("mean"), each.true))
        assert auroc(each.scores("exact"), each.true) == 1
    at_one_place, at_two = found
    assert at_one_place < 0.95 and at_two > 0.98
