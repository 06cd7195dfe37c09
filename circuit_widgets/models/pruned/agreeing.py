"""Whether a sliced model is the whole one without the heads that were sliced away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Int
from torch import Tensor

from circuit_widgets.capture.close import close
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.capture.edits import Intervention

# In float32, of the largest value.
_MOST = 1e-5
_SITES = ("resid_pre", "attn_out")


class Masked:
    """A model without some heads, whose z is 0, on a few random tokens.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> without = Masked(model, [Head(0, 1)])
    >>> without.is_done_by(cw.prune_heads(model, "0.1")), without.is_done_by(model)
    (True, False)
    """

    def __init__(self, model: TransformerBridge, heads: Sequence[Head]) -> None:
        self._model, self._heads = model, heads
        self._logits = masked(model, heads)

    def is_done_by(self, small: TransformerBridge) -> bool:
        """Whether the small model comes to the same.

        Its logits do to 1e-5 of the largest; or, where rounding grows beyond that on its way
        through the layers (of some sets of heads of SmolLM2 to 1.1e-5), each layer's attention
        writes the same to 1e-5 if both are given the same stream.
        """
        logits = masked(small, [])
        return near(logits, self._logits) or (
            close(logits, self._logits) and self._layer_by_layer(small)
        )

    def _layer_by_layer(self, small: TransformerBridge) -> bool:
        from circuit_widgets import capture

        tokens = some_tokens(self._model, 2, 12)
        streams, writes = (capture.Keep(site) for site in _SITES)
        capture.run(self._model, tokens, [streams, writes], _without(self._heads), logits=False)
        inputs = capture.BlockInputs()
        capture.run(small, tokens, [inputs], logits=False)
        for layer, stream in streams.tensors.items():
            found = capture.replay(small, inputs, layer, ["attn_out"], stream=stream)["attn_out"]
            if not _same(found, writes.tensors[layer], least=1e-3):
                return False
        return True


def masked(model: TransformerBridge, heads: Sequence[Head]) -> Tensor:
    """Logits of some random tokens without these heads."""
    from circuit_widgets import capture

    tokens = some_tokens(model, 2, 12)
    return capture.run(model, tokens, interventions=_without(heads)).float()


def _without(heads: Sequence[Head]) -> list[Intervention]:
    from circuit_widgets import capture

    return [capture.ablate(heads, by="zero")] if heads else []


def near(logits: Tensor, expected: Tensor) -> bool:
    """Whether they are the same to 1e-5 of the largest, in float32."""
    return close(logits, expected) and _same(logits, expected, least=1.0)


def _same(one: Tensor, other: Tensor, least: float) -> bool:
    most = _MOST * max(least, float(other.abs().max()))
    exact = one.dtype == torch.float32
    return not exact or bool((one - other).abs().max() <= most)


def some_tokens(model: TransformerBridge, rows: int, n: int) -> Int[Tensor, "row pos"]:
    """Random tokens, the same each time."""
    n = min(n, int(model.cfg.n_ctx))
    generator = torch.Generator().manual_seed(0)
    return torch.randint(int(model.cfg.d_vocab), (rows, n), generator=generator)
