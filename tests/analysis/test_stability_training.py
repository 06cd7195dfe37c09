"""A training followed by its checkpoints: the zoo's, and made ones whose changes are known."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources import native

import circuit_widgets as cw
from circuit_widgets import zoo
from circuit_widgets.analysis.stability.changes import change_of
from tests.circuits import Circuit, build

TASK = functools.partial(cw.Task.repeated_tokens, n=24)
WHOLE = functools.partial(cw.Task.repeated_tokens, n=16)
PLANTED = functools.partial(cw.Task.repeated_tokens, n=12, length=10)
# Around the fall of the loss, and two more.
STEPS = (64, 333, 480, 577, 693, 833, 1201, 2500)
QUIET: dict[str, Any] = {"progress": False}


def untrained(**given: Any) -> TransformerBridge:
    """A model of one's own, of two layers without MLPs."""
    shape = {"d_model": 32, "d_head": 16, "n_layers": 2, "n_heads": 2, "n_ctx": 32, "d_vocab": 50}
    kinds = {"attn_only": True, "normalization_type": "LN", "act_fn": "relu"}
    torch.manual_seed(0)
    return native.boot(TransformerBridgeConfig(**{**shape, **kinds, **given}))


@functools.cache
def trained(seed: int) -> cw.TrainingStability:
    some = {step: cw.Load("toy-induction", step=step, seed=seed) for step in STEPS}
    return cw.analyze_training_stability(some, TASK, draws=40, **QUIET)


def test_an_unstable_phase_covers_the_fall_of_the_loss() -> None:
    found = trained(0)
    curve = zoo.curve(seed=0).set_index("step")["loss_second"]
    losses = [curve[step] for step in STEPS]
    # The fall: between the two checkpoints with the largest difference.
    fall = int(np.argmax(-np.diff(losses)))
    before, after = STEPS[fall], STEPS[fall + 1]
    covering = [ends for ends in found.unstable_phases if ends[0] <= before and after <= ends[1]]
    assert len(covering) == 1
    # It begins within one checkpoint of it.
    assert STEPS.index(covering[0][0]) >= fall - 1
    change = next(change for change in found.changes if change.curve == "loss")
    assert (change.before, change.after) == (before, after) and change.p < 0.01
    phase = next(phase for phase in found.phases if phase.kind == "unstable")
    assert phase.support == 1 and phase.first_low <= phase.first <= phase.first_high


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_of_every_checkpoint_from_333_a_phase_has_both_ends_of_the_fall(seed: int) -> None:
    """The fall: from 5 % of the way between both plateaus to 95 %, of the loss on its prompts."""
    # Before 333 nothing does the task, nothing is tested and the loss only creeps: three will do.
    steps = (64, 111, 192, *(step for step in zoo.steps("toy-induction", seed) if step >= 333))
    some = {step: cw.Load("toy-induction", step=step, seed=seed) for step in steps}
    found = cw.analyze_training_stability(some, WHOLE, **QUIET)
    losses = found.loss.value
    before, after = losses[:3].mean(), losses[-1]
    down = (before - losses) / (before - after)
    begin = int((down < 0.05).nonzero().max())
    end = int((down > 0.95).nonzero().min())
    (phase,) = [phase for phase in found.phases if phase.kind == "unstable"]
    first, last = found.at(phase.first), found.at(phase.last)
    # It covers it, and is by no more than a checkpoint longer at either end.
    assert begin - 1 <= first <= begin and end <= last <= end + 1


def test_the_loss_is_that_of_the_zoo() -> None:
    found, curve = trained(0), zoo.curve(seed=0).set_index("step")["loss_second"]
    for at, step in enumerate(STEPS):
        if step in (577, 693, 833):  # It falls there, sooner in the zoo's longer copies.
            continue
        assert float(found.loss.value[at]) == pytest.approx(curve[step], rel=0.15, abs=0.06)


def test_a_checkpoint_that_fails_the_task_has_no_circuit() -> None:
    found = trained(0)
    assert found.done[:2] == (False, False) and all(found.done[4:])
    sizes = found.kept.flatten(1).sum(1).tolist()
    assert [bool(size) for size in sizes] == [bool(done) for done in found.done]
    assert torch.equal(found.faithfulness.value.isnan(), torch.tensor(sizes) == 0)
    first = found.similarities["circuit"].value[0]
    assert bool(first.isnan()) and not bool(found.similarities["effects"].value[0].isnan())
    # Edges have their scores all the same.
    assert not bool(found.score.value[0][found.nodes.allowed].isnan().any())
    assert found.phases[0].kind == "absent" and found.phase_at(64) == "absent"
    # What is not tested has no bar to be below.
    bar = found.similarities["effects"].extreme_low
    assert bar is not None and bool(bar[0].isnan())


