"""How much a later head reads of what an earlier one writes, from the weights alone.

Elhage et al. 2021, A Mathematical Framework for Transformer Circuits: |AB| / (|A| |B|), Frobenius
norms, A = W_V W_O of the earlier head and B = W_Q W_K^T (Q-composition), its transpose (K) or
W_V W_O (V) of the later one, all acting on row vectors.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.heads import Head
from circuit_widgets.weights.heads import HeadWeights, head_weights

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

MODES = ("q", "k", "v")
# Bytes of what is kept of earlier heads at a time.
_BUDGET = 2**29


@dataclasses.dataclass(frozen=True)
class Composition:
    """Of every pair of heads; NaN where the second is not in a later layer or a weight is zero.

    Attributes:
        value: |AB| / (|A| |B|), at most 1.
        z: How far |AB|^2 is from what a rotated A would give, in standard deviations of that.
            Over all rotations of the residual stream the mean is |A|^2 |B|^2 / d_model and the
            variance 2 |P'|^2 |R'|^2 / ((d - 1)(d + 2)), with P' and R' the traceless parts of
            A^T A and B B^T: exact, so nothing is sampled.
    """

    value: Float[Tensor, "layer head layer head"]
    z: Float[Tensor, "layer head layer head"]


def composition(
    model: TransformerBridge,
    mode: str,
    *,
    fold: bool = True,
    between: tuple[Collection[int], Collection[int]] | None = None,
    on_layer: Callable[[int], None] | None = None,
) -> Composition:
    """Composition of all pairs; NaN for heads that a layer of a pruned model has not.

    |AB|^2 = <A^T A, B B^T>, an inner product of two d_model x d_model matrices: one row a head
    each, and all pairs of two layers are one matrix product.

    Args:
        model: A TransformerBridge.
        mode: "q", "k" or "v".
        fold: With the norms' gains in the weights.
        between: Only from these layers to those; other pairs are NaN.
        on_layer: Called after each later layer.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> scores = composition(model, "k")
    >>> bool(scores.value[0, 1, 1, 2] > 0.1), bool(scores.value[1, 2, 0, 1].isnan())
    (True, True)
    """
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; accepted are 'q', 'k' and 'v'")
    n_layers, n_heads, d = model.cfg.n_layers, model.cfg.n_heads, model.cfg.d_model
    shape = (n_layers, n_heads, n_layers, n_heads)
    value, z = torch.full(shape, math.nan), torch.full(shape, math.nan)
    pack = _Packing(d, model.cfg.device)
    senders, readers = (sorted(layers) for layers in between or (range(n_layers),) * 2)
    step = max(1, _BUDGET // (4 * n_heads * len(pack.weight)))
    for start in range(0, len(senders), step):
        earlier = [layer for layer in senders[start : start + step] if layer < readers[-1]]
        if not earlier:
            break
        by_layer = [_write(head_weights(model, at, fold=fold), pack) for at in earlier]
        writes, counts = _stacked(by_layer), [len(each.trace) for each in by_layer]
        for later in (layer for layer in readers if layer > earlier[0]):
            n = sum(layer < later for layer in earlier)
            before = _Grams(*(tensor[: sum(counts[:n])] for tensor in writes))
            reads = _read(head_weights(model, later, fold=fold), mode, pack)
            for scores, out in zip(_scores(before, reads, d), (value, z), strict=True):
                for at, part in zip(earlier[:n], scores.cpu().split(counts[:n]), strict=True):
                    out[at, : part.shape[0], later, : part.shape[1]] = part
            if on_layer is not None:
                on_layer(later)
    return Composition(value, z)


def percentile(
    scores: Float[Tensor, "layer head layer head"], sender: Head, receiver: Head
) -> float | None:
    """Of all other heads of earlier layers, how many in a hundred compose less with the receiver.

    Weights of a trained model share directions: most pairs are far from rotated weights, so that a
    z says little by itself. None where there is no other head, or no score.

    >>> scores = torch.tensor([0.1, 0.3, 0.2]).view(1, 3, 1, 1).expand(1, 3, 2, 1)
    >>> percentile(scores, Head(0, 2), Head(1, 0))
    50.0
    """
    into = scores[: receiver.layer, :, receiver.layer, receiver.index]
    own = into[sender.layer, sender.index]
    n = int(into.isfinite().sum()) - 1
    if n < 1 or bool(own.isnan()):
        return None
    return 100 * int((into < own).sum()) / n


class _Packing:
    """Symmetric matrices as rows of their upper triangles, with the same inner products."""

    def __init__(self, d: int, device: Any) -> None:
        at = torch.triu_indices(d, d, device=device)
        self._flat = at[0] * d + at[1]
        self.weight = torch.where(at[0] == at[1], 1.0, math.sqrt(2))

    def __call__(self, matrices: Float[Tensor, "head d d"]) -> Float[Tensor, "head part"]:
        return matrices.flatten(1)[:, self._flat] * self.weight


class _Grams(NamedTuple):
    packed: Float[Tensor, "head part"]
    trace: Float[Tensor, " head"]
    # Sum of the squares of the traceless part.
    spread: Float[Tensor, " head"]


def _grams(outer: Tensor, inner: Tensor, pack: _Packing) -> _Grams:
    """Of outer^T inner^T inner outer: `outer` [head, d_head, d_model], `inner` [.., d_head]."""
    d = outer.shape[-1]
    gram = inner.transpose(1, 2) @ inner
    packed = pack(outer.transpose(1, 2) @ (gram @ outer))
    trace = (gram * (outer @ outer.transpose(1, 2))).sum((1, 2))
    return _Grams(packed, trace, (packed.pow(2).sum(1) - trace**2 / d).clamp(min=0))


def _write(w: HeadWeights, pack: _Packing) -> _Grams:
    """A^T A of A = W_V W_O."""
    return _grams(w.o, w.v, pack)


def _read(w: HeadWeights, mode: str, pack: _Packing) -> _Grams:
    """B B^T of the later head."""
    left, right = {"q": (w.q, w.k), "k": (w.k, w.q), "v": (w.v, w.o.transpose(1, 2))}[mode]
    return _grams(left.transpose(1, 2), right, pack)


def _stacked(layers: list[_Grams]) -> _Grams:
    return _Grams(*(torch.cat(parts) for parts in zip(*layers, strict=True)))


def _scores(
    writes: _Grams, reads: _Grams, d: int
) -> tuple[Float[Tensor, "one other"], Float[Tensor, "one other"]]:
    both = (writes.packed @ reads.packed.T).clamp(min=0)
    size = writes.trace[:, None] * reads.trace
    deviation = (2 * writes.spread[:, None] * reads.spread / ((d - 1) * (d + 2))).sqrt()
    missing = size == 0
    value = (both / size).sqrt().masked_fill(missing, math.nan)
    z = ((both - size / d) / deviation).masked_fill(missing | (deviation == 0), math.nan)
    return value, z
