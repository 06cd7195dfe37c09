"""A window of attention, pooled on the device to the resolution asked for, then quantised.

The first token's column is kept apart from the rest: many heads park most of their attention there,
and a scale that includes it would leave three grey levels for everything else. Kept apart, a view
can show, dim or leave it out without asking again, and the rest keeps its 255 levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

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
    has_first = k0 == 0
    if pooling == "max":
        body = _shrink(part, step, step, maximum=True)
        if has_first:
            body = _with_first_block(body, part, step, maximum=True)
        first = _shrink(part[:, :, :1], step, 1, maximum=True)[..., 0] if has_first else None
        return Pooled(body.float(), None if first is None else first.float())
    total = _shrink(part, step, step, maximum=False)
    if has_first:
        total = _with_first_block(total, part, step, maximum=False)
    body = total.float() / _causal_pairs(window, step, pattern.device).clamp(min=1)
    if not has_first:
        return Pooled(body, None)
    rows = torch.arange(q0, q1, device=pattern.device)
    height = torch.bincount((rows - q0) // step)
    first = _shrink(part[:, :, :1], step, 1, maximum=False)[..., 0].float() / height
    return Pooled(body, first)


def _shrink(
    part: Float[Tensor, "head query key"], down: int, across: int, *, maximum: bool
) -> Float[Tensor, "head row col"]:
    """Maximum or sum over blocks of down x across; the last blocks may be smaller."""
    if down == across == 1:
        return part
    kernel = (min(down, part.shape[1]), min(across, part.shape[2]))
    if maximum:
        return F.max_pool2d(part[None], kernel, kernel, ceil_mode=True)[0]
    return F.avg_pool2d(part[None].float(), kernel, kernel, ceil_mode=True, divisor_override=1)[0]


def _with_first_block(
    body: Tensor, part: Tensor, step: int, *, maximum: bool
) -> Float[Tensor, "head row col"]:
    """`body` with its first column made again from keys 1 to `step`, without key 0."""
    if body is part:  # nothing was pooled: the model's own tensor must not be written to
        body = part.clone()
    if step == 1 or part.shape[2] == 1:
        body[:, :, 0] = 0
    else:
        body[:, :, 0] = _shrink(part[:, :, 1:step], step, step - 1, maximum=maximum)[..., 0]
    return body


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
    data = (pooled.body.nan_to_num(0) * steps[:, None, None]).round_().clamp_(0, 255)
    return Quantised(data.to(torch.uint8), scale, pooled.first)
