"""The view of a circuit: its edges once, at which sizes each is in it, and what Python sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.circuits import Circuit
from circuit_widgets.causal.choosing import sizes_of
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.results.score import Score
from circuit_widgets.views import circuits
from tests.views.told import Told

SMALL = {"check": 6, "random": 2, "progress": False}


@pytest.fixture(scope="module")
def found() -> Iterator[Circuit]:
    model = cw.load_model()  # As long as it is there, its text is live.
    yield cw.extract_circuit(model, cw.Task.repeated_tokens(model, n=8), **SMALL)


def grown(circuit: Circuit, nodes: Nodes, seed: int = 0) -> Circuit:
    """A circuit of another graph: few strong edges, many weak ones."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(nodes.allowed.shape, generator=generator) ** 5 / 100
    value = drawn.where(nodes.allowed, torch.nan)
    kept, _ = sizes_of(value.abs(), nodes, None)
    n = len(kept)
    points = torch.linspace(0, 1, n)
    curve = Score(points, low=points - 0.1, high=points + 0.1, control=points / 2)
    effects = torch.randn(len(nodes.sources), generator=generator)
    return dataclasses.replace(
        circuit,
        nodes=nodes,
        score=Score(value, low=value - 0.1, high=value + 0.1),
        q=value.abs().clamp(max=1),
        kept=kept,
        chosen=min(3, n - 1),
        faithfulness=curve,
        accuracy=curve,
        without=curve,
        node_effects=Score(effects, low=effects - 0.1, high=effects + 0.1),
    )


def edges_at(told: Told, size: int) -> np.ndarray:
    return (told.column("circuit", "sizes", "edges") >> size) & 1 == 1


def test_each_size_has_its_edges_with_their_numbers(found: Circuit) -> None:
    shown = circuits.view(found)
    told = Told(shown)
    names = told.column("circuit", "name", "nodes")
    source, target, by = (told.column("circuit", n, "edges") for n in ("source", "target", "by"))
    score = told.column("circuit", "score", "edges")
    assert told.scalars["chosen"] == found.chosen and told.scalars["n_all"] == found.n_all
    assert told.column("sizes", "edges").tolist() == list(found.sizes)
    assert told.scalars["note"] == ""
    for at in range(len(found.kept)):
        here = edges_at(told, at)
        ends = zip(names[source[here]], names[target[here]], by[here], strict=True)
        said = [
            f"{a} {b}" if kind in ("mlp", "logits") else f"{a} {b}.{kind}" for a, b, kind in ends
        ]
        known = found.edges_of(at)
        assert said == [f"{edge.source} {edge.target}" for edge in known]
        assert np.allclose(score[here], [edge.score for edge in known])
    for name in ("faithfulness", "accuracy", "without"):
        assert np.allclose(told.column("sizes", name), getattr(found, name).value)
    control = found.faithfulness.control
    assert control is not None
    assert np.allclose(told.column("sizes", "faithfulness_null"), control)
    effect = told.column("circuit", "effect", "nodes")
    assert np.allclose(effect[:-1], found.node_effects.value, equal_nan=True)
    assert np.isnan(effect[-1])
    shown.close()


def test_it_opens_on_the_chosen_size_and_the_head_with_the_strongest_edge(found: Circuit) -> None:
    shown = circuits.view(found)
    assert shown.params["circuits.size"] == found.chosen
    assert str(shown.selection.as_head) == "0.1"
    assert shown.run_shown.live and shown.run_shown.tokens == list(found.tokens)
    shown.params.update({"circuits.size": 0, "circuits.groups": "induction: 1.2, 1.3"})
    with pytest.raises(ValueError, match=r"circuits\.size is 99; accepted is 0 to"):
        shown.params["circuits.size"] = 99
    shown.close()
    asked = found.view(params={"circuits.size": 1})
    assert asked.params["circuits.size"] == 1
    asked.close()


def test_a_reader_that_heads_share_is_one_edge(found: Circuit) -> None:
    nodes = Nodes((4, 4), (2, 2), ("after", "after"))
    shown = circuits.view(grown(found, nodes))
    told = Told(shown)
    by, shared = (told.column("circuit", name, "edges") for name in ("by", "shared"))
    assert {*shared[(by == "k") | (by == "v")]} == {2}
    assert {*shared[(by == "q") | (by == "mlp") | (by == "logits")]} == {1}
    assert len(by) == int(nodes.allowed.sum())
    shown.close()


