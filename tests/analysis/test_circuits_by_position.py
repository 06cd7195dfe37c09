"""Circuits by position, in models whose edges are known at each; and what they are refused for."""

from __future__ import annotations

import dataclasses
import json
import statistics

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.causal.edge_scores import edge_scores, read_positions
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.prompts.tasks import Task
from tests import circuits
from tests.generated.asked import task as asked
from tests.generated.draw import draw
from tests.generated.truth import auroc
from tests.generated.weights import build

QUICK = {"random": 2, "check": 0, "minimality": False, "progress": False}
SOME = [("plain", 0), ("decoys", 5), ("noise", 5), ("gqa", 4), ("mlp", 3), ("chain", 2)]


@pytest.fixture(scope="module")
def model():
    return cw.load_model()


@pytest.fixture(scope="module")
def circuit(model) -> cw.Circuit:
    task = cw.Task.repeated_tokens(model, n=12, length=6)
    return cw.extract_circuit(model, task, by_position=True, random=2, check=8, progress=False)


def by_hand(read: int) -> tuple[circuits.Circuit, Task]:
    """Six tokens twice, of which the first copy is what is corrupted; one answer is read."""
    planted = circuits.Circuit(2, 3, (0, 1), (1, 2), others=(((1, 0), "induction"),))
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack(
        [torch.randperm(planted.vocabulary, generator=generator)[:12] for _ in range(6)]
    )
    tokens, others = drawn[:, :6], drawn[:, 6:]
    return planted, Task(
        name="by hand",
        clean=torch.cat([tokens, tokens], 1),
        corrupt=torch.cat([others, tokens], 1),
        position=torch.full((6,), 6 + read),
        right=tokens[:, read + 1],
        wrong=others[:, read + 1],
        roles=tuple(f"{copy} {at}" for copy in ("first", "second") for at in range(6)),
    )


@pytest.mark.parametrize("read", [1, 3])
def test_a_circuit_written_by_hand_is_found_where_it_is(read: int) -> None:
    """The token before is copied to where the answer stands, which is found and copied."""
    planted, task = by_hand(read)
    found = cw.extract_circuit(
        circuits.build(planted).eval(),
        task,
        method="exact",
        by_position=True,
        size=4,
        held_out=False,
        **QUICK,
    )
    assert {(edge.source, edge.target, edge.position) for edge in found.edges} == {
        ("embedding", "0.1.v", read),
        ("0.1", "1.2.k", read + 1),
        ("embedding", "1.2.v", read + 1),
        ("1.2", "logits", 6 + read),
    }
    value = found.faithfulness.at(found.chosen)
    assert float(value.value) == pytest.approx(1, abs=1e-3)
    assert value.control is not None and float(value.control) < 0.5
    assert abs(float(found.without.at(found.chosen).value)) < 0.05
    graph = found.to_networkx()
    last = 6 + read
    assert set(graph.edges) == {
        (f"embedding@{read}", f"0.1@{read + 1}"),
        (f"0.1@{read + 1}", f"1.2@{last}"),
        (f"embedding@{read + 1}", f"1.2@{last}"),
        (f"1.2@{last}", f"logits@{last}"),
    }


def test_generated_circuits_are_found_where_they_are() -> None:
    exact, mean = [], []
    for family, seed in SOME:
        plan = draw(family, seed)
        model, task = build(plan), asked(plan, n=4, aligned=True)
        assert task.roles is not None
        nodes = nodes_of(model).by_position(plan.length, read_positions(task))
        targets = {target.name: at for at, target in enumerate(nodes.targets)}
        places = plan.true_places(task.roles)
        assert {place[:2] for place in places} == plan.true_edges()
        true = torch.zeros_like(nodes.allowed)
        for source, target, position in places:
            true[position, nodes.source_at[source], targets[target]] = True
        assert not (true & ~nodes.allowed).any()
        for method, found in (("exact", exact), ("mean", mean)):
            score = next(edge_scores(model, nodes, task, method, 5, 16)).mean(0)
            found.append(auroc(score, true))
    assert exact == [1.0] * len(SOME)
    assert statistics.mean(mean) >= 0.95


