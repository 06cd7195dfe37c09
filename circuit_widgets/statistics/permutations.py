"""Could chance do it? Shuffles that keep what is no coordination, and the p-values they give."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from scipy.stats import false_discovery_control
from torch import Tensor

from circuit_widgets.capture.stopping import check_stop

# A null needs so many orders of the prompts: 7 of one length have 5,040.
ORDERS = 1000
# Of the shuffled values of all pairs together, at most so many are sorted.
_POOL = 20_000_000


@dataclasses.dataclass(frozen=True)
class Rows:
    """How rows (prompt, position) lie: prompts of one length are a block, prompt after prompt.

    Attributes:
        blocks: Of each block its prompts and its positions.

    >>> rows = Rows(((3, 10), (8, 12)))
    >>> len(rows), rows.n_orders
    (126, 241920)
    """

    blocks: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return sum(prompts * positions for prompts, positions in self.blocks)

    @property
    def n_orders(self) -> int:
        """In how many orders the prompts can be if those of one length change places."""
        return math.prod(math.factorial(prompts) for prompts, _ in self.blocks)

    def centred(self, values: Float[Tensor, "... row head"]) -> Float[Tensor, "... row head"]:
        """Without the mean, and, where a block has several prompts, without each position's."""
        parts = values.split([m * n for m, n in self.blocks], dim=-2)
        done = []
        for (prompts, positions), part in zip(self.blocks, parts, strict=True):
            if prompts > 1:
                grid = part.unflatten(-2, (prompts, positions))
                part = (grid - grid.mean(-3, keepdim=True)).flatten(-3, -2)
            done.append(part)
        joined = torch.cat(done, -2)
        return joined - joined.mean(-2, keepdim=True)


class Shuffles:
    """Ways to take the rows of one of two heads in another order, as if the two had no relation.

    Prompts of one length change places: everything within a prompt, and what belongs to a position,
    stays. Where heads know nothing of each other's prompts, every order is as likely as the one
    there is (an exact permutation test). A prompt that is alone in its length stays.

    Positions do not change places. All heads know them (where a text begins, where it starts to
    repeat), so that two heads that read texts without any relation are further from their circular
    shifts than chance: of the toy's contributions 7 to 23 % have p <= 0.05, of its activations
    nearly all.

    Args:
        rows: How the rows lie.
        n: How many.
        seed: Of their choice, the same on every device.

    >>> shuffles = Shuffles(Rows(((3, 2),)), 20, seed=0)
    >>> [order.tolist() for order in shuffles.chunks(2)][0]
    [[4, 5, 0, 1, 2, 3], [0, 1, 2, 3, 4, 5]]
    """

    def __init__(self, rows: Rows, n: int, seed: int) -> None:
        self.rows, self.n = rows, n
        self._generator = torch.Generator().manual_seed(seed)

    def chunks(self, size: int) -> Iterator[Int[Tensor, "shuffle row"]]:
        """Orders of the rows, at most `size` at a time."""
        for start in range(0, self.n, size):
            yield self._draw(min(size, self.n - start))

    def _draw(self, n: int) -> Int[Tensor, "shuffle row"]:
        parts, row = [], 0
        for prompts, positions in self.rows.blocks:
            order = torch.rand(n, prompts, generator=self._generator).argsort(1)
            index = order[:, :, None] * positions + torch.arange(positions)
            parts.append(row + index.flatten(1))
            row += prompts * positions
        return torch.cat(parts, 1)


