"""A circuit's words, frames and graphs; what is refused; what is there while it is being found."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.statistics.ranks import rank_correlation

QUICK = {"random": 0, "check": 0, "minimality": False, "progress": False}


@pytest.fixture(scope="module")
def model():
    return cw.load_model()


@pytest.fixture(scope="module")
def task(model) -> cw.Task:
    return cw.Task.repeated_tokens(model, n=10, length=6)


@pytest.fixture(scope="module")
def circuit(model, task) -> cw.Circuit:
    return cw.extract_circuit(model, task, random=2, check=8, progress=False)


def test_the_induction_circuit_of_the_toy_is_found(circuit) -> None:
    edges = [(edge.source, edge.target) for edge in circuit.edges[:4]]
    assert {("embedding", "0.1.v"), ("0.1", "1.2.k"), ("1.2", "logits")} <= set(edges)
    at = circuit.chosen
    assert circuit.faithfulness.value[at] >= 0.8 > circuit.faithfulness.control[at]
    assert circuit.without.value[at].abs() < 0.2
    # Without the previous-token head, or the induction head, nothing is left.
    effects = dict(zip(circuit.nodes.source_at, circuit.node_effects.value, strict=True))
    assert effects["0.1"] > 0.8 and effects["1.2"] > 0.5


def test_every_edge_of_every_circuit_is_on_a_path(circuit) -> None:
    nodes = circuit.nodes
    for kept in circuit.kept:
        assert not (kept & ~nodes.allowed).any()
        written = {nodes.sources[at].name for at in kept.any(1).nonzero().flatten()}
        read = {name for at in kept.any(0).nonzero().flatten() for name in nodes.targets[at].nodes}
        assert written - {"embedding"} <= read
        assert read & set(nodes.source_at) & written == written - {"embedding"}
    assert list(circuit.sizes) == sorted(set(circuit.sizes))


def test_graphs_for_other_programs(circuit) -> None:
    graph = circuit.to_networkx()
    assert set(graph.nodes) == {"embedding", *circuit.components, "logits"}
    entries = sum(len(facts["entries"]) for *_, facts in graph.edges(data=True))
    assert entries == circuit.n_edges
    plain = json.loads(json.dumps(circuit.to_json(), allow_nan=False))
    assert len(plain["edges"]) == graph.number_of_edges()
    shown = json.loads(json.dumps(circuit.to_neuronpedia(), allow_nan=False))
    ids = {node["node_id"] for node in shown["nodes"]}
    assert len(ids) == graph.number_of_nodes()
    assert all({link["source"], link["target"]} <= ids for link in shown["links"])
    assert [node["clerp"] for node in shown["nodes"] if node["is_target_logit"]] == ["logits"]


def test_frames_and_words(circuit) -> None:
    frame = circuit.to_frame()
    assert len(frame) == circuit.n_edges and frame["score"].abs().is_monotonic_decreasing
    curve = circuit.curve_frame()
    assert curve["edges"].tolist() == list(circuit.sizes)
    said = repr(circuit)
    assert "on 5 prompts it was not found on" in said and "embedding → 0.1.v" in said


def test_it_is_made_again_from_what_is_kept(circuit, model, tmp_path) -> None:
    from circuit_widgets.analysis.circuits.extract import Settings

    circuit.save(tmp_path / "circuit")
    loaded = cw.load(tmp_path / "circuit")
    assert loaded == circuit
    settings = loaded.provenance.settings(Settings)
    task = cw.Task.from_settings(model, settings.task)
    again = cw.extract_circuit(model, task, random=2, check=8, progress=False)
    assert again == circuit


def test_what_is_not_measured_yet_is_missing(model, task) -> None:
    steps = [*cw.extract_circuit.steps(model, task, **{**QUICK, "random": 1})]
    results = [step for step in steps if not isinstance(step, Progress)]
    first, last = results[0], results[-1]
    assert first.faithfulness.value.isnan().all() and not first.provenance.complete
    assert "has not been measured yet" in repr(first)
    assert last.provenance.complete and last.faithfulness.value.isfinite().all()
    assert last.node_effects.value.isnan().all()
    assert dataclasses.replace(first, provenance=last.provenance).score.value.equal(
        last.score.value
    ) or torch.allclose(first.score.value, last.score.value, equal_nan=True)


def test_areas_leave_out_the_size_that_was_asked_for(model, task, circuit) -> None:
    asked = cw.extract_circuit(model, task, **{**QUICK, "random": 1, "size": 6})
    usual = cw.extract_circuit(model, task, **{**QUICK, "random": 1})
    assert len(asked.sizes) == len(usual.sizes) + 1
    for name in ("cmd", "cpr", "log_accuracy"):
        assert getattr(asked, name) == pytest.approx(getattr(usual, name), abs=1e-6)


def test_areas_stand_beside_random_ones_where_there_are_any(model, task, circuit) -> None:
    cpr, cmd, _ = circuit.random_areas
    assert (
        f"CMD {circuit.cmd:.3f} (random {cmd:.3f}), CPR {circuit.cpr:.3f} (random {cpr:.3f})"
        in (repr(circuit))
    )
    assert cmd > circuit.cmd
    assert "nan" not in repr(cw.extract_circuit(model, task, **QUICK))


def test_denoising_is_checked_against_denoising(model, task) -> None:
    asked = {**QUICK, "method": "patching", "direction": "denoising", "random": 1}
    every = len(nodes_of(model).allowed.nonzero())
    found = cw.extract_circuit(model, task, **{**asked, "check": 2 * every})
    exact = cw.extract_circuit(model, task, **{**asked, "method": "exact", "check": 0})
    there = found.nodes.allowed
    expected = rank_correlation(exact.score.value[there], found.score.value[there])
    assert found.n_checked == every
    assert found.agreement == pytest.approx(float(expected), abs=1e-4)
    assert "(denoised)" in repr(found)


def test_a_share_of_nothing_is_no_number_and_does_not_wait(model) -> None:
    untrained = cw.load_model("toy-induction", step=0)
    some = cw.Task.repeated_tokens(untrained, n=6)
    found = cw.extract_circuit(untrained, some, allow_failure=True, **QUICK)
    assert found.provenance.complete and found.faithfulness.value.isnan().all()
    assert found.accuracy.value.isfinite().all()
    control = found.faithfulness.control
    assert control is not None and control.isnan().all()
    said = repr(found)
    assert "there is no share of nothing" in said and "not been measured" not in said


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"method": "eapp"}, "did you mean 'eap'"),
        ({"direction": "denoising"}, "accepted with 'denoising' are 'exact' and 'patching'"),
        ({"size": 12, "threshold": 0.1}, "size and threshold are both given"),
        ({"size": 10_000}, "accepted is a whole number from 1 to 81, or a share"),
        (
            {"size": 1},
            r"no path from .* accepted are sizes from \d+ to 81",
        ),
        ({"size": 0.01}, "accepted are sizes from"),
        ({"check": 1}, "accepted is 0, or 4 edges or more"),
        ({"threshold": 99.0}, "the strongest edge has"),
        ({"threshold": -1.0}, "accepted is a number above 0"),
        ({"by": "zero"}, "accepted are 'resample', 'mean'"),
        ({"keep": 80}, "accepted is between 0 and 1"),
    ],
)
def test_bad_input_is_a_sentence(model, task, changes, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        cw.extract_circuit(model, task, **{**QUICK, **changes})


def test_tasks_that_explain_nothing_are_refused(model, task) -> None:
    with pytest.raises(TypeError, match="accepted is a Task"):
        cw.extract_circuit(model, "blue dog blue", **QUICK)
    with pytest.raises(ValueError, match="accepted are 4 or more"):
        cw.extract_circuit(model, task.batch(slice(0, 3)), **QUICK)
    untrained = cw.load_model("toy-induction", step=0)
    with pytest.raises(cw.TaskFailed, match="allow_failure=True"):
        cw.extract_circuit(untrained, cw.Task.repeated_tokens(untrained, n=6), **QUICK)
    kl = cw.Task.repeated_tokens(model, n=6, length=6, metric="kl")
    with pytest.raises(ValueError, match="is at its minimum and has none"):
        cw.extract_circuit(model, kl, method="eap", **QUICK)


def test_the_model_is_left_as_it_was(model, circuit) -> None:
    assert all(not point.fwd_hooks and not point.bwd_hooks for point in model.hook_dict.values())
    assert not any(weight.grad is not None for weight in model.parameters())
