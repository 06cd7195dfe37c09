"""Both hops of induction on one prompt, from one pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.heads import Head
from circuit_widgets.weights.unembedding import Unembedding

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def earlier_positions(ids: Sequence[int], first: int) -> list[int]:
    """For each position the latest earlier one of the same token, -1 where there is none.

    Position q - 1 does not count: what follows it is q itself. first: a BOS token before it is no
    text.
    """
    found: list[int] = []
    for q, id in enumerate(ids):
        before = [p for p in range(first, q - 1) if ids[p] == id] if q >= first else []
        found.append(before[-1] if before else -1)
    return found


class _Rows:
    """Two reducers: some heads' attention at given (query, key) pairs, and their z at queries."""

    def __init__(self, heads: Sequence[Head], queries: Tensor, keys: Tensor) -> None:
        self._by_layer: dict[int, list[int]] = {}
        for head in heads:
            self._by_layer.setdefault(head.layer, []).append(head.index)
        self._queries, self._keys = queries, keys
        self.layers = frozenset(self._by_layer)
        self.site = "pattern"
        self.found: dict[Head, Tensor] = {}

    def see(self, layer: int, tensor: Float[Tensor, "batch head query key"]) -> None:
        for index in self._by_layer[layer]:
            row = tensor[0, index, self._queries, self._keys]
            self.found[Head(layer, index)] = row.float().cpu()


def hops(
    model: TransformerBridge,
    ids: Int[Tensor, "1 pos"],
    earlier: Sequence[int],
    heads: Sequence[Head],
    previous: Sequence[Head],
) -> dict[str, Any]:
    """The tensors of an `InductionTrace`, from one pass."""
    device = ids.device
    n = ids.shape[1]
    at = torch.tensor([q for q in range(n) if earlier[q] >= 0], device=device)
    then = torch.tensor([p for p in earlier if p >= 0], device=device) + 1
    second, first = _Rows(heads, at, then), _Rows(previous, then, then - 1)
    z = capture.Keep("z", {head.layer for head in heads})
    last = capture.Keep("resid_post", {model.cfg.n_layers - 1})
    logits = capture.run(model, ids, [second, first, z, last])
    wanted = ids[0, then]

    def spread(values: Tensor) -> Tensor:
        full = torch.full((*values.shape[:-1], n), math.nan)
        full[..., at.cpu()] = values.float().cpu()
        return full

    unembedding = Unembedding(model)
    scale = unembedding.norm.scale(last.tensors[model.cfg.n_layers - 1][0, at].float())
    directions = unembedding.directions(ids[0])
    own, rest = [], []
    for head in heads:
        out = model.blocks[head.layer].attn.W_O[head.index].detach().float()
        write = z.tensors[head.layer][0, at, head.index].float() @ out / scale
        raised = write @ directions.T
        mine = raised.gather(1, then[:, None])[:, 0]
        own.append(mine)
        # A token that stands several times is one of the others only where it is another one.
        other = ids[0][None] != wanted[:, None]
        rest.append((raised * other).sum(1) / other.sum(1))
    rows = logits[0, at].float()
    attention = torch.stack([second.found[head] for head in heads])
    hop = [first.found[head] for head in previous]
    first_hop = torch.stack(hop) if hop else torch.empty(0, len(at))
    paths = first_hop[:, None] * attention[None]
    for i, sender in enumerate(previous):
        for j, receiver in enumerate(heads):
            if sender.layer >= receiver.layer:
                paths[i, j] = math.nan
    predicted = torch.zeros(n, dtype=torch.bool)
    predicted[at.cpu()] = (rows.argmax(1) == wanted).cpu()
    follows = torch.zeros(n, dtype=torch.bool)
    inside = at < n - 1
    follows[at[inside].cpu()] = (ids[0, at[inside] + 1] == wanted[inside]).cpu()
    chosen = rows.log_softmax(1).gather(1, wanted[:, None])[:, 0]
    return {
        "earlier": torch.tensor(list(earlier)),
        "attention": spread(attention),
        "chance": spread(1 / (at + 1)),
        "added": spread(torch.stack(own)),
        "added_chance": spread(torch.stack(rest)),
        "probability": spread(chosen.exp()),
        "predicted": predicted,
        "follows": follows,
        "first_hop": spread(first_hop),
        "paths": spread(paths),
    }