@pytest.mark.parametrize("method", ["eap", "eap-ig-inputs", "eap-ig-activations", "mean"])
def test_positions_add_up_to_the_edges_of_all_of_them(model, method: str) -> None:
    task = cw.Task.repeated_tokens(model, n=3, length=5)
    nodes = nodes_of(model)
    placed = nodes.by_position(task.clean.shape[1], read_positions(task))
    (whole,), (each,) = (
        [*edge_scores(model, graph, task, method, 3, 8)] for graph in (nodes, placed)
    )
    # So what lies on no path to an answer, and is left out, has no effect.
    assert torch.allclose(each.nansum(1), whole.nan_to_num(), atol=1e-5)


def test_the_circuit_of_the_toy_says_where_heads_read(circuit) -> None:
    roles = circuit.roles
    for edge in circuit.edges[:6]:
        assert roles[edge.position].startswith("first" if edge.target != "logits" else "second")
    assert circuit.faithfulness.value[circuit.chosen] >= 0.8
    assert circuit.sizes[-1] == circuit.n_all == int(circuit.nodes.allowed.sum())
    whole = circuit.faithfulness.at(len(circuit.sizes) - 1)
    assert float(whole.value) == pytest.approx(1, abs=1e-4)
    inside = circuit.kept[circuit.chosen].any(-1)
    measured = circuit.node_effects.value.isfinite()
    assert (measured[:, 1:] == inside[:, 1:]).all() and not measured[:, 0].any()
    # It writes where the answer stands: what it writes there is missed.
    at = roles.index("first 3")
    assert circuit.node_effects.value[at, circuit.nodes.source_at["0.1"]] > 0.05


def test_frames_words_and_graphs_say_the_position(circuit, tmp_path) -> None:
    frame = circuit.to_frame()
    assert [*frame.columns[:4]] == ["source", "target", "position", "role"]
    assert [circuit.roles[at] for at in frame["position"]] == frame["role"].tolist()
    assert f"of {circuit.n_all} edges at 13 positions" in repr(circuit)
    assert "embedding → 0.1.v at first" in repr(circuit)
    graph = circuit.to_networkx()
    for name, facts in graph.nodes(data=True):
        assert name.endswith(f"@{facts['position']}")
        assert facts["role"] == circuit.roles[facts["position"]]
    for source, target, facts in graph.edges(data=True):
        here, there = (graph.nodes[name]["position"] for name in (source, target))
        moved = {entry[0] for entry in facts["entries"]} <= {"k", "v"}
        assert here == there or (moved and here < there)
    assert json.loads(json.dumps(circuit.to_json(), allow_nan=False))["nodes"][0]["position"] >= 0
    shown = circuit.to_neuronpedia()
    places = {node["node_id"]: node["ctx_idx"] for node in shown["nodes"]}
    assert len(places) == graph.number_of_nodes() and len(set(places.values())) > 6
    circuit.save(tmp_path / "circuit")
    assert cw.load(tmp_path / "circuit") == circuit


def test_it_is_refused_where_positions_are_not_the_same(model) -> None:
    task = cw.Task.repeated_tokens(model, n=6, length=5)
    with pytest.raises(ValueError, match="a role for each position"):
        cw.extract_circuit(model, task.named(None), by_position=True, **QUICK)
    moved = dataclasses.replace(
        task, position=task.position[:, :1] + torch.arange(6)[:, None] % 2, right=task.right[:, :1]
    )
    with pytest.raises(ValueError, match="read at other positions in some prompts"):
        cw.extract_circuit(model, moved, by_position=True, allow_failure=True, **QUICK)
    for method in ("patching", "attribution"):
        with pytest.raises(ValueError, match="accepted with by_position=True are methods of edges"):
            cw.extract_circuit(model, task, by_position=True, method=method, **QUICK)
