"""Suggestions on circuits whose answer is known, and numbers beside a naive recomputation."""

from __future__ import annotations

import math

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.optimization import naive
from circuit_widgets.analysis.optimization.curve import cost_of, within
from circuit_widgets.analysis.optimization.rounds import BY
from circuit_widgets.causal.random_heads import matched_sets
from circuit_widgets.heads import Head
from circuit_widgets.results.score import Score
from tests import tiny
from tests.circuits import Circuit, build

PREVIOUS, INDUCTION = "0.1", "1.2"
REST = {f"{layer}.{head}" for layer in (0, 1) for head in range(4)} - {PREVIOUS, INDUCTION}
ASK = {"progress": False, "random": 3}


def planted(**given):
    return build(Circuit(2, 4, (0, 1), (1, 2), gain=8.0, **given)).eval()


def loss(model, ids) -> torch.Tensor:
    with torch.no_grad():
        logits = model(ids)
    nats = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none"
    )
    return nats.view(len(ids), -1).mean(1)


@pytest.fixture(scope="module")
def exact():
    model = planted()
    task = cw.Task.repeated_tokens(model, n=12, length=8)
    return model, task, cw.suggest_circuit_optimizations(model, task, upto=0.75, **ASK)


def test_all_that_does_nothing_goes_and_the_circuit_stays(exact) -> None:
    _, _, found = exact
    assert set(found.heads()) == REST and found.redundancy == 6 / 8
    assert float(found.rise.value.abs().max()) < 1e-6
    (pruning, idle) = found.of("pruning")
    assert set(pruning.components) == set(idle.components) == REST
    assert pruning.tested and pruning.holds and idle.holds
    # Random heads of the same layers hold the circuit: without it the loss is another.
    assert pruning.random is not None and pruning.random > 0.1
    assert {each.components for each in found.of("capacity_increase")} == {
        (PREVIOUS,),
        (INDUCTION,),
    }
    assert all(not each.tested and each.missing for each in found.of("capacity_increase"))
    assert found.of("architecture_modification") == ()


def test_what_it_saves_is_that_of_the_sliced_model(exact) -> None:
    model, _, found = exact
    for at, cost in enumerate(found.costs):
        small = cw.prune_heads(model, found.heads(at)) if at else model
        other = cw.model_cost(small)
        assert (cost.parameters, cost.bytes) == (other.parameters, other.bytes)
        assert cost.cache_bytes == other.cache_bytes and cost.seconds is None
    assert len(found.costs) == len(found.sizes)


def test_the_time_that_is_saved_has_an_interval_or_none() -> None:
    model = cw.load_model()
    cost = cost_of(model, [Head(0, 0)], 6)
    assert cost.saved is not None and cost.saved_low is not None and cost.saved_high is not None
    assert cost.saved_low <= cost.saved <= cost.saved_high < 1
    few = cost_of(model, [Head(0, 0)], 2)
    assert few.saved is not None and few.saved_low is few.saved_high is None
    # The whole model saves nothing, and what was not timed has no time.
    assert cost_of(model, [], 2).saved is None
    assert cost_of(model, [Head(0, 0)], 0).seconds is None


@pytest.mark.parametrize("by", BY)
def test_losses_are_those_of_the_sliced_model(by: str) -> None:
    model = tiny.make("llama")
    texts = torch.cat([tiny.ids(9, seed=seed) for seed in range(8)])
    found = cw.suggest_circuit_optimizations(model, texts=texts, prune_by=by, step=2, **ASK)
    assert found.sizes == (0, 2, 4, 6) and (found.n_scored, found.n_held_out) == (4, 4)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    held_out = texts[order[4:]]
    whole = loss(model, held_out)
    for at in range(len(found.sizes)):
        small = cw.prune_heads(model, found.heads(at)) if at else model
        less = loss(small, held_out)
        assert float(found.loss.value[at]) == pytest.approx(float(less.mean()), abs=1e-5)
        rise = float(less.mean() / whole.mean()) - 1
        assert float(found.rise.value[at]) == pytest.approx(rise, abs=1e-5)
    assert found.skipped.startswith("bottlenecks and harmful edges, which need a task")
    # Heads are coloured by a score that there is.
    view = found.view()
    names = [score["name"] for score in view.scores["scores"]]
    assert sorted(names) == sorted(found.abouts)
    assert names[0] == ("effect" if by == "measured" else "estimate")
    view.close()
    # Measured one by one, on the other texts.
    scored = texts[order[:4]]
    for layer, head in found.effect.value.isfinite().nonzero().tolist():
        small = cw.prune_heads(model, f"{layer}.{head}")
        rise = float(loss(small, scored).mean() / loss(model, scored).mean()) - 1
        assert float(found.effect.value[layer, head]) == pytest.approx(rise, abs=1e-5)


