"""Three measures of how similar two heads are in what they do, for all pairs at once.

Each gives the value of every pair i < j, in the order of `torch.triu_indices(n, n, 1)`: as it is,
with the rows of j in another order (`shuffled`), and with another z of j (`beside`).
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy import stats
from torch import Tensor

from circuit_widgets.analysis.coordination.rows import Contributions, Writes


class Measure(Protocol):
    """What a null needs of a measure.

    signed: whether similarities can be negative. numbers: how many numbers one shuffle moves.
    """

    signed: bool
    numbers: int
    value: Float[Tensor, " pair"]

    def shuffled(self, index: Int[Tensor, "shuffle row"]) -> Float[Tensor, "shuffle pair"]:
        """With the later head's rows in other orders."""
        ...

    def beside(self, z: Float[Tensor, "draw row head d_head"]) -> Float[Tensor, "draw pair"]:
        """With other z of the later head, at all rows of `activations`."""
        ...


class Contribution:
    """Spearman's correlation of contributions, centred by mean and position."""

    signed = True

    def __init__(self, found: Contributions) -> None:
        self._found = found
        self._unit = self._ranked(found.of(found.z))
        self._i, self._j = upper_pairs(self._unit.shape[-1])
        self.numbers = self._unit.numel()
        self.value = (self._unit.T @ self._unit)[self._i, self._j]

    def shuffled(self, index: Int[Tensor, "shuffle row"]) -> Float[Tensor, "shuffle pair"]:
        return (self._unit.T @ self._unit[index])[:, self._i, self._j]

    def beside(self, z: Float[Tensor, "draw row head d_head"]) -> Float[Tensor, "draw pair"]:
        other = self._ranked(self._found.of(z[:, self._found.kept.to(z.device)].cpu()))
        return (self._unit.T @ other)[:, self._i, self._j]

    def _ranked(self, values: Float[Tensor, "*draw row head"]) -> Float[Tensor, "*draw row head"]:
        centred = self._found.rows.centred(values)
        # What is left of a constant is rounding, which has ranks too.
        flat = centred.abs().amax(-2, keepdim=True) <= 1e-6 * values.abs().amax(-2, keepdim=True)
        centred = torch.where(flat, math.nan, centred)
        return unit(torch.from_numpy(np.asarray(stats.rankdata(centred.numpy(), axis=-2))).float())


class Pearson:
    """Pearson's correlation of flattened activations, one mean a head."""

    signed = True

    def __init__(self, z: Float[Tensor, "row head d_head"]) -> None:
        self._n_rows = len(z)
        self._flat = self._columns(z[None])[0].unflatten(0, (self._n_rows, -1))
        self._table = self._flat.flatten(0, 1).T
        self._i, self._j = upper_pairs(z.shape[1])
        self.numbers = self._flat.numel()
        self.value = (self._table @ self._table.T)[self._i, self._j].cpu()

    def shuffled(self, index: Int[Tensor, "shuffle row"]) -> Float[Tensor, "shuffle pair"]:
        moved = self._flat[index.to(self._flat.device)].flatten(1, 2)
        return (self._table @ moved)[:, self._i, self._j]

    def beside(self, z: Float[Tensor, "draw row head d_head"]) -> Float[Tensor, "draw pair"]:
        return (self._table @ self._columns(z))[:, self._i, self._j]

    def _columns(self, z: Float[Tensor, "draw row head d_head"]) -> Float[Tensor, "draw n head"]:
        """The numbers of a head in one column."""
        return unit(z.transpose(2, 3).flatten(1, 2))


class CKA:
    """Debiased linear CKA.

    The unbiased HSIC of linear kernels (Song et al. 2012) without the kernels [row, row]: their
    diagonals and row sums, and the products of two heads' writes [d_head, d_head], are enough.
    """

    signed = False

    def __init__(self, z: Float[Tensor, "row head d_head"], writes: Writes) -> None:
        self._writes = writes
        self._own = _Kernels(writes.of(z))
        self._i, self._j = upper_pairs(z.shape[1])
        self.numbers = self._own.wide.numel()
        self._size = _root(self._own.hsic_of_each())
        self.value = self._scaled(self._own.hsic(self._own), self._size)

    def shuffled(self, index: Int[Tensor, "shuffle row"]) -> Float[Tensor, "shuffle pair"]:
        orders = index.to(self._own.wide.device)
        moved = [self._own.hsic(self._own.reordered(order)) for order in orders]
        return torch.stack([self._scaled(each, self._size) for each in moved])

    def beside(self, z: Float[Tensor, "draw row head d_head"]) -> Float[Tensor, "draw pair"]:
        others = [_Kernels(self._writes.of(each)) for each in z]
        return torch.stack(
            [self._scaled(self._own.hsic(other), _root(other.hsic_of_each())) for other in others]
        )

    def _scaled(
        self, hsic: Float[Tensor, "head head"], size: Float[Tensor, " head"]
    ) -> Float[Tensor, " pair"]:
        return (hsic / (self._size[:, None] * size))[self._i, self._j].cpu()


