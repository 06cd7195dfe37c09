"""The views of stability: what they are told of models and of checkpoints, and what Python sets."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.stability import CrossModelStability, TrainingStability
from circuit_widgets.results.score import Score
from circuit_widgets.views import stability
from circuit_widgets.widgets import circuits_of
from tests.views.told import Told

TASK = functools.partial(cw.Task.repeated_tokens, n=8)
STEPS = (0, 577, 833, 2500)


@pytest.fixture(scope="module")
def models() -> CrossModelStability:
    seeds = {f"seed {seed}": cw.Load("toy-induction", seed=seed) for seed in (0, 1)}
    return cw.analyze_cross_model_stability(seeds, TASK, draws=20, progress=False)


@pytest.fixture(scope="module")
def training() -> TrainingStability:
    steps = {step: cw.Load("toy-induction", step=step) for step in STEPS}
    return cw.analyze_training_stability(steps, TASK, draws=20, progress=False)


def same(one: np.ndarray, other: torch.Tensor) -> bool:
    return np.allclose(one, other.float().numpy(), rtol=0, atol=1e-6, equal_nan=True)


def test_models_have_their_matrices_and_circuits(models: CrossModelStability) -> None:
    shown = stability.view(models)
    told = Told(shown)
    assert told.scalars["of"] == "models" and told.scalars["same_parts"] is True
    for name in ("overlap", "halves", "role_overlap", "correlation", "transfer"):
        score = getattr(models, name)
        assert same(told.matrix(name), score.value)
        assert same(told.matrix(f"{name}_low"), score.low)
    assert same(told.matrix("overlap_bar"), models.overlap.extreme_high)
    assert same(told.matrix("role_mass"), models.role_mass.value)
    kept = told.matrix("edges.0_kept") == 1
    assert tuple(kept.sum(0)) == models.sizes
    names = told.column("circuits.0", "name", "nodes")
    source = told.column("circuits.0", "source", "edges")
    strength = np.abs(np.where(kept, told.matrix("edges.0"), 0)).max(1)
    assert (np.diff(strength) <= 0).all()
    for at, name in enumerate(models.models):
        writing = {*names[source[kept[:, at]]]} - {"embedding"}
        assert writing == {*models.components_of(name)}
    parts = told.column("parts", "name")
    assert list(parts) == [one.name for one in models.components]
    assert same(told.matrix("parts_draws"), torch.tensor([c.draws for c in models.components]))
    shown.close()


def test_two_models_are_chosen_by_their_names(models: CrossModelStability) -> None:
    shown = models.view(params={"stability.by": "role_overlap"})
    assert (shown.params["stability.a"], shown.params["stability.b"]) == ("seed 0", "seed 1")
    with pytest.raises(ValueError, match="'seed 7'"):
        shown.params["stability.a"] = "seed 7"
    assert shown.run_shown.tokens == [] and shown.run_shown.live is False
    shown.close()


def test_models_of_other_shapes_have_graphs_of_their_own(models: CrossModelStability) -> None:
    smaller = dataclasses.replace(models.nodes[1], heads=(4, 3), keys=(4, 3))
    sources, targets = smaller.allowed.shape
    kept, value = models.kept.clone(), models.score.value.clone()
    for part, fill in ((kept, False), (value, torch.nan)):
        part[1, sources:] = part[1, :, targets:] = fill
    other = dataclasses.replace(
        models,
        nodes=(models.nodes[0], smaller),
        kept=kept,
        score=Score(value),
        components=(),
    )
    shown = stability.view(other)
    told = Told(shown)
    assert told.column("members", "graph").tolist() == [0, 1]
    assert len(told.column("circuits.1", "name", "nodes")) == sources + 1
    assert np.isnan(told.matrix("edges.1")[:, 0]).all()
    assert told.matrix("edges.1_kept").sum(0).tolist() == [0, float(kept[1].sum())]
    assert told.block("parts")["rows"] == 0
    shown.close()


def test_a_training_has_every_checkpoint(training: TrainingStability) -> None:
    shown = stability.view(training)
    told = Told(shown)
    assert told.scalars["of"] == "steps"
    assert told.column("members", "step").tolist() == list(STEPS)
    assert told.column("members", "done").tolist() == [int(bool(d)) for d in training.done]
    assert same(told.column("members", "loss"), training.loss.value)
    for name, score in training.similarities.items():
        found = told.column("members", f"similar_{name}")
        # The first checkpoint has none before it.
        assert np.isnan(found[0]) and same(found[1:], score.value)
    for name, score in training.roles.items():
        assert same(told.matrix(f"role.{name}"), score.value.flatten(1))
    kept = told.matrix("edges.0_kept")
    assert kept.sum(0).tolist() == training.kept.flatten(1).sum(1).tolist()
    assert list(told.column("phases", "kind")) == [phase.kind for phase in training.phases]
    shown.close()


def test_each_checkpoint_has_its_pictures(training: TrainingStability) -> None:
    shown = stability.view(training)
    told = Told(shown)
    side = training.pictures.shape[-1]
    for at in range(len(STEPS)):
        tiles = told.block(f"at {at}")["tiles"]
        assert [tile["head"] for tile in tiles] == [
            (head.layer, head.index) for head in training.picture_heads
        ]
        for i, tile in enumerate(tiles):
            data = told.data[f"at {at}"][tile["offset"] :][: side * side]
            pixels = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(side, side)
            assert torch.equal(pixels, training.pictures[at, i])
    assert shown.run_shown.tokens == list(training.tokens)
    shown.close()


def test_what_is_not_reached_is_missing(training: TrainingStability) -> None:
    scale = training.picture_scale.clone()
    scale[2:] = torch.nan
    early = dataclasses.replace(
        training, picture_scale=scale, done=(*training.done[:2], None, None), phases=(), swaps=()
    )
    told = Told(shown := stability.view(early))
    assert [name["name"] for name in told.topic["blocks"] if name["name"].startswith("at ")] == [
        "at 0",
        "at 1",
    ]
    assert told.column("members", "done").tolist()[2:] == [-1, -1]
    shown.close()


def test_two_steps_are_read_and_set(training: TrainingStability) -> None:
    shown = stability.view(training)
    unstable = training.unstable_phases
    wanted = unstable[0] if unstable else (STEPS[0], STEPS[-1])
    assert (shown.params["stability.step"], shown.params["stability.other"]) == wanted
    shown.params.update({"stability.step": 600, "stability.show": "circuit"})
    with pytest.raises(ValueError, match=r"stability\.step is 9999; accepted is 0 to 2500"):
        shown.params["stability.step"] = 9999
    shown.close()


def test_of_large_circuits_the_strongest_edges_are_sent(
    training: TrainingStability, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuits_of, "MOST", 5)
    shown = stability.view(training)
    told = Told(shown)
    assert told.matrix("edges.0").shape == (5, len(STEPS))
    strongest = training.score.value.abs().nan_to_num().where(training.kept, 0.0).amax(0)
    first = np.abs(told.matrix("edges.0")).max(1)
    assert first[0] == pytest.approx(float(strongest.max()))
    shown.close()


def test_a_stream_takes_sliders_before_there_is_a_result() -> None:
    steps = {step: cw.Load("toy-induction", step=step) for step in (0, 2500)}
    shown = cw.analyze_training_stability.stream(
        steps, TASK, draws=20, params={"stability.step": 2500}, selection="1.2"
    )
    assert shown.wait(120), shown.status
    assert shown.status["state"] == "idle", shown.status
    assert shown.params["stability.step"] == 2500
    assert (shown.run_shown.n_layers, shown.run_shown.n_heads) == (2, 4)
    assert str(shown.selection.as_head) == "1.2"
    shown.close()
