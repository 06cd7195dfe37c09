"""A window of attention, pooled on the device to the resolution asked for, then quantised.

The first token's column is kept apart from the rest: many heads park most of their attention there,
and a scale that includes it would leave three grey levels for everything else. Kept apart, a view
can show, dim or leave it out without asking again, and the rest keeps its 255 levels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from circuit_widgets.attention.blocks import query_blocks
from circuit_widgets.wire.parts import Pooling, Window


@dataclass(frozen=True)
class Pooled:
    """Pooled heads of one window, on the device.

    body: the window without the first token's column. first: that column, where the window has it.
    """

    body: Float[Tensor, "head row col"]
    first: Float[Tensor, "head row"] | None


@dataclass(frozen=True)
class Quantised:
    """As `Pooled`, with body = data * scale / 255. A head with a NaN has scale NaN."""

    data: UInt8[Tensor, "head row col"]
    scale: Float[Tensor, " head"]
    first: Float[Tensor, "head row"] | None

    @property
    def nbytes(self) -> int:
        tensors = [self.data, self.scale, *([] if self.first is None else [self.first])]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def head(self, index: int) -> Quantised:
        """One head, still with its head dimension; no copy."""
        part = slice(index, index + 1)
        first = None if self.first is None else self.first[part]
        return Quantised(self.data[part], self.scale[part], first)


def stride(window: Window, side: int) -> int:
    """Tokens per cell, the same both ways, so that the longer edge fits `side` cells."""
    q0, q1, k0, k1 = window
    return max(1, math.ceil(max(q1 - q0, k1 - k0) / side))


def shape(window: Window, side: int) -> tuple[int, int]:
    """Rows and columns of a window's tile."""
    q0, q1, k0, k1 = window
    step = stride(window, side)
    return math.ceil((q1 - q0) / step), math.ceil((k1 - k0) / step)


def pool(
    pattern: Float[Tensor, "head query key"], window: Window, side: int, pooling: Pooling
) -> Pooled:
    """Pool [q0, q1) x [k0, k1) of causal patterns to at most `side` cells a side.

    "max": the strongest edge of each cell survives. "mean": the mean over the cell's causal pairs
    (key <= query), so that the diagonal is not diluted by pairs that cannot exist; 0 where a cell
    has none.
    """
    q0, q1, k0, k1 = window
    step = stride(window, side)
    part = pattern[:, q0:q1, k0:k1]
    rows, cols = shape(window, side)
    reduce = torch.amax if pooling == "max" else _total
    body = part.new_zeros((len(part), rows, cols), dtype=torch.float32)
    first = part.new_zeros((len(part), rows), dtype=torch.float32) if k0 == 0 else None
    for start, stop in query_blocks(part, step=step):
        # What these queries may see; the rest stays 0.
        seen = min(k1 - k0, q0 + stop - k0)
        if seen <= 0:
            continue
        block = part[:, start:stop, :seen]
        at = slice(start // step, math.ceil(stop / step))
        shrunk = _shrink(_shrink(block, 1, step, reduce), 2, step, reduce)
        body[:, at, : shrunk.shape[2]] = shrunk
        if first is not None:
            first[:, at] = _shrink(block[:, :, 0], 1, step, reduce)
            # The first cells again, without key 0.
            others = _shrink(block[:, :, 1:step], 1, step, reduce)
            body[:, at, 0] = reduce(others, 2) if others.shape[2] else 0
    if pooling == "max":
        return Pooled(body, first)
    body /= _causal_pairs(window, step, pattern.device).clamp(min=1)
    if first is not None:
        queries = torch.arange(q1 - q0, device=pattern.device)
        first /= torch.bincount(queries // step)
    return Pooled(body, first)


def _total(values: Tensor, dim: int, keepdim: bool = False) -> Tensor:
    return values.sum(dim, keepdim=keepdim, dtype=torch.float32)


def _shrink(values: Tensor, dim: int, step: int, reduce: Callable[..., Tensor]) -> Tensor:
    """Reduce runs of `step` along a dimension; the last run may be shorter."""
    if step == 1:
        return values
    length = values.shape[dim]
    whole = length - length % step
    pieces = []
    if whole:
        runs = values.narrow(dim, 0, whole).unflatten(dim, (whole // step, step))
        pieces.append(reduce(runs, dim + 1))
    if whole < length:
        pieces.append(reduce(values.narrow(dim, whole, length - whole), dim, keepdim=True))
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim)


def _causal_pairs(window: Window, step: int, device: torch.device) -> Int[Tensor, "row col"]:
    """How many pairs (query, key), 1 <= key <= query, each cell of a window's tile covers."""
    q0, q1, k0, k1 = window
    starts = torch.arange(k0, k1, step, device=device)
    ends = (starts + step).clamp(max=k1)
    starts = starts.clamp(min=1)
    queries = torch.arange(q0, q1, device=device)[:, None]
    per_query = (torch.minimum(queries + 1, ends) - starts).clamp(min=0)
    rows = math.ceil((q1 - q0) / step)
    pairs = torch.zeros(rows, len(starts), dtype=per_query.dtype, device=device)
    return pairs.index_add_(0, (queries[:, 0] - q0) // step, per_query)


def quantise(pooled: Pooled) -> Quantised:
    """To 8 bits with one scale a head: |value - data * scale / 255| <= scale / 510."""
    scale = pooled.body.amax((1, 2))
    if pooled.first is not None:
        # A NaN in the first column is a NaN of the head.
        scale = scale + pooled.first.sum(1) * 0
    steps = 255 / scale.clamp(min=torch.finfo(torch.float32).tiny).nan_to_num(1)
    data = (pooled.body * steps[:, None, None]).round_().clamp_(0, 255).nan_to_num_(0)
    return Quantised(data.to(torch.uint8), scale, pooled.first)