def shuffled_values(
    statistic: Callable[[Int[Tensor, "shuffle row"]], Float[Tensor, "shuffle pair"]],
    shuffles: Shuffles,
    numbers: int,
) -> Float[Tensor, "shuffle pair"]:
    """The statistic of every shuffle, which is what it would be without coordination.

    numbers: how many numbers one shuffle moves; several shuffles at a time, up to 8 million.

    >>> shuffles = Shuffles(Rows(((4, 1),)), 3, seed=0)
    >>> series = torch.tensor([0.0, 1.0, 2.0, 3.0])
    >>> shuffled_values(lambda index: series[index] @ series[:, None], shuffles, 4).shape
    torch.Size([3, 1])
    """
    values = []
    for index in shuffles.chunks(max(1, 2**23 // max(1, numbers))):
        check_stop()
        values.append(statistic(index).cpu())
    return torch.cat(values)


def two_sided(
    value: Float[Tensor, " pair"], null: Float[Tensor, "shuffle pair"]
) -> Float[Tensor, " pair"]:
    """How often a pair without coordination is as far from its null's mean, in its null's spread.

    Counted over the shuffles of all pairs, each in units of its own spread, with the pair itself as
    one more (p is never 0). One pair's shuffles alone reach no lower than 1 / (shuffles + 1), which
    is lost among the pairs of a model. It takes the nulls to have one shape, as correlations over
    many rows have. The pair's value counts in its own mean and spread as every shuffle does: if
    there is no coordination, it is one of them and nothing sets it apart.

    >>> null = torch.linspace(-1, 1, 99)[:, None]
    >>> two_sided(torch.tensor([9.0]), null)
    tensor([0.0100])
    """
    return _pooled(value, null, torch.abs)


def one_sided(
    value: Float[Tensor, " pair"], null: Float[Tensor, "shuffle pair"]
) -> Float[Tensor, " pair"]:
    """How often a pair without coordination is as high; else as `two_sided`.

    >>> null = torch.linspace(-1, 1, 99)[:, None]
    >>> one_sided(torch.tensor([9.0]), null), one_sided(torch.tensor([-9.0]), null)
    (tensor([0.0100]), tensor([1.]))
    """
    return _pooled(value, null, torch.positive)


def _pooled(
    value: Float[Tensor, " pair"],
    null: Float[Tensor, "shuffle pair"],
    side: Callable[[Tensor], Tensor],
) -> Float[Tensor, " pair"]:
    """The share of all pairs' shuffles that are as far from their means, in their spreads."""
    mean, spread = _moments(value.double(), null)
    distance = side((value.double() - mean) / spread)
    some_shuffles = null[:: max(1, math.ceil(null.numel() / _POOL))]
    pool = side((some_shuffles - mean) / spread).flatten()
    pool = pool[pool.isfinite()].sort().values
    # What is the same but for rounding counts as as far.
    n_nearer = torch.searchsorted(pool, distance - 1e-6 * distance.abs())
    p = (1 + (len(pool) - n_nearer).double()) / (1 + len(pool))
    return torch.where(distance.isfinite(), p, math.nan).float()


def _moments(
    value: Float[Tensor, " pair"], null: Float[Tensor, "shuffle pair"]
) -> tuple[Float[Tensor, " pair"], Float[Tensor, " pair"]]:
    """Mean and standard deviation of each pair's shuffles and its value, as one sample of n + 1.

    From the moments of the null: with the value put on its end it would be copied, and it is large.
    """
    n, null_mean = len(null), null.mean(0).double()
    mean = (n * null_mean + value) / (n + 1)
    within, between = (n - 1) * null.var(0), n * (null_mean - mean).square()
    squares = within + between + (value - mean).square()
    return mean, (squares / n).sqrt()


def upper(
    value: Float[Tensor, " pair"], null: Float[Tensor, "shuffle pair"]
) -> Float[Tensor, " pair"]:
    """How often a pair's own shuffles, and itself as one of them, are at least as high.

    >>> upper(torch.tensor([3.0]), torch.tensor([[1.0], [2.0], [4.0]]))
    tensor([0.5000])
    """
    beyond = (null >= value - 1e-6 * value.abs()).sum(0)
    p = (1 + beyond.float()) / (1 + len(null))
    return torch.where(value.isfinite() & null.isfinite().all(0), p, math.nan)


def discoveries(p: Float[Tensor, " pair"]) -> Float[Tensor, " pair"]:
    """The q of each p: the share of false finds if all up to this one are called finds.

    Benjamini & Hochberg 1995. What is missing stays missing, and is no test.

    >>> discoveries(torch.tensor([0.01, 0.04, float("nan"), 0.5]))
    tensor([0.0300, 0.0600,    nan, 0.5000])
    """
    q = torch.full_like(p, math.nan)
    there = p.isfinite()
    if there.any():
        q[there] = torch.from_numpy(false_discovery_control(p[there].double().numpy())).to(q)
    return q
