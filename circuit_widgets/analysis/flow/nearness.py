"""How near a sum is to each of its parts, by their L1 norms (Ferrando & Voita 2024)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.capture.stopping import check_stop

# Values of the parts in flight: 64 MB in float32.
_CHUNK = 2**24
# What each number of a head is multiplied by at each query, [query, head, d_head], if anything.
Gate = Tensor | None


def nearness(part: Float[Tensor, "... d_model"], total: Tensor) -> Float[Tensor, ...]:
    """How much nearer the sum is to a part than to nothing, at least 0."""
    # Element by element, so that a part that is 0 gives 0 and not the rounding of two large sums.
    return (total.abs() - (total - part).abs()).sum(-1).clamp_min(0)


def shares_of(
    pattern: Float[Tensor, "head query key"],
    value: Float[Tensor, "key head d_head"],
    w_o: Float[Tensor, "head d_head d_model"],
    total: Float[Tensor, "query d_model"],
    beside: list[Float[Tensor, "query d_model"]],
    first: int,
    gate: Gate = None,
) -> tuple[
    Float[Tensor, "query key"],
    Int[Tensor, "query key"],
    Float[Tensor, "beside query"],
    Float[Tensor, "head query key"],
]:
    """Contributions of keys, the strongest head of each, what came from the query itself, by head.

    `first` is the position of the first query. Parts `beside` attention come from the query's own
    stream and are in its contribution to itself.
    """
    near = _nearness_by_head(pattern, value, w_o, total, first, gate)
    own = torch.stack([nearness(side, total) for side in beside])
    rows = torch.arange(pattern.shape[1], device=total.device)
    itself = first + rows
    near_keys = near.sum(0)
    near_keys[rows, itself] += own.sum(0)
    whole = near_keys.sum(-1, keepdim=True)
    # A sum that no part is near to: what is there stays on the residual stream.
    lost = whole[:, 0] == 0
    near_keys[rows[lost], itself[lost]] = 1
    whole = whole.masked_fill(whole == 0, 1)
    own, near = own / whole.T, near / whole
    own[0, lost] = 1
    return near_keys / whole, _strongest(near, own.sum(0), rows, itself), own, near


def _nearness_by_head(
    pattern: Float[Tensor, "head query key"],
    value: Float[Tensor, "key head d_head"],
    w_o: Float[Tensor, "head d_head d_model"],
    total: Float[Tensor, "query d_model"],
    first: int,
    gate: Gate,
) -> Float[Tensor, "head query key"]:
    """How near each sum is to what each head writes from each key, some queries at a time."""
    n_heads, n_queries, n_keys = pattern.shape
    near = torch.zeros(n_heads, n_queries, n_keys, device=total.device)
    step = max(1, _CHUNK // (n_keys * total.shape[-1]))
    for head in range(n_heads):
        check_stop()
        written = value[:, head] @ w_o[head]
        for start in range(0, n_queries, step):
            rows = slice(start, min(start + step, n_queries))
            # No query of this block sees a later key.
            seen = first + rows.stop
            if gate is not None:
                gated = value[:seen, head] * gate[rows, None, head]
                written = gated @ w_o[head]
            part = pattern[head, rows, :seen, None] * written[..., :seen, :]
            near[head, rows, :seen] = nearness(part, total[rows, None])
    return near


def _strongest(
    near: Float[Tensor, "head query key"],
    own: Float[Tensor, " query"],
    rows: Int[Tensor, " query"],
    itself: Int[Tensor, " query"],
) -> Int[Tensor, "query key"]:
    """The head that carries most from each key; -1: none, or the query's own stream does."""
    most, heads = near.max(0)
    heads[most == 0] = -1
    by_stream = own >= most[rows, itself]
    heads[rows, itself] = torch.where(by_stream, -1, heads[rows, itself])
    return heads