@pytest.mark.parametrize("step", [693, 2500])
def test_the_same_weights_under_several_steps_are_stable(step: int) -> None:
    frozen = {at: cw.Load("toy-induction", step=step) for at in (0, 10, 100, 1000)}
    found = cw.analyze_training_stability(frozen, TASK, draws=40, **QUIET)
    assert found.unstable_phases == () and found.stable_phases == ((0, 1000),)
    assert found.stability_scores.tolist() == [1, 1, 1] and found.swaps == ()
    assert all(change.p > 0.9 for change in found.changes)


def test_models_that_never_do_the_task_have_no_phases_but_its_absence() -> None:
    some = {step: cw.Load("toy-induction", step=step) for step in (0, 64, 92)}
    found = cw.analyze_training_stability(some, TASK, draws=20, **QUIET)
    assert [phase.kind for phase in found.phases] == ["absent"]
    assert found.n_edges == 0 and bool(found.stability_scores.isnan().all())
    assert "at none of them.\n  Where it fails there is no circuit." in repr(found)
    assert "no circuit at one end or both: steps 0 to 92." in repr(found)


def test_the_text_says_at_which_steps_the_task_is_done_and_what_has_a_circuit() -> None:
    lost = {0: "toy-induction", 10: cw.Load("toy-induction", step=0), 20: "toy-induction"}
    said = repr(cw.analyze_training_stability(lost, PLANTED, draws=20, **QUIET))
    assert "does 'repeated_tokens' at steps 0, 20.\n  It fails it at step 10." in said
    assert "Where it fails there is no circuit." in said
    both = {step: cw.Load("toy-induction", step=step) for step in (0, 64)}
    failing = cw.analyze_training_stability(both, PLANTED, draws=20, allow_failure=True, **QUIET)
    sizes = sorted({*failing.kept.flatten(1).sum(1).tolist()})
    said = repr(failing)
    assert "at none of them.\n  Circuits of a failure, which was allowed: at all of them." in said
    assert f"Circuits have {' to '.join(map(str, sizes))} edges." in said
    assert "there is no circuit" not in said


def test_a_role_that_goes_to_another_head_is_a_swap() -> None:
    """Planted: the previous token goes from 0.1 to 0.3, and 1.2 matches prefixes all the time."""
    gone = [(1, (0, 1)), (2, (0, 1)), (5, (0, 3)), (9, (0, 3))]
    models = {step: build(Circuit(2, 4, previous, (1, 2))) for step, previous in gone}
    found = cw.analyze_training_stability(models, PLANTED, draws=20, length=10, **QUIET)
    (swap,) = [swap for swap in found.swaps if swap.role == "previous_token"]
    assert (swap.before, swap.after) == (2, 5)
    assert (str(swap.giver), str(swap.taker)) == ("0.1", "0.3")
    assert swap.lead_before[0] > 0.8 and swap.lead_after[0] > 0.8
    assert found.unstable_phases == ((2, 5),)
    assert found.stable_phases == ((1, 2), (5, 9))
    assert found.stability_scores[0] == found.stability_scores[2] == 1
    assert found.stability_scores[1] < 0.7
    change = next(change for change in found.changes if change.curve == "prefix_matching")
    assert change.p > 0.9  # nothing happens to it


def test_the_place_of_a_change_is_the_best_step() -> None:
    torch.manual_seed(0)
    samples = torch.randn(20, 9) + torch.tensor([0.0] * 5 + [2.0] * 4)
    change = change_of("loss", samples, [*range(9)], lambda values: values, 0, 0.95)
    mean = samples.mean(0).numpy()
    left = [
        np.square(mean[:at] - mean[:at].mean()).sum()
        + np.square(mean[at:] - mean[at:].mean()).sum()
        for at in range(1, 9)
    ]
    assert change.after == 1 + int(np.argmin(left)) == 5
    assert change.low <= 5 <= change.high and change.p < 0.01
    flat = [
        change_of("loss", torch.randn(20, 9), [*range(9)], lambda values: values, seed, 0.95).p
        for seed in range(40)
    ]
    # Of curves that only their samples move, p is even.
    assert 0.3 < float(np.mean(flat)) < 0.7 and float(np.mean(np.array(flat) < 0.1)) < 0.3


