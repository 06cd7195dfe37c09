"""Circuits of several models compared: models whose circuits are known, and what is refused."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.capture.stopping import Stopped
from circuit_widgets.causal.nodes import nodes_of
from tests import tiny
from tests.circuits import Circuit, build

TASK = functools.partial(cw.Task.repeated_tokens, n=12, length=10)
QUIET: dict[str, Any] = {"progress": False, "length": 10}
SEEDS = {f"seed {seed}": cw.Load("toy-induction", seed=seed) for seed in (0, 1)}


@functools.cache
def planted() -> cw.CrossModelStability:
    """One circuit, the same again, and the same at other heads."""
    models = {
        "one": build(Circuit(2, 4, (0, 1), (1, 2))),
        "same": build(Circuit(2, 4, (0, 1), (1, 2))),
        "other": build(Circuit(2, 4, (0, 3), (1, 0))),
    }
    return cw.analyze_cross_model_stability(models, TASK, draws=20, **QUIET)


@functools.cache
def toys() -> cw.CrossModelStability:
    task = functools.partial(cw.Task.repeated_tokens, n=16)
    return cw.analyze_cross_model_stability(SEEDS, task, draws=20, progress=False)


def test_equal_models_have_one_circuit() -> None:
    found = planted()
    assert float(found.overlap_matrix[0, 1]) == 1
    assert float(found.correlation.value[0, 1]) == pytest.approx(1)
    assert float(found.halves.value[0, 1]) == pytest.approx(float(found.ceiling[0, 1]))
    # Its own circuit, to the last bit.
    assert torch.equal(found.transfer.value[0, :2], found.transfer.value[[0, 1], [0, 1]])
    assert float(found.transfer.value[0, 0]) > 0.9
    assert torch.equal(found.edges_of("one"), found.edges_of("same"))


def test_the_same_circuit_at_other_heads_has_other_edges_and_the_same_roles() -> None:
    found = planted()
    assert found.by[0][2] == "edges"
    # Not even as much in common as circuits with heads in random places.
    assert float(found.overlap_matrix[0, 2]) <= 0
    assert not bool(found.overlap.stands_out()[0, 2])
    assert bool(found.overlap.stands_out()[0, 1]) or float(found.overlap.extreme_high[0, 1]) >= 1  # type: ignore[index]
    assert float(found.role_overlap.value[0, 2]) == pytest.approx(1, abs=0.02)
    assert abs(float(found.transfer.value[0, 2])) < 0.05
    assert {one.name for one in found.variable_components} == {"0.1", "1.2", "0.3", "1.0"}
    assert found.stable_components == ()
    assert "prefix_matching" in [role.name for role in found.stable_roles]


def test_models_with_other_parts_are_compared_by_roles() -> None:
    models = {
        "wide": build(Circuit(2, 4, (0, 1), (1, 2))),
        "deep": build(Circuit(3, 2, (0, 1), (2, 0))),
    }
    found = cw.analyze_cross_model_stability(models, TASK, draws=20, size=0.08, **QUIET)
    assert found.by == (("edges", "roles"), ("roles", "edges"))
    assert not found.same_parts and found.components == ()
    assert float(found.overlap_matrix[0, 1]) == pytest.approx(1, abs=0.02)
    # The same share of other numbers of edges.
    shares = [size / n for size, n in zip(found.sizes, found.n_all, strict=True)]
    assert shares == pytest.approx([0.08, 0.08], abs=0.02)
    for missing in (found.transfer.value, found.correlation.value):
        assert torch.equal(missing.isnan(), torch.tensor([[False, True], [True, False]]))
    # What is beyond the smaller model is missing, not 0.
    assert bool(found.score.value[0, :, len(found.nodes[0].targets) :].isnan().all())
    assert found.stable_components == tuple(found.stable_roles)


def test_chance_is_the_mean_over_all_orders_of_heads() -> None:
    """Against every order of the heads of both layers, one by one."""
    models = {
        "one": build(Circuit(2, 2, (0, 1), (1, 0))),
        "other": build(Circuit(2, 2, (0, 0), (1, 0))),
    }
    found = cw.analyze_cross_model_stability(models, TASK, draws=20, size=6, **QUIET)
    names = [source.name for source in found.nodes[0].sources]
    targets = [target.name for target in found.nodes[0].targets]

    def edges(model: str) -> set[tuple[str, str]]:
        return {(names[s], targets[t]) for s, t in found.edges_of(model).nonzero().tolist()}

    overlaps = []
    for orders in itertools.product(itertools.permutations("01"), repeat=2):

        def moved(name: str, orders: Any = orders) -> str:
            if not name[0].isdigit():
                return name
            layer, head, *rest = name.split(".")
            return ".".join([layer, orders[int(layer)][int(head)], *rest])

        there = {(moved(source), moved(target)) for source, target in edges("other")}
        overlaps.append(len(edges("one") & there) / len(edges("one") | there))
    assert float(found.chance[0, 1]) == pytest.approx(sum(overlaps) / 4, abs=0.06)
    raw = len(edges("one") & edges("other")) / len(edges("one") | edges("other"))
    assert float(found.jaccard[0, 1]) == pytest.approx(raw)
    value = (raw - float(found.chance[0, 1])) / (1 - float(found.chance[0, 1]))
    assert float(found.overlap_matrix[0, 1]) == pytest.approx(value)


def test_two_seeds_do_the_same_by_other_heads() -> None:
    found = toys()
    assert found.done == (True, True)
    assert not bool(found.overlap.stands_out()[0, 1])
    assert float(found.overlap_matrix[0, 1]) < float(found.ceiling[0, 1]) - 0.3
    assert float(found.role_overlap.value[0, 1]) > 0.6
    # Each circuit does its own model's task and not the other's.
    transfer = found.transfer.value
    assert bool((transfer.diagonal() > 0.7).all()) and float(transfer[0, 1]) < 0.3
    # All heads of the second layer match prefixes: that all are in both circuits is no wonder.
    stable = [one for one in found.components if one.share == 1]
    assert stable and all(one.p > 0.05 for one in stable)
    low, high = found.n_stable.control_low, found.n_stable.control_high
    assert low is not None and high is not None
    assert float(low) <= float(found.n_stable.value) <= float(high)


def test_nothing_is_stable_in_models_that_have_not_been_trained() -> None:
    untrained = {f"seed {s}": cw.Load("toy-induction", seed=s, step=0) for s in (0, 1, 2)}
    found = cw.analyze_cross_model_stability(
        untrained,
        functools.partial(cw.Task.repeated_tokens, n=12),
        size=12,
        draws=20,
        allow_failure=True,
        progress=False,
    )
    assert found.done == (False, False, False)
    assert not bool(found.overlap.stands_out().any())
    assert all(not one.p < 0.05 for one in (*found.components, *found.role_components))


def test_layers_of_different_numbers_of_heads_are_refused_by_name() -> None:
    models = {**SEEDS, "less": cw.prune_heads(cw.load_model(), ["0.1"])}
    with pytest.raises(ValueError, match=r"^less: a profile of roles has a grid"):
        cw.analyze_cross_model_stability(models, TASK, **QUIET)


def test_a_model_that_fails_is_refused_by_name() -> None:
    models = {**SEEDS, "new": cw.Load("toy-induction", step=0)}
    with pytest.raises(cw.TaskFailed, match="new does not do the task 'repeated_tokens'"):
        cw.analyze_cross_model_stability(models, TASK, **QUIET)


@pytest.mark.parametrize(
    ("models", "given", "kind", "words"),
    [
        ({"one": "toy-induction"}, {}, ValueError, "a single model.*accepted are 2 or more"),
        ({}, {}, ValueError, "there are no models"),
        ("toy-induction", {}, TypeError, "accepted are several by their names"),
        (SEEDS, {"task": 3}, TypeError, "the task is 3; accepted is a Task"),
        (SEEDS, {"task": lambda model: 3}, TypeError, "the task is 3; accepted is a Task"),
        (SEEDS, {"size": 82}, ValueError, "size is 82, and seed 0 has 81 edges"),
        (SEEDS, {"size": 1}, ValueError, "a circuit of 1 edge has no path"),
        (SEEDS, {"size": 0}, ValueError, "accepted is a whole number from 1"),
        (SEEDS, {"draws": 3}, ValueError, "draws is 3; accepted is a whole number from 20"),
        (SEEDS, {"colour": 3}, TypeError, "has no parameter 'colour'"),
        ({"a": "toy-induction", "b": "toy-inductoin"}, {}, ValueError, "^b: there is no model"),
        (
            SEEDS,
            {"task": functools.partial(cw.Task.repeated_tokens, n=3)},
            ValueError,
            "too few prompts for intervals; accepted are 4 or more",
        ),
        (
            SEEDS,
            {"task": functools.partial(cw.Task.repeated_tokens, n=4, metric="kl"), "method": "eap"},
            ValueError,
            "a KL divergence from it is at its minimum and has none",
        ),
    ],
)
def test_what_is_refused(models: Any, given: dict[str, Any], kind: type, words: str) -> None:
    given = {"task": functools.partial(cw.Task.repeated_tokens, n=4, length=4), **QUIET, **given}
    with pytest.raises(kind, match=words):
        cw.analyze_cross_model_stability(models, **given)


def test_results_arrive_model_by_model_and_models_are_left_as_they_were() -> None:
    model = cw.load_model().train()
    models = {"here": model, "loaded": cw.Load("toy-induction", seed=1)}
    steps = cw.analyze_cross_model_stability.steps(models, TASK, draws=20, **QUIET)
    results = [step for step in steps if isinstance(step, cw.CrossModelStability)]
    assert [one.provenance.n_done for one in results] == [1, 2, 2, 2, 2]
    first, whole = results[0], results[-1]
    assert first.provenance.pending == ("overlap", "transfer") and not first.provenance.complete
    assert bool(first.overlap_matrix.isnan().all()) and first.sizes == (0, 0)
    assert first.done == (True, None) and not bool(first.score.value[0].isnan().all())
    assert whole.provenance.complete and not bool(whole.transfer.value.isnan().any())
    assert model.training and not list(model.blocks[0].attn.hook_pattern.fwd_hooks)
    assert "partial" in repr(first) and "Overlap" not in repr(first)


def test_a_stop_leaves_what_is_there() -> None:
    job = cw.analyze_cross_model_stability.job(SEEDS, TASK, draws=20, **QUIET)
    job.on_result(lambda result, done, total: job.stop())
    job.start()
    assert job.wait(60)
    assert job.state == "stopped" and not isinstance(job.error, Stopped)
    assert job.result.provenance.n_done == 1


def test_it_saves_and_says_what_it_found(tmp_path: Path) -> None:
    found = toys()
    found.save(tmp_path / "stability.safetensors")
    assert cw.load(tmp_path / "stability.safetensors") == found
    made = found.provenance
    assert made.model == "seed 0 and seed 1"
    assert made.parameters["models"]["seed 1"] == {"name": "toy-induction", "seed": 1}
    # The task is the same for both, and is kept once.
    assert list(made.parameters["tasks"]) == ["task"]
    frame = found.to_frame()
    assert len(frame) == 1 and frame.loc[0, "overlap"] == pytest.approx(
        float(found.overlap_matrix[0, 1])
    )
    assert set(found.component_frame()["kind"]) == {"part", "role"}
    assert len(found.transfer_frame()) == 4
    text = repr(found)
    assert "seed 0 and seed 1: overlap by edges" in text and "halves of the prompts" in text
    with pytest.raises(ValueError, match="there is no model 'x'; models are seed 0, seed 1"):
        found.edges_of("x")


def test_what_has_no_number_says_why() -> None:
    pair = {"new": cw.Load("toy-induction", step=64), "done": cw.Load("toy-induction")}
    task = functools.partial(cw.Task.repeated_tokens, n=16)
    found = cw.analyze_cross_model_stability(
        pair, task, allow_failure=True, draws=20, progress=False
    )
    # Nothing that a circuit could keep, though it ran.
    assert bool(found.transfer.value[:, 0].isnan().all())
    assert "without a number (clean minus corrupt may be 0 in new)" in repr(found)
    edges = {step: cw.Load("toy-induction", seed=step) for step in (0, 1)}
    whole = cw.analyze_cross_model_stability(
        {f"{at}": one for at, one in edges.items()}, task, keep=0.9999, draws=20, progress=False
    )
    assert "overlap by edges: no number, chance alone gives the most;" in repr(whole)
    assert "nan" not in repr(whole)


@pytest.mark.parametrize("name", ["llama", "neox"])
def test_other_architectures(name: str) -> None:
    """Shared keys and values; attention and MLP in parallel."""
    torch.manual_seed(0)
    models = {"a": tiny.make(name), "b": tiny.make("native")}
    task = functools.partial(cw.Task.repeated_tokens, n=4, length=6)
    found = cw.analyze_cross_model_stability(
        models, task, size=0.2, draws=20, allow_failure=True, length=6, progress=False
    )
    assert found.by[0][1] == "roles" or nodes_of(models["a"]) == nodes_of(models["b"])
    assert bool(found.role_overlap.value.isfinite().all())
