"""Making a layer's attention again: exact, without the MLP, without a trace."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets import capture
from tests import tiny


def test_replay_is_exact_and_runs_no_mlp(model) -> None:
    keep, inputs = capture.Keep("pattern"), capture.BlockInputs()
    capture.run(model, tiny.ids(9, batch=2), [keep, inputs], logits=False)
    assert inputs.layers == list(range(tiny.N_LAYERS))
    mlps: list[int] = []
    handles = [
        block.mlp.register_forward_pre_hook(lambda *_: mlps.append(1)) for block in model.blocks
    ]
    try:
        with capture.counting(model) as passes:
            for layer in (2, 0, 1, 0):
                again = capture.replay_pattern(model, inputs, layer)
                assert torch.equal(again, keep.tensors[layer])
                assert not again.requires_grad
    finally:
        for handle in handles:
            handle.remove()
    assert mlps == []
    assert passes.forwards == 0 and passes.blocks == 4
    for block in model.blocks:
        assert getattr(block.attn, "_captured_pre_ln_residual", None) is None


def test_replay_makes_the_edits_that_the_run_made(model) -> None:
    keep, inputs = capture.Keep("pattern"), capture.BlockInputs()
    edits = [
        capture.knock_out(["1.0", 2], 5, [1, 2], renormalise=True),
        capture.scale("1.3", 4.0),
        capture.patch("resid_pre", {1: torch.randn(1, 9, 32)}, positions=[2, 3]),
    ]
    capture.run(model, tiny.ids(9), [inputs, keep], edits)
    for layer in range(tiny.N_LAYERS):
        assert torch.equal(capture.replay_pattern(model, inputs, layer), keep.tensors[layer])
    assert float(keep.tensors[1][0, 0, 5, 1]) == 0


def test_what_layers_share_is_held_once(model) -> None:
    inputs = capture.BlockInputs()
    n = 30
    capture.run(model, tiny.ids(n), [inputs])
    residuals = tiny.N_LAYERS * n * 32 * 4
    # One mask, one pair of rotary tables, the positions: not one a layer.
    shared = n * n * 4 + 2 * n * 16 * 4 + 2 * n * 8
    assert residuals <= inputs.nbytes <= residuals + shared
    capture.run(model, tiny.ids(4), [inputs])
    assert inputs.nbytes < residuals
    assert capture.replay_pattern(model, inputs, 1).shape[-1] == 4


def test_a_broken_off_run_says_which_layers_it_has(native) -> None:
    inputs = capture.BlockInputs()
    with pytest.raises(ValueError, match=r"layer 0 has not been kept.*give it to a run first"):
        capture.replay_pattern(native, inputs, 0)

    def stop(layer: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture.run(native, tiny.ids(4), [inputs], on_layer=stop)
    assert inputs.layers == [0]
    assert capture.replay_pattern(native, inputs, 0).shape == (1, tiny.N_HEADS, 4, 4)
    with pytest.raises(ValueError, match="layer 2 has not been kept; accepted are layers 0"):
        capture.replay_pattern(native, inputs, 2)


def test_an_interrupted_replay_leaves_nothing(model) -> None:
    inputs = capture.BlockInputs()
    capture.run(model, tiny.ids(5), [inputs])

    def interrupt(tensor, hook):
        raise KeyboardInterrupt

    model.add_hook("blocks.1.attn.hook_q", interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            capture.replay_pattern(model, inputs, 1)
    finally:
        model.reset_hooks()


@pytest.mark.parametrize("make", [tiny.gptoss, tiny.gptj])
def test_replay_of_other_attention(make) -> None:
    model = make()
    keep, inputs = capture.Keep("pattern"), capture.BlockInputs()
    capture.run(model, tiny.ids(7), [keep, inputs])
    for layer, pattern in keep.tensors.items():
        assert torch.equal(capture.replay_pattern(model, inputs, layer), pattern)


@pytest.mark.smollm2
def test_smollm2(smollm2) -> None:
    ids = smollm2.to_tokens("The cat sat on the mat, and then the cat sat on the")
    with torch.no_grad():
        plain = smollm2(ids)
    keep, inputs = capture.Keep("pattern"), capture.BlockInputs()
    logits = capture.run(smollm2, ids, [keep, inputs])
    assert logits is not None and torch.equal(logits, plain)
    for layer, pattern in keep.tensors.items():
        assert pattern.shape[1] == 9
        assert torch.equal(capture.replay_pattern(smollm2, inputs, layer), pattern)
    n = ids.shape[1]
    assert inputs.nbytes < 30 * n * 576 * 4 + 4 * n * (n + 200)
