"""Patches of heads and places: against TransformerLens, on known circuits, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import pytest
import torch
from transformer_lens import patching

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.analysis.patching.results import WHAT
from tests import tiny

QUIET = {"progress": False}
THEIRS = {
    "heads": patching.get_act_patch_attn_head_out_all_pos,
    "stream": patching.get_act_patch_resid_pre,
    "attention": patching.get_act_patch_attn_out,
    "mlps": patching.get_act_patch_mlp_out,
}


@pytest.fixture(scope="module")
def model() -> Any:
    return cw.load_model()


@pytest.fixture(scope="module")
def task(model: Any) -> cw.Task:
    return cw.Task.repeated_tokens(model, n=6, length=6)


def tiny_task(model: Any, n: int = 3) -> cw.Task:
    clean = tiny.ids(6, batch=n, seed=1)
    corrupt = torch.cat([clean[:, :2], tiny.ids(4, batch=n, seed=2)], 1)
    return cw.Task.from_pairs(model, clean, corrupt, [5] * n, [7] * n)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
@pytest.mark.parametrize("what", WHAT)
def test_effects_are_those_of_get_act_patch(name: str, what: str) -> None:
    model: Any = tiny.make(name)
    task = tiny_task(model)
    made = cw.patch_activations(
        model, task, what, direction="denoising", allow_failure=True, batch=2, **QUIET
    )
    with torch.no_grad():
        _, cache = model.run_with_cache(task.clean)
        before = task.score(model(task.corrupt)).mean()
        after = THEIRS[what](model, task.corrupt, cache, lambda out: task.score(out).mean())
    assert torch.allclose(made.effect.value, after - before, atol=1e-4)
    assert made.effect.value.abs().max() > 1e-3
    if what != "heads":
        # The beginning is the same in both.
        assert not made.effect.value[:, :2].any() and made.q[:, :2].isnan().all()


@pytest.mark.parametrize("direction", ["noising", "denoising"])
def test_a_patch_by_hand(direction: str) -> None:
    model = tiny.make("llama")
    task = tiny_task(model, n=1)
    given = {"direction": direction, "allow_failure": True, **QUIET}
    run, other = task.clean, task.corrupt
    if direction == "denoising":
        run, other = other, run
    z, mlp = capture.Keep("z", {1}), capture.Keep("mlp_out", {2})
    capture.run(model, other, [z, mlp])
    before = task.score(capture.run(model, run))
    for what, edit, at in (
        ("heads", capture.patch("z", z.tensors, heads=["1.3"]), (1, 3)),
        ("mlps", capture.patch("mlp_out", mlp.tensors, positions=[4]), (2, 4)),
    ):
        after = task.score(capture.run(model, run, [], [edit]))
        want = float(before - after) * (1 if direction == "noising" else -1)
        found = cw.patch_activations(model, task, what, **given)
        assert float(found.effect.value[at]) == pytest.approx(want, abs=1e-5)
        whole = float(found.clean.value - found.corrupt.value)
        assert float(found.share.value[at]) == pytest.approx(want / whole, abs=1e-4)
        assert found.effect.low is not None and bool(found.effect.low.isnan().all())


def test_the_induction_circuit_of_the_toy_is_found(model, task) -> None:
    found = cw.patch_activations(model, task, **QUIET)
    names = [name for name, *_ in found.highest(2)]
    assert names == ["0.1", "1.2"] and found.standing_out()[:2] == [(0, 1), (1, 2)]
    share = found.share.value
    assert share[0, 1] > 0.9 and share[1, 2] > 0.7 and share[0, [0, 2, 3]].abs().max() < 0.05
    back = cw.patch_activations(model, task, direction="denoising", **QUIET)
    # Alone neither is enough: one is read by the other.
    assert back.share.value[1, 2] < 0.9 < share[0, 1]


def test_an_answer_moves_from_where_it_is_read_to_where_it_is_told(model) -> None:
    """In the stream it is at the token that differs until attention fetches it."""
    right, wrong = zip(*itertools.permutations(("dog", "cat", "red"), 2), strict=True)
    clean, corrupt = ([f"blue {each} seven river blue" for each in some] for some in (right, wrong))
    one = cw.Task.from_pairs(model, clean, corrupt, right, wrong)
    found = cw.patch_activations(model, one, "stream", **QUIET)
    share = found.share.value
    changed = found.tokens.index("dog")
    assert share[0, changed] == pytest.approx(1, abs=1e-4)
    assert share[1, changed] > 0.5 and not share[0, changed + 1 :].any()
    assert not found.effect.value[:, :changed].any()
    attention = cw.patch_activations(model, one, "attention", **QUIET)
    assert attention.share.value[1, -1] > 0.5


def test_one_prompt_at_a_time_or_all_at_once(model, task) -> None:
    one, all_of_it = (
        cw.patch_activations(model, task, "stream", batch=batch, **QUIET) for batch in (1, 6)
    )
    for name in ("effect", "share"):
        mine, theirs = one.score(name), all_of_it.score(name)
        assert torch.allclose(mine.value, theirs.value, atol=1e-4)
        assert torch.allclose(mine.low, theirs.low, atol=1e-4)
    assert torch.allclose(one.q, all_of_it.q, equal_nan=True, atol=0.02)


def test_steps_are_means_of_the_prompts_so_far(model, task) -> None:
    steps = list(cw.patch_activations.steps(model, task, batch=2))
    assert [step.n_prompts for step in steps] == [2, 4, 6]
    assert [step.provenance.complete for step in steps] == [False, False, True]
    assert bool(steps[0].q.isnan().all()) and "No effect is tested" in repr(steps[0])
    few = cw.patch_activations(model, task.batch(slice(0, 2)), **QUIET)
    assert torch.allclose(steps[0].effect.value, few.effect.value, atol=1e-5)


def test_the_metric_that_compares_with_the_clean_run(model, task) -> None:
    kl = dataclasses.replace(task, metric="kl")
    found = cw.patch_activations(model, kl, **QUIET)
    assert float(found.clean.value) == pytest.approx(0, abs=1e-5)
    assert found.highest(1)[0][0] == "0.1" and found.unit == "nats"


def test_words_frames_and_names(model, task) -> None:
    found = cw.patch_activations(model, task, "stream", **QUIET)
    frame = found.to_frame()
    assert len(frame) == 2 * 13 and {"role", "token", "share_low", "q"} <= {*frame.columns}
    assert frame.attrs["provenance"]["parameters"]["what"] == "stream"
    assert found.abouts == {} and found.name(0, 3) == "layer 0, first 3"
    plain = cw.patch_activations(model, task.named(None), "stream", **QUIET)
    assert plain.name(0, 3).endswith("(3)") and "role" not in plain.to_frame()
    text = repr(found)
    assert "the residual stream before each layer" in text and "of clean − corrupt" in text
    heads = cw.patch_activations(model, task, **QUIET)
    assert {"head", "effect"} <= {*heads.to_frame().columns} and [*heads.abouts] == [
        "effect",
        "share",
    ]
    with pytest.raises(ValueError, match="scores are 'effect' and 'share'"):
        heads.score("induction")


def test_what_is_refused(model, task) -> None:
    with pytest.raises(TypeError, match="accepted is a Task"):
        cw.patch_activations(model, "blue dog blue")
    with pytest.raises(ValueError, match=r"what is 'edges'; .*accepted are 'heads'"):
        cw.patch_activations(model, task, "edges")
    with pytest.raises(ValueError, match="direction"):
        cw.patch_activations(model, task, direction="both")
    with pytest.raises(ValueError, match="no MLPs to patch"):
        cw.patch_activations(model, task, "mlps")
    with pytest.raises(cw.TaskFailed):
        untrained = tiny.make("llama")
        cw.patch_activations(untrained, tiny_task(untrained, n=6))
