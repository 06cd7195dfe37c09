"""Suffixes run after a shared beginning, against whole passes."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.capture import prefix
from tests import tiny


def test_suffixes_give_the_logits_of_whole_passes(model) -> None:
    ids = tiny.ids(11)
    shared = capture.Prefix(model, ids)
    assert shared.shared == (type(model.original_model).__name__ != "NativeModel")
    torch.testing.assert_close(shared.logits, model(ids), atol=1e-4, rtol=0)
    # Twice: a pass must not change what the next one begins with.
    for start in (10, 7, 3, 1, 0, 7, 10):
        rows = tiny.ids(11 - start, batch=5, seed=start)
        whole = model(torch.cat([ids[:, :start].expand(5, -1), rows], 1))
        got = shared.run(start, rows)
        torch.testing.assert_close(got, whole[:, start:], atol=1e-4, rtol=0)
        only = shared.run(start, rows, last=1)
        assert only.shape == (5, 1, tiny.N_VOCAB)
        torch.testing.assert_close(only, whole[:, -1:], atol=1e-4, rtol=0)
        # More than there is: all of the row.
        assert shared.run(start, rows[:1], last=99).shape == (1, 11 - start, tiny.N_VOCAB)


def test_only_the_suffix_is_computed(llama) -> None:
    shared = capture.Prefix(llama, tiny.ids(11), last=2)
    assert shared.logits.shape == (1, 2, tiny.N_VOCAB)
    lengths = []
    handle = llama.blocks[0].register_forward_pre_hook(
        lambda _, args, kwargs: lengths.append((args or [kwargs["hidden_states"]])[0].shape[1]),
        with_kwargs=True,
    )
    try:
        shared.run(8, tiny.ids(3, batch=2))
    finally:
        handle.remove()
    assert lengths == [3]


def test_a_prompt_of_one_token(model) -> None:
    shared = capture.Prefix(model, tiny.ids(1))
    rows = tiny.ids(1, batch=3, seed=4)
    torch.testing.assert_close(shared.run(0, rows), model(rows), atol=1e-4, rtol=0)


def test_a_cache_that_gives_other_logits_is_not_used(llama, monkeypatch) -> None:
    """A model whose cache is something else falls back to whole passes, with the same logits."""
    made = prefix.cut_off

    def wrong(layers, start):
        cache = made(layers, start)
        cache.layers[1].values = cache.layers[1].values + 1
        return cache

    monkeypatch.setattr(prefix, "cut_off", wrong)
    ids, rows = tiny.ids(9), tiny.ids(4, batch=2, seed=1)
    shared = capture.Prefix(llama, ids)
    assert not shared.shared
    whole = llama(torch.cat([ids[:, :5].expand(2, -1), rows], 1))
    torch.testing.assert_close(shared.run(5, rows), whole[:, 5:], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["native", "llama"])
def test_a_model_that_looks_ahead_is_found_out(name: str) -> None:
    model = tiny.make(name)
    # The first layer's stream gets the mean over all positions: also over later ones.
    model.blocks[0].hook_resid_pre.add_hook(
        lambda tensor, hook: tensor + tensor.mean(1, keepdim=True)
    )
    with pytest.raises(RuntimeError, match="the model is not causal: other tokens from position 4"):
        capture.Prefix(model, tiny.ids(9))


@pytest.mark.parametrize("name", ["native", "llama"])
def test_broken_weights_are_not_called_acausal(name: str) -> None:
    model = tiny.make(name)
    with torch.no_grad():
        next(model.blocks[1].attn.parameters()).fill_(torch.nan)
    shared = capture.Prefix(model, tiny.ids(9))
    assert shared.run(4, tiny.ids(5)).isnan().all()


def test_what_does_not_fit_is_said(llama) -> None:
    with pytest.raises(ValueError, match=r"shape \[2, 6\]; accepted is \[1, pos\]"):
        capture.Prefix(llama, tiny.ids(6, batch=2))
    shared = capture.Prefix(llama, tiny.ids(6))
    with pytest.raises(ValueError, match=r"from position 2 have shape \[1, 3\].*\[batch, 4\]"):
        shared.run(2, tiny.ids(3))


def test_interventions_see_what_is_computed(model) -> None:
    """Attention cut off at the last position, from a shared beginning and in whole passes."""
    ids, key = tiny.ids(9), 3
    cut = capture.knock_out([0, 2], 8, key, renormalise=False)
    whole = capture.run(model, ids, interventions=[cut])
    shared = capture.Prefix(model, ids)
    # Counted among the queries that are computed.
    query = 0 if shared.shared else 8
    cut = capture.knock_out([0, 2], query, key, renormalise=False)
    got = shared.run(8, ids[:, 8:], interventions=[cut])
    torch.testing.assert_close(got[:, -1], whole[:, -1], atol=1e-4, rtol=0)
    assert not torch.allclose(got[:, -1], shared.logits[:, -1], atol=1e-3)
    with pytest.raises(ValueError, match="no layer 9"):
        shared.run(8, ids[:, 8:], interventions=[capture.knock_out(9, 0, 0, renormalise=False)])