class _Kernels:
    """All that the unbiased HSIC needs of each head's linear kernel."""

    def __init__(self, writes: Float[Tensor, "row head d_head"]) -> None:
        self.n, self.heads, self.d = writes.shape
        x = writes - writes.mean(0)
        # One scale for a head does not change it, and keeps float32 away from its ends.
        x = x / x.square().sum((0, 2), keepdim=True).sqrt()
        self.wide = x.flatten(1)
        self.diagonal = x.square().sum(2)
        # The kernel's row sums without the diagonal; x sums to 0 over rows.
        self.sums = torch.einsum("rhd,hd->rh", x, x.sum(0)) - self.diagonal

    def reordered(self, order: Int[Tensor, " row"]) -> _Kernels:
        """With the rows in another order."""
        other = object.__new__(_Kernels)
        other.n, other.heads, other.d = self.n, self.heads, self.d
        other.wide, other.diagonal = self.wide[order], self.diagonal[order]
        other.sums = self.sums[order]
        return other

    def hsic(self, other: _Kernels) -> Float[Tensor, "head head"]:
        """Of every head with every head of the other."""
        total, beside = self.sums.sum(0), other.sums.sum(0)
        return self._unbiased(
            self._products(other.wide) - self.diagonal.T @ other.diagonal,
            total[:, None] * beside,
            self.sums.T @ other.sums,
        )

    def hsic_of_each(self) -> Float[Tensor, " head"]:
        """Of every head with itself."""
        x = self.wide.unflatten(1, (self.heads, self.d))
        squares = torch.einsum("rhd,rhe->hde", x, x).square().sum((1, 2))
        own = squares - self.diagonal.square().sum(0)
        return self._unbiased(own, self.sums.sum(0).square(), self.sums.square().sum(0))

    def _unbiased(self, products: Tensor, totals: Tensor, sums: Tensor) -> Tensor:
        n = self.n
        return (products + totals / ((n - 1) * (n - 2)) - 2 / (n - 2) * sums) / (n * (n - 3))

    def _products(self, other: Float[Tensor, "row wide"]) -> Float[Tensor, "head head"]:
        """Sums of squares of all pairs' x_i^T x_j, some heads i at a time."""
        d, heads = self.d, self.heads
        step = max(1, 2**25 // (d * d * heads))
        parts = [
            (self.wide[:, at * d : (at + step) * d].T @ other)
            .square()
            .unflatten(1, (heads, d))
            .sum(2)
            .unflatten(0, (-1, d))
            .sum(1)
            for at in range(0, heads, step)
        ]
        return torch.cat(parts)


def unit(values: Float[Tensor, "*draw row head"]) -> Float[Tensor, "*draw row head"]:
    """Columns of mean 0 and length 1; a constant one is missing.

    >>> unit(torch.tensor([[1.0, 2.0], [3.0, 2.0]])).round(decimals=2)
    tensor([[-0.7100,     nan],
            [ 0.7100,     nan]])
    """
    centred = values - values.mean(-2, keepdim=True)
    length = centred.square().sum(-2, keepdim=True).sqrt()
    return centred / torch.where(length > 0, length, math.nan)


def upper_pairs(n: int) -> tuple[Tensor, Tensor]:
    """Both heads of every pair, the earlier first.

    >>> upper_pairs(3)
    (tensor([0, 0, 1]), tensor([1, 2, 2]))
    """
    i, j = torch.triu_indices(n, n, 1)
    return i, j


def _root(hsic: Float[Tensor, " head"]) -> Float[Tensor, " head"]:
    return torch.where(hsic > 0, hsic, math.nan).sqrt()
