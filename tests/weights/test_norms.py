"""Norms of queries and keys have gains, which are between W_Q and W_K."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets.weights.heads import head_weights
from tests import decoders, tiny

# A gain that all heads share (twice), one over all heads at once, one for each (which centres).
KINDS = ("qwen3", "gemma3_text", "olmo2", "cohere")


@pytest.mark.parametrize("kind", KINDS)
def test_queries_and_keys_are_as_their_norms_make_them(kind: str, monkeypatch) -> None:
    monkeypatch.setitem(decoders._OWN, "cohere", {"use_qk_norm": True})
    model = tiny.wrap(decoders.build(kind))
    _, cache = model.run_with_cache(tiny.ids(7))
    for layer in range(decoders.N_LAYERS):
        weights, stored = (head_weights(model, layer, fold=fold) for fold in (True, False))
        stream = cache[f"blocks.{layer}.hook_resid_pre"][0]
        for name in ("q", "k"):
            shown = cache[f"blocks.{layer}.attn.{name}_norm.hook_out"][0]
            if shown.ndim == 2:
                shown = shown.unflatten(-1, (-1, 8))
            elif len(shown) == decoders.N_HEADS:
                shown = shown.transpose(0, 1)
            folded = torch.einsum("pd,hde->phe", stream, getattr(weights, name))
            size = (folded * shown).sum(-1, keepdim=True) / folded.square().sum(-1, keepdim=True)
            torch.testing.assert_close(folded * size, shown, atol=1e-3, rtol=1e-3)
            plain = torch.einsum("pd,hde->phe", stream, getattr(stored, name))
            size = (plain * shown).sum(-1, keepdim=True) / plain.square().sum(-1, keepdim=True)
            assert float((plain * size - shown).abs().max()) > 0.1