def test_the_first_order_is_the_slope_at_a_gate() -> None:
    from circuit_widgets import capture
    from circuit_widgets.causal.ablation import Ablation
    from circuit_widgets.causal.metrics import next_token_logp

    model, gone = tiny.make("gpt2"), [Head(0, 1)]
    ids = tiny.ids(8, batch=3)
    ablation = Ablation(model, [ids], next_token_logp, by="zero", without=gone)
    small = 1e-2
    for head in (Head(1, 0), Head(2, 3)):
        ends = [
            next_token_logp(
                capture.run(
                    model, ids, (), [capture.ablate(gone, by="zero"), capture.scale(head, gate)]
                ),
                ids,
            )
            for gate in (1 + small, 1 - small)
        ]
        slope = (ends[0] - ends[1]) / (2 * small)
        assert torch.allclose(ablation.contribution(head), slope, atol=2e-4)
    assert float(ablation.contribution(gone[0]).abs().max()) == 0
    both = ablation.effect([Head(1, 0)])
    edits = [capture.ablate([*gone, Head(1, 0)], by="zero")]
    without = next_token_logp(capture.run(model, ids, (), edits), ids)
    assert torch.allclose(both, ablation.clean - without, atol=1e-5)


def test_an_edge_that_does_harm_is_found() -> None:
    """A head of the first layer writes its own token where the induction head looks for others'."""
    model = planted(others=(((0, 3), "current"),))
    state = model.state_dict()
    v, p, d_head = 40, 24, 65
    rows = slice(3 * d_head, 4 * d_head)
    values = torch.zeros(d_head, 3 * v + p)
    values[:v, :v] = torch.eye(v)
    state["blocks.0.attn.v.weight"][rows] = values
    out = torch.zeros(3 * v + p, d_head)
    # A little weaker than the previous token: 1.2 of 60 nats, so that most of the attention stays.
    out[v + p : 2 * v + p, :v] = 0.98 * torch.eye(v)
    state["blocks.0.attn.o.weight"][:, rows] = out
    model.load_state_dict(state)
    task = cw.Task.repeated_tokens(model, n=12, length=8)
    found = cw.suggest_circuit_optimizations(model, task, **ASK)
    harmful = found.of("architecture_modification")
    assert "0.3 → 1.2.k" in {each.components[0] for each in harmful}
    for each in harmful:
        assert each.tested and each.high is not None and each.high < 0 and each.missing
    # And the head is the first to go: the loss falls.
    assert found.order[0] == "0.3" and float(found.rise.value[1]) < 0


def test_a_task_that_the_model_fails_is_not_explained() -> None:
    model = cw.load_model(step=64)
    task = cw.Task.repeated_tokens(model, n=8)
    found = cw.suggest_circuit_optimizations(model, task, upto=0.2, **ASK)
    assert found.skipped.startswith("parts of the task, which the model does not do: ")
    assert {each.kind for each in found.suggestions} <= {"pruning"}


def test_results_that_are_handed_over_are_used(exact) -> None:
    model, task, _ = exact
    circuit = cw.extract_circuit(model, task, size=12, random=0, check=0, progress=False)
    found = cw.suggest_circuit_optimizations(model, task, circuit=circuit, upto=0.2, **ASK)
    narrow = {each.components[0]: each for each in found.of("capacity_increase")}
    assert set(narrow) == {PREVIOUS, INDUCTION}
    names = [source.name for source in circuit.nodes.sources]
    for name, each in narrow.items():
        assert each.value == pytest.approx(
            float(circuit.node_effects.value[names.index(name)]), abs=1e-6
        )
    by_source = cw.suggest_circuit_optimizations(
        model, task, circuit=circuit, rule="source", threshold=0.1, upto=0.2, **ASK
    )
    assert {each.kind for each in by_source.suggestions} <= {"capacity_increase"}
    assert all(not each.tested for each in by_source.suggestions)


