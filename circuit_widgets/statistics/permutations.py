"""Could chance do it? Shuffles that keep what is no coordination, and the p-values they give."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float, Int
from scipy.stats import false_discovery_control
from torch import Tensor

from circuit_widgets.capture.stopping import check_stop

# Whole prompts are shuffled where there are so many of one length.
PROMPTS = 8
# Of the shuffled values of all pairs together, at most so many are sorted.
_POOL = 20_000_000


@dataclasses.dataclass(frozen=True)
class Rows:
    """How rows (prompt, position) lie: prompts of one length are a block, prompt after prompt.

    Attributes:
        blocks: Of each block its prompts and its positions.

    >>> rows = Rows(((3, 10), (8, 12)))
    >>> len(rows), [rows.whole(block) for block in rows.blocks]
    (126, [False, True])
    """

    blocks: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return sum(prompts * positions for prompts, positions in self.blocks)

    def whole(self, block: tuple[int, int]) -> bool:
        """Whether a block's prompts are shuffled as a whole; else positions are shifted."""
        return block[0] >= PROMPTS or block[1] == 1

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

    In a block of 8 prompts or more whole prompts are shuffled: everything within a prompt, and what
    belongs to a position, stays. In a smaller block the positions of each prompt go round by a
    random number of places: neighbours stay neighbours, so that a slow series is compared with one
    as slow; what belongs to a position does not stay.

    By any number of places, one as well as half of them all. Without the small ones, which change a
    slow series little, the data would have to beat its far shifts only, and be beyond them too
    often: of two slow series that know nothing of each other 13 % have p <= 0.05 if shifts begin at
    an eighth of the positions, and 5 % if they begin at 1. Where there are fewer shifts than asked
    for, each is taken once.

    Args:
        rows: How the rows lie.
        n: How many.
        seed: Of their choice, the same on every device.

    >>> shuffles = Shuffles(Rows(((1, 4),)), 20, seed=0)
    >>> shuffles.about, [order.tolist() for order in shuffles.chunks(2)][0]
    ('circular shifts of positions', [[3, 0, 1, 2], [2, 3, 0, 1]])
    """

    def __init__(self, rows: Rows, n: int, seed: int) -> None:
        self.rows = rows
        self._generator = torch.Generator().manual_seed(seed)
        places = [
            positions
            for prompts, positions in rows.blocks
            for _ in range(prompts)
            if not rows.whole((prompts, positions))
        ]
        self._all: list[tuple[int, ...]] | None = None
        shifted = not any(rows.whole(block) for block in rows.blocks)
        if shifted and math.prod(places) - 1 <= n:
            # The first leaves everything in its place.
            self._all = list(itertools.product(*map(range, places)))[1:]
            n = len(self._all)
        self.n = n
        kinds = {rows.whole(block) for block in rows.blocks}
        self.about = " and ".join(
            {True: "shuffles of whole prompts", False: "circular shifts of positions"}[kind]
            for kind in sorted(kinds, reverse=True)
        )

    def chunks(self, size: int) -> Iterator[Int[Tensor, "shuffle row"]]:
        """Orders of the rows, at most `size` at a time."""
        for start in range(0, self.n, size):
            yield self._draw(start, min(size, self.n - start))

    def _draw(self, start: int, n: int) -> Int[Tensor, "shuffle row"]:
        parts, row, prompt = [], 0, 0
        for prompts, positions in self.rows.blocks:
            here, places = torch.arange(prompts), torch.arange(positions)
            if self.rows.whole((prompts, positions)):
                order = torch.rand(n, prompts, generator=self._generator).argsort(1)
                index = order[:, :, None] * positions + places
            else:
                shift = self._shifts(start, n, prompt, prompts, positions)
                moved = (places - shift[:, :, None]) % positions
                index = here[:, None] * positions + moved
                prompt += prompts
            parts.append(row + index.flatten(1))
            row += prompts * positions
        return torch.cat(parts, 1)

    def _shifts(
        self, start: int, n: int, prompt: int, prompts: int, positions: int
    ) -> Int[Tensor, "shuffle prompt"]:
        if self._all is not None:
            chosen = torch.tensor(self._all[start : start + n])
            return chosen[:, prompt : prompt + prompts]
        # Of one prompt alone, 0 would be no shuffle.
        least = int(len(self.rows.blocks) == prompts == 1)
        return torch.randint(least, positions, (n, prompts), generator=self._generator)


def shuffled_values(
    statistic: Callable[[Int[Tensor, "shuffle row"]], Float[Tensor, "shuffle pair"]],
    shuffles: Shuffles,
    numbers: int,
) -> Float[Tensor, "shuffle pair"]:
    """The statistic of every shuffle, which is what it would be without coordination.

    numbers: how many numbers one shuffle moves; several shuffles at a time, up to 8 million.

    >>> shuffles = Shuffles(Rows(((1, 4),)), 20, seed=0)
    >>> series = torch.tensor([0.0, 1.0, 2.0, 3.0])
    >>> shuffled_values(lambda index: series[index] @ series[:, None], shuffles, 4).flatten()
    tensor([8., 6., 8.])
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
    mean, spread = _moments(value.double(), null)
    distance = ((value.double() - mean) / spread).abs()
    some_shuffles = null[:: max(1, math.ceil(null.numel() / _POOL))]
    pool = ((some_shuffles - mean) / spread).abs().flatten()
    pool = pool[pool.isfinite()].sort().values
    # What is the same but for rounding counts as as far.
    n_nearer = torch.searchsorted(pool, distance * (1 - 1e-6))
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
