"""Both hops of induction on one prompt, from one pass."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.heads import Head
from circuit_widgets.weights.unembedding import Unembedding
from circuit_widgets.weights.writing import writing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Hops:
    """The tensors of an `InductionTrace`, which says what they are."""

    earlier: Int[Tensor, " pos"]
    attention: Float[Tensor, "head pos"]
    chance: Float[Tensor, " pos"]
    added: Float[Tensor, "head pos"]
    added_chance: Float[Tensor, "head pos"]
    probability: Float[Tensor, " pos"]
    predicted: Bool[Tensor, " pos"]
    follows: Bool[Tensor, " pos"]
    first_hop: Float[Tensor, "previous pos"]
    paths: Float[Tensor, "previous head pos"]


def earlier_positions(ids: Sequence[int], first: int) -> list[int]:
    """For each position the latest earlier one of the same token, -1 where there is none.

    Position q - 1 does not count: what follows it is q itself. first: a BOS token before it is no
    text.

    >>> earlier_positions([7, 8, 9, 7, 8], first=0)
    [-1, -1, -1, 0, 1]
    """
    latest: list[int] = []
    for q, id in enumerate(ids):
        before = [p for p in range(first, q - 1) if ids[p] == id] if q >= first else []
        latest.append(before[-1] if before else -1)
    return latest


def hops(
    model: TransformerBridge,
    ids: Int[Tensor, "batch pos"],
    earlier: Sequence[Sequence[int]],
    heads: Sequence[Head],
    previous: Sequence[Head],
) -> list[Hops]:
    """Attention at both hops, and what the induction heads add to the logit of what followed.

    One pass over prompts of one length, and the answer for each of them.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog seven blue dog")
    >>> earlier = earlier_positions(ids[0].tolist(), first=1)
    >>> (traced,) = hops(model, ids, [earlier], [Head(1, 2)], [Head(0, 1)])
    >>> traced.attention.shape, bool(traced.attention[0, 4] > 0.5)
    (torch.Size([1, 6]), True)
    """
    n, device = ids.shape[1], ids.device
    # Queries q whose token appeared earlier, and p + 1, where what followed it is.
    repeats = [[q for q in range(n) if of[q] >= 0] for of in earlier]
    counts = [len(queries) for queries in repeats]
    rows = torch.arange(len(ids), device=device).repeat_interleave(
        torch.tensor(counts, device=device)
    )
    queries = torch.tensor([q for at in repeats for q in at], device=device)
    then = torch.tensor([p for of in earlier for p in of if p >= 0], device=device) + 1
    second, first = (
        _Attention(heads, rows, queries, then),
        _Attention(previous, rows, then, then - 1),
    )
    layers = {head.layer for head in heads}
    z, out = capture.Keep("z", layers), capture.Keep("attn_out", layers)
    last = capture.Keep("resid_post", {model.cfg.n_layers - 1})
    logits = capture.run(model, ids, [second, first, z, out, last])[rows, queries].float()
    stream = last.tensors[model.cfg.n_layers - 1][rows, queries].float()
    kept = {
        layer: (z.tensors[layer][rows, queries], out.tensors[layer][rows, queries])
        for layer in layers
    }
    found = {layer: writing(model, layer, *of) for layer, of in kept.items()}
    writes = torch.stack(
        [found[head.layer].of(kept[head.layer][0][:, head.index], head.index) for head in heads]
    )
    added, added_chance = _added(model, ids, rows, writes, stream, then)
    attention, first_hop = second.of(heads), first.of(previous)
    wanted = ids[rows, then]
    inside = queries < n - 1
    follows = torch.zeros_like(inside)
    follows[inside] = ids[rows[inside], queries[inside] + 1] == wanted[inside]
    values = {
        "attention": attention,
        "chance": 1 / (queries + 1),
        "added": added,
        "added_chance": added_chance,
        "probability": logits.log_softmax(1).gather(1, wanted[:, None])[:, 0].exp(),
        "predicted": logits.argmax(1) == wanted,
        "follows": follows,
        "first_hop": first_hop,
        "paths": _products(first_hop, attention, previous, heads),
    }
    parts = {name: of.cpu().split(counts, dim=-1) for name, of in values.items()}
    return [
        Hops(
            earlier=torch.tensor(list(of)),
            **{name: _by_position(part[row], at, n) for name, part in parts.items()},
        )
        for row, (of, at) in enumerate(zip(earlier, repeats, strict=True))
    ]


def _by_position(values: Float[Tensor, "... at"], at: Sequence[int], n: int) -> Tensor:
    """Values at some of `n` positions; elsewhere NaN, or False."""
    plain = values if values.dtype == torch.bool else values.float()
    missing = False if values.dtype == torch.bool else math.nan
    whole = torch.full((*values.shape[:-1], n), missing, dtype=plain.dtype)
    whole[..., list(at)] = plain
    return whole


class _Attention:
    """Reducer: some heads' attention at given (row, query, key)."""

    site = "pattern"

    def __init__(self, heads: Sequence[Head], rows: Tensor, queries: Tensor, keys: Tensor) -> None:
        self._heads, self._at = heads, (rows, queries, keys)
        self.layers = frozenset(head.layer for head in heads)
        self._rows: dict[Head, Float[Tensor, " at"]] = {}

    def see(self, layer: int, tensor: Float[Tensor, "batch head query key"]) -> None:
        for head in self._heads:
            if head.layer == layer:
                rows, queries, keys = self._at
                self._rows[head] = tensor[rows, head.index, queries, keys].float().cpu()

    def of(self, heads: Sequence[Head]) -> Float[Tensor, "head at"]:
        rows = [self._rows[head] for head in heads]
        return torch.stack(rows) if rows else torch.empty(0, len(self._at[0]))


def _added(
    model: TransformerBridge,
    ids: Int[Tensor, "batch pos"],
    rows: Int[Tensor, " at"],
    writes: Float[Tensor, "head at d_model"],
    stream: Float[Tensor, "at d_model"],
    then: Int[Tensor, " at"],
) -> tuple[Float[Tensor, "head at"], Float[Tensor, "head at"]]:
    """What heads add to the logit of the token at `then`, and on average to the prompt's others."""
    unembedding = Unembedding(model)
    directions = unembedding.directions(ids.flatten()).view(*ids.shape, -1)
    # [head, at, pos]: of the logits of all tokens of the prompt.
    scaled = writes / unembedding.norm.scale(stream)
    raised = torch.cat(
        [scaled[:, rows == row] @ directions[row].T for row in range(len(ids))], dim=1
    )
    own = raised[:, torch.arange(len(then)), then]
    # A token that stands several times is one of the others only where it is another one.
    other = ids[rows] != ids[rows, then][:, None]
    return own, (raised * other).sum(2) / other.sum(1)


def _products(
    first_hop: Float[Tensor, "previous at"],
    attention: Float[Tensor, "head at"],
    previous: Sequence[Head],
    heads: Sequence[Head],
) -> Float[Tensor, "previous head at"]:
    """Both hops' attention multiplied, where the first is in an earlier layer than the second."""
    paths = first_hop[:, None] * attention[None]
    for i, sender in enumerate(previous):
        for j, receiver in enumerate(heads):
            if sender.layer >= receiver.layer:
                paths[i, j] = math.nan
    return paths