def test_the_rules_of_the_source() -> None:
    measures = {
        **{"redundancy": 0.31, "redundant_components": ["0.1"], "bottlenecks": ["1.2"]},
        **{"coordination": 0.29, "poorly_coordinated": ["0.0", "0.2"]},
    }
    found = naive.source_rules(measures)
    assert [(each.kind, each.components, each.expected) for each in found] == [
        ("pruning", ("0.1",), "reduced_compute"),
        ("capacity_increase", ("1.2",), "reduced_bottleneck"),
        ("architecture_modification", ("0.0", "0.2"), "better_coordination"),
    ]
    assert naive.source_rules({**measures, "redundancy": 0.3}, 0.3)[0].kind == "capacity_increase"
    assert naive.source_rules({}) == []


def test_points_are_tested_in_their_order() -> None:
    def chosen(*high: float) -> int:
        ends = torch.tensor([math.nan, *high])
        return within(Score(torch.zeros(len(ends)), low=ends, high=ends), 0.01)

    assert chosen(0.0, 0.005, 0.02, 0.001) == 2
    assert chosen(0.02, 0.001) == 0
    # One text has no interval: nothing is known.
    assert chosen(math.nan) == 0


def test_random_choices_may_share_heads_and_are_never_the_choice_itself() -> None:
    chosen = [Head(0, 0), Head(0, 1), Head(1, 3)]
    sets = matched_sets((2, 4), chosen, 23, seed=0, shared=True)
    assert len({*sets}) == 23 and tuple(chosen) not in sets
    assert {tuple(sorted(head.layer for head in each)) for each in sets} == {(0, 0, 1)}
    assert len(matched_sets((2, 4), chosen, 100, seed=0, shared=True)) == 23


def test_what_cannot_be_is_said() -> None:
    model = cw.load_model()
    task = cw.Task.repeated_tokens(model, n=6, length=5)
    ask = cw.suggest_circuit_optimizations
    with pytest.raises(ValueError, match="there is neither a task nor text; accepted are a Task"):
        ask(model)
    with pytest.raises(TypeError, match="texts is one text; accepted are four or more"):
        ask(model, texts="blue dog")
    with pytest.raises(ValueError, match="there are 3 texts; accepted are four or more"):
        ask(model, texts=["blue dog"] * 3)
    with pytest.raises(ValueError, match="one head in each layer, and no layer can do without"):
        ask(tiny.native(n_heads=1, d_head=8, d_model=8), texts=tiny.ids(6, batch=4))
    with pytest.raises(ValueError, match=r"upto is 0\.01, which is less than one of 8 heads"):
        ask(model, task, upto=0.01)
    with pytest.raises(TypeError, match="circuit is 'ioi'; accepted is what extract_circuit found"):
        ask(model, task, circuit="ioi")
    quick = {"size": 12, "random": 0, "check": 0, "progress": False}
    with pytest.raises(ValueError, match="circuit is one by position, whose nodes are heads at"):
        ask(model, task, circuit=cw.extract_circuit(model, task, by_position=True, **quick))
    with pytest.raises(ValueError, match=r"circuit is of another model \(toy-induction\)"):
        circuit = cw.extract_circuit(model, task, **quick)
        ask(tiny.native(), circuit=circuit, texts=tiny.ids(6, batch=4))
    with pytest.raises(ValueError, match="rule 'source' reads results and measures nothing"):
        ask(model, task, rule="source")
    with pytest.raises(ValueError, match="prune_by is 'michel'; accepted are 'measured'"):
        ask(model, task, prune_by="michel")
    with pytest.raises(ValueError, match="has 3, 4 heads in its layers"):
        ask(cw.prune_heads(model, "0.0"), task)
    found = ask(model, task, progress=False, random=0, upto=0.2)
    assert not bool(found.best_random[1:].isfinite().any())
    with pytest.raises(ValueError, match="there is no kind 'prune'; kinds are pruning"):
        found.of("prune")