@pytest.mark.parametrize(
    ("checkpoints", "kind", "words"),
    [
        ({5: "toy-induction"}, ValueError, "a single checkpoint; accepted are 2 or more"),
        ({}, ValueError, "there are no checkpoints"),
        (["toy-induction"], TypeError, "accepted are models by their steps"),
        ({"a": "toy-induction", "b": "toy-induction"}, ValueError, "a step is 'a'"),
        ({9: "toy-induction", 3: "toy-induction"}, ValueError, "are 9, 3; accepted are steps that"),
        (cw.Load("toy-induction", step=0), ValueError, "without its step: toy-induction"),
        ("gpt2", ValueError, "'gpt2' is one model"),
        (
            {1: cw.Load("toy-induction", step=7), 2: "toy-induction"},
            ValueError,
            "^step 1: .*no che",
        ),
    ],
)
def test_what_are_no_checkpoints(checkpoints: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        cw.analyze_training_stability(checkpoints, TASK, **QUIET)


def test_checkpoints_of_different_shapes_and_tasks_with_other_prompts() -> None:
    models = {
        1: build(Circuit(2, 4, (0, 1), (1, 2))),
        2: build(Circuit(3, 2, (0, 1), (2, 0))),
    }
    words = "heads a layer: 4 in 2 layers at step 1 and 2 in 3 layers at step 2; accepted are"
    with pytest.raises(ValueError, match=words):
        cw.analyze_training_stability(models, PLANTED, length=10, **QUIET)
    for given, words in (
        ({"attn_only": False, "d_mlp": 64, "act_fn": "gelu"}, "MLPs: none .* and after attention"),
        ({"d_model": 64}, "a residual stream of width 32 at step 1 and 64 at step 2"),
        ({"d_vocab": 60}, "a vocabulary of 50 at step 1 and 60 at step 2"),
        ({"d_head": 8}, "heads of width 16 at step 1 and 8 at step 2"),
    ):
        models = {1: untrained(), 2: untrained(**given)}
        with pytest.raises(ValueError, match=words):
            cw.analyze_training_stability(
                models, PLANTED, length=10, allow_failure=True, size=0.5, **QUIET
            )
    seeds = iter(range(2))
    two = {step: cw.Load("toy-induction", step=step) for step in (1000, 2500)}
    with pytest.raises(ValueError, match="other prompts at step 2500 than at step 1000"):
        cw.analyze_training_stability(two, lambda m: TASK(m, seed=next(seeds)), **QUIET)


def test_results_arrive_checkpoint_by_checkpoint() -> None:
    two = {step: cw.Load("toy-induction", step=step) for step in (1000, 2500)}
    steps = cw.analyze_training_stability.steps(two, TASK, draws=20, **QUIET)
    results = [step for step in steps if isinstance(step, cw.TrainingStability)]
    first, whole = results[0], results[-1]
    assert first.done == (True, None) and not first.provenance.complete
    assert bool(first.loss.value[1].isnan()) and not bool(first.loss.value[0].isnan())
    assert bool(first.roles["prefix_matching"].value[1].isnan().all())
    assert first.pictures.shape[0] == 2 and int(first.pictures[1].max()) == 0
    assert whole.provenance.complete and len(whole.phases) >= 1
    assert [one.provenance.n_done for one in results[:3]] == [1, 2, 2]


def test_it_saves_and_says_what_it_found(tmp_path: Path) -> None:
    found = trained(0)
    found.save(tmp_path / "training.safetensors")
    assert cw.load(tmp_path / "training.safetensors") == found
    frame = found.to_frame()
    assert list(frame["step"]) == list(STEPS) and frame["similarity_effects"].isna().tolist()[0]
    assert len(found.role_frame()) == len(STEPS) * len(found.names) * 8
    assert "unstable: steps" in repr(found)
    side = found.pictures.shape[-1]
    assert found.pictures.dtype == torch.uint8 and side <= 64
    assert found.pictures.shape == (len(STEPS), len(found.picture_heads), side, side)
    assert found.score_of("prefix_matching").value.shape == found.shape == (2, 4)
    for wrong in ("step", "role"):
        with pytest.raises(ValueError, match=f"there is no {wrong}"):
            found.score_of("x") if wrong == "role" else found.at(1)
