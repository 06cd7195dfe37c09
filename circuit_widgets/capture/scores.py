"""Attention scores before the softmax, as whatever computes the attention multiplies them.

A mask overwrites the scores of later keys, so they are taken from the product of queries and keys
that came before it. While a layer's attention runs, functions of torch go through the mode here: it
keeps the last product of the scores' shape, finds out on the keys that are seen by what the model
multiplies it (1/sqrt(d_head), mostly), and puts the later keys' scores back.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from circuit_widgets.capture.softmax import SOFTMAX

_PRODUCTS = {torch.matmul, Tensor.matmul, Tensor.__matmul__, torch.bmm, Tensor.bmm}
_PRODUCTS |= {torch.baddbmm, Tensor.baddbmm, torch.einsum}
_FILLS = {torch.masked_fill, Tensor.masked_fill}
# No score that is seen is below it, and every mask is.
_MASKED = -1e4
_ROUNDING = {torch.float16: 1e-2, torch.bfloat16: 5e-2}


class OpenFuture(TorchFunctionMode):
    """Within one layer's attention, some heads see later keys as they see earlier ones.

    Args:
        heads: Which.
        n_heads: How many the layer has.
        n_rows: Of the batch.
        share: What a later key's weight is multiplied by before the softmax divides: 1 is no mask.
    """

    def __init__(self, heads: Collection[int], n_heads: int, n_rows: int, share: float) -> None:
        super().__init__()
        self._heads, self._n_heads, self._n_rows = list(heads), n_heads, n_rows
        self._log_share = math.log(share)
        self._product: Tensor | None = None
        self._shape: torch.Size | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in SOFTMAX and args and self._product is not None:
            scores, product = self._by_head(args[0]), self._by_head(self._product)
            if scores is not None and product is not None:
                opened = self._opened(scores, product).reshape(args[0].shape)
                out = func(opened, *args[1:], **kwargs)
                self._product, self._shape = None, out.shape
                return out
        out = func(*args, **kwargs)
        if self._shape is None and func in _PRODUCTS and self._by_head(out) is not None:
            self._product = out
        # A model that masks the weights too, once they are there.
        if func in _FILLS and out.shape == self._shape:
            before, after = self._by_head(args[0]), self._by_head(out)
            if before is not None and after is not None:
                return torch.where(self._later(after), before, after).reshape(out.shape)
        return out

    def _by_head(self, tensor: Any) -> Tensor | None:
        """[batch, head, query, key], or None if it is something else."""
        if not isinstance(tensor, Tensor):
            return None
        if tensor.ndim == 4 and tensor.shape[1] == self._n_heads:
            return tensor
        if tensor.ndim == 3 and len(tensor) == self._n_rows * self._n_heads:
            return tensor.unflatten(0, (self._n_rows, self._n_heads))
        return None

    def _later(self, scores: Tensor) -> Tensor:
        """Keys after the query, of these heads."""
        n_heads, n_queries, n_keys = scores.shape[1:]
        later = torch.ones(n_queries, n_keys, dtype=torch.bool, device=scores.device)
        later = later.triu(1 + n_keys - n_queries)
        chosen = torch.zeros(n_heads, 1, 1, dtype=torch.bool, device=scores.device)
        chosen[self._heads] = True
        return chosen & later

    def _opened(self, scores: Tensor, product: Tensor) -> Tensor:
        n_keys = product.shape[-1]
        # What is behind the keys is a sink's.
        own, sink = scores[..., :n_keys], scores[..., n_keys:]
        seen = own > _MASKED
        kept = torch.where(seen, own, 0).float()
        raw = torch.where(seen, product, 0).float()
        size = raw.square().sum()
        factor = (kept * raw).sum() / torch.where(size > 0, size, 1)
        most = _ROUNDING.get(product.dtype, 1e-3) * max(1.0, float(kept.abs().max()))
        if bool(((factor * raw - kept).abs() > most).any()):
            raise ValueError(
                "this model adds something to its attention scores besides queries times keys (a "
                "bias by distance), or caps them, so that the scores of later keys are not known"
            )
        free = (factor * product.float() + self._log_share).to(own.dtype)
        return torch.cat([torch.where(self._later(own), free, own), sink], -1)