def test_of_large_circuits_the_strongest_edges_are_sent(
    found: Circuit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuits, "MOST", 40)
    large = grown(found, Nodes((4,) * 4, (4,) * 4, ("after",) * 4))
    shown = circuits.view(large)
    told = Told(shown)
    strength = np.abs(told.column("circuit", "score", "edges"))
    assert (np.diff(strength) <= 0).all()
    for at, n in enumerate(large.sizes):
        sent = strength[edges_at(told, at)][:40]
        known = [abs(edge.score) for edge in large.edges_of(at)[:40]]
        assert np.allclose(sent, known) and len(sent) == min(n, 40)
    assert len(strength) < large.n_all
    shown.close()


def test_an_edge_may_leave_at_a_larger_size(found: Circuit) -> None:
    """Thresholds of nodes need not be nested."""
    other = found.kept.clone()
    place = tuple(found.kept[0].nonzero()[0].tolist())
    other[(1, *place)] = False
    shown = circuits.view(dataclasses.replace(found, kept=other))
    told = Told(shown)
    counts = [int(edges_at(told, at).sum()) for at in range(len(other))]
    assert counts == other.flatten(1).sum(1).tolist()
    shown.close()


def test_by_position_a_head_is_a_node_where_it_writes() -> None:
    model = cw.load_model()
    task = cw.Task.repeated_tokens(model, n=8, length=5)
    circuit = cw.extract_circuit(model, task, by_position=True, **SMALL)
    shown = circuits.view(circuit)
    told = Told(shown)
    assert list(told.column("positions", "role")) == list(circuit.roles or ())
    name, position = (told.column("circuit", each, "nodes") for each in ("name", "position"))
    assert [int(each.split("@")[1]) for each in name] == position.tolist()
    source, by = (told.column("circuit", each, "edges") for each in ("source", "by"))
    at = circuit.chosen
    here = edges_at(told, at)
    known = circuit.edges_of(at)
    assert list(name[source[here]]) == [f"{edge.source}@{edge.position}" for edge in known]
    # It reads where the edge is.
    target = told.column("circuit", "target", "edges")
    assert (position[target] == position[source]).all() and {*by} >= {"k", "v", "logits"}
    effect = dict(zip(name, told.column("circuit", "effect", "nodes"), strict=True))
    place = circuit.kept[at].any(-1).nonzero().tolist()[-1]
    said = f"{circuit.nodes.sources[place[1]].name}@{place[0]}"
    assert np.isclose(effect[said], circuit.node_effects.value[tuple(place)])
    # Attention from where the induction head writes to where it reads.
    part, share = (told.column("carried", each) for each in ("part", "attention"))
    assert share[part == circuit.nodes.source_at["1.2"]].max() > 0.5
    assert told.scalars["meaning"].endswith("at that position")
    shown.close()


@pytest.mark.parametrize(
    ("asked", "meaning"),
    [
        ({}, "what the metric loses without the edge"),
        ({"method": "patching"}, "the effect of the weaker of its two nodes"),
        (
            {"method": "exact", "direction": "denoising"},
            "what the metric gains with that edge alone from the clean prompt",
        ),
    ],
)
def test_a_score_says_what_it_is(found: Circuit, asked: dict[str, str], meaning: str) -> None:
    made = found.provenance
    other = dataclasses.replace(made, parameters={**made.parameters, **asked})
    shown = circuits.view(dataclasses.replace(found, provenance=other))
    assert Told(shown).scalars["meaning"] == meaning
    shown.close()


def test_the_whole_model_is_a_circuit_for_a_reason(found: Circuit) -> None:
    shown = circuits.view(dataclasses.replace(found, chosen=len(found.kept) - 1))
    sizes = len(found.kept)
    assert Told(shown).scalars["note"] == f"no smaller one of {sizes} keeps 80 %"
    shown.close()


def test_what_is_not_measured_yet_is_missing(found: Circuit) -> None:
    blank = torch.full((len(found.kept),), torch.nan)
    missing = Score(blank, low=blank, high=blank)
    effects = torch.full_like(found.node_effects.value, torch.nan)
    early = dataclasses.replace(
        found,
        faithfulness=missing,
        accuracy=missing,
        without=missing,
        node_effects=Score(effects, low=effects, high=effects),
        agreement=None,
        provenance=dataclasses.replace(found.provenance, n_done=0, pending=("faithfulness",)),
    )
    shown = circuits.view(early)
    told = Told(shown)
    assert shown.status["state"] == "partial" and told.scalars["note"] == "none is chosen yet"
    assert np.isnan(told.column("sizes", "faithfulness")).all()
    assert list(told.column("facts", "label")) == ["log-probability, clean", "right answers"]
    shown.close()
