"""A first order estimate of what other tokens would do, from one slope at the embedding."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class _Embedded(BaseException):
    """The embeddings are there: no layer has to run.

    Not an `Exception`: `except Exception` somewhere in a model must not swallow it.
    """


class _Embeddings:
    """Reducer: the stream that goes into layer 0, and then the end of the pass."""

    site = "resid_pre"
    layers = frozenset({0})

    def __init__(self) -> None:
        self.stream = torch.empty(0)

    def see(self, layer: int, tensor: Float[Tensor, "batch pos d_model"]) -> None:
        self.stream = tensor.clone()
        raise _Embedded


def embeddings(
    model: TransformerBridge, tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos d_model"]:
    """What layer 0 is given for some tokens: embeddings, with positions where those are added."""
    reducer = _Embeddings()
    with contextlib.suppress(_Embedded):
        capture.run(model, tokens, [reducer], logits=False)
    return reducer.stream


def screen(
    model: TransformerBridge,
    ids: Int[Tensor, " pos"],
    target: int | None,
    replacements: Int[Tensor, "pos draw"],
) -> tuple[Float[Tensor, "draw pos"], int]:
    """Estimated logp(target), clean - corrupted, in nats, and the target.

    One pass forwards and backwards for all positions and draws. What a token would do is taken to
    be its embedding's change times the slope; the last position is read.
    """
    chosen = [target]

    def log_probability(logits: Float[Tensor, "batch pos vocab"]) -> Float[Tensor, " batch"]:
        last = logits[:, -1].float()
        if chosen[0] is None:
            chosen[0] = int(last[0].argmax())
        return last.log_softmax(-1)[:, chosen[0]]

    found = capture.gradients(model, ids[None], [("resid_pre", {0})], log_probability)
    slope = found.slopes["resid_pre", 0][0].float()
    before = found.values["resid_pre", 0][0].float()
    # Row by row every position has another token: embeddings do not look at each other.
    after = embeddings(model, replacements.T).float()
    assert chosen[0] is not None
    return -((after - before) * slope).sum(-1).cpu(), chosen[0]
