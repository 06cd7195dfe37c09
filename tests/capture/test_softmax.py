"""Patterns are edited where transformers computes the attention, before they are used."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import transformers
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture
from circuit_widgets.capture import editable
from tests import tiny
from tests.capture.conftest import functions

_SIZES: dict[str, Any] = {"vocab_size": tiny.N_VOCAB, "max_position_embeddings": tiny.N_CONTEXT}


def _neo() -> TransformerBridge:
    return tiny.of_config(
        transformers.GPTNeoConfig(
            **_SIZES,
            num_layers=2,
            num_heads=4,
            hidden_size=32,
            attention_types=[[["global", "local"], 1]],
            window_size=5,
        )
    )


def _opt() -> TransformerBridge:
    sizes: dict[str, Any] = {
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "hidden_size": 32,
        "ffn_dim": 48,
    }
    return tiny.of_config(transformers.OPTConfig(**_SIZES, **sizes, word_embed_proj_dim=32))


@pytest.fixture(params=[tiny.gptj, _neo, _opt], ids=["gptj", "neo", "opt"], scope="module")
def model(request: pytest.FixtureRequest) -> TransformerBridge:
    return request.param()


@pytest.fixture
def minus_infinity(model: TransformerBridge) -> Iterator[None]:
    """Scores of minus infinity in head 1.2 for the last query and keys 0 and 2, by a mask."""
    n = 7

    def mask(module, args, kwargs):
        given = kwargs.get("attention_mask")
        cut = torch.zeros(1, 4, n, n)
        cut[:, 2, -1, [0, 2]] = torch.finfo(torch.float32).min
        if given is None:
            given = torch.full((n, n), torch.finfo(torch.float32).min).triu(1)
        elif given.dtype == torch.bool:
            given = torch.zeros(given.shape).masked_fill(~given, torch.finfo(torch.float32).min)
        return args, {**kwargs, "attention_mask": given + cut}

    inner = model.blocks[1].attn.original_component
    handle = inner.register_forward_pre_hook(mask, with_kwargs=True)
    yield
    handle.remove()


def test_a_knock_out_is_a_mask_of_minus_infinity(model, request) -> None:
    ids = tiny.ids(7, batch=2)
    cut = capture.knock_out("1.2", 6, [0, 2], renormalise=True)
    plain = capture.run(model, ids)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # TransformerLens warns of an edit that is lost
        got = capture.run(model, ids, interventions=[cut])
    request.getfixturevalue("minus_infinity")
    expected = capture.run(model, ids)
    assert not torch.allclose(plain, expected, atol=1e-3)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)


def test_without_renormalising_what_came_from_the_key_is_missing(model) -> None:
    ids = tiny.ids(7)
    seen = capture.Keep("pattern"), capture.Keep("v"), capture.Keep("z")
    capture.run(model, ids, seen)
    pattern, v, z = (keep.tensors[1] for keep in seen)
    after = capture.Keep("z")
    cut = capture.knock_out(1, 6, [3], renormalise=False)
    capture.run(model, ids, [after], [cut])
    missing = torch.einsum("bh,bhd->bhd", pattern[:, :, 6, 3], v[:, 3])
    torch.testing.assert_close(after.tensors[1][:, 6], z[:, 6] - missing, rtol=1e-4, atol=1e-5)
    assert torch.equal(after.tensors[1][:, :6], z[:, :6])


def test_readers_see_the_edited_pattern_and_nothing_is_left_behind(model) -> None:
    ids, keep = tiny.ids(7), capture.Keep("pattern")
    plain, before = capture.run(model, ids), functions(model)
    cut = capture.knock_out([0, 1], None, 0, renormalise=True)
    capture.run(model, ids, [keep], [cut])
    assert keep.tensors[1][:, :, 1:, 0].abs().max() == 0
    assert functions(model) == before
    assert torch.equal(capture.run(model, ids), plain)


def test_a_layer_replayed_and_a_run_resumed_have_the_edits(model) -> None:
    ids, inputs, keep = tiny.ids(7), capture.BlockInputs(), capture.Keep("pattern")
    cut = capture.knock_out([1], None, 1, renormalise=False)
    logits = capture.run(model, ids, [inputs, keep], [cut])
    assert torch.equal(capture.replay_pattern(model, inputs, 1), keep.tensors[1])
    again = capture.resume(model, inputs, 1)
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-4)


def test_where_edits_are_made_is_tried_once_and_not_looked_up() -> None:
    model = tiny.gptj()
    edit = capture.knock_out("1.2", None, 0, renormalise=False)
    capture.run(model, tiny.ids(4), interventions=[edit])
    with capture.counting(model) as passes:
        capture.run(model, tiny.ids(4), interventions=[edit])
    assert passes.forwards == 1
    assert [editable.where_edited(model, layer) for layer in range(3)] == ["softmax"] * 3
    assert editable.where_edited(tiny.make("llama"), 1) == "pattern"


def test_an_edit_that_reaches_nothing_is_refused(model, monkeypatch) -> None:
    monkeypatch.setitem(editable._found, model, (None,) * len(model.blocks))
    cut = capture.knock_out(0, None, 0, renormalise=False)
    with pytest.raises(ValueError, match="no edit of it reaches what its heads write; edit 'z'"):
        capture.run(model, tiny.ids(4), (), [cut])
    capture.run(model, tiny.ids(4), (), [capture.ablate("1.2", by="zero")])
