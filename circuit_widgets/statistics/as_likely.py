"""Whether a change is about the target: what it does to other tokens that were as likely."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from scipy.special import ndtri
from torch import Tensor

from circuit_widgets.prompts.targets import Target
from circuit_widgets.statistics.intervals import t_quantile

# Tokens that a target is compared with, at most.
CONTROLS = 256
# Clean log-probabilities that vary less than this are all the same: nothing to regress on.
_FLAT = 1e-6


class AsLikely:
    """The fall of targets under changes, beside the fall of tokens that were as likely.

    A change that has nothing to do with the target does to it what it does to any token with that
    probability. Those do not stay as they are: what is likely falls on average whatever is changed,
    as every selected extreme does (regression to the mean). So the control is the regression of
    the fall of log-probability on the log-probability before, over the 256 tokens nearest to the
    target's; one more token of that probability falls within Student's t of it. In a model with
    random weights, where every token is as good as another, this holds for the model's own
    likeliest token too, however large the weights are and however few tokens attention looks at.
    The regression goes no further than the likeliest of as many random tokens would be: a target
    that stands out more than that does not owe it to selection.

    Of a target pair each token has its own control, and the two are taken as independent. Of
    several prompts the mean is held against the mean: what one target token is compared with is the
    same in all prompts that read it, so that what they have in common is not averaged away.

    Args:
        targets: Of each prompt.
        clean: Log-probabilities where they are read, as the model is.
        n: How many changes each prompt has (positions that are cut off, for instance).

    >>> clean = torch.tensor([[-1.0, -1.0, -1.1, -1.2, -1.3]])
    >>> known = AsLikely([Target(0)], clean, 1)
    >>> fell = torch.tensor([2.0, 0.1, -0.1, 0.1, -0.1])
    >>> known.add(0, [0], fell[None, known.tokens(0)])
    >>> known.falls[0].tolist(), bool(known.bound(0.95)[0] < 2)
    ([2.0], True)
    """

    def __init__(
        self, targets: Sequence[Target], clean: Float[Tensor, "prompt vocab"], n: int
    ) -> None:
        self.falls: Float[Tensor, "prompt change"] = torch.full((len(targets), n), math.nan)
        self._expected = torch.zeros(n)
        # Of each prompt the tokens that are read, and whether they count for or against.
        self._signs: list[dict[int, int]] = [
            {target.id: 1} if target.against is None else {target.id: 1, target.against: -1}
            for target in targets
        ]
        self._clean = clean.float().cpu()
        self._controls = {id: self._nearest(id) for id in {*self._all()}}
        # What the regression leaves of each control token, summed over prompts with their signs.
        self._left = {id: torch.zeros(n, len(own)) for id, own in self._controls.items()}

    def _all(self) -> list[int]:
        return [id for signs in self._signs for id in signs]

    def _nearest(self, id: int) -> Int[Tensor, " token"]:
        """The tokens whose mean log-probability is nearest to this one's, where it is read."""
        rows = [at for at, signs in enumerate(self._signs) if id in signs]
        log = self._clean[rows].mean(0)
        away = (log - log[id]).abs().nan_to_num(math.inf, math.inf)
        away[self._all()] = math.inf
        order = away.argsort()
        return order[: min(CONTROLS, int(away.isfinite().sum()))]

    def tokens(self, prompt: int) -> Int[Tensor, " token"]:
        """What `add` takes the falls of: each target, with its controls behind it."""
        parts = [torch.cat([torch.tensor([id]), self._controls[id]]) for id in self._signs[prompt]]
        return torch.cat(parts)

    def add(
        self, prompt: int, changes: Sequence[int], falls: Float[Tensor, "change token"]
    ) -> None:
        """How much the log-probability of each of `tokens` falls under some changes."""
        signs = self._signs[prompt]
        parts = falls.split([1 + len(self._controls[id]) for id in signs], -1)
        total = torch.zeros(len(changes))
        for (id, sign), part in zip(signs.items(), parts, strict=True):
            before = self._clean[prompt, self._controls[id]]
            own, others = part[:, 0], part[:, 1:]
            total += sign * own
            if len(before) < 3:
                self._left[id][changes] = math.nan
                continue
            away = before - before.mean()
            reach = self._at(prompt, id) - float(before.mean())
            squares = float(away.square().sum())
            mean = others.mean(-1, keepdim=True)
            slope = torch.zeros_like(mean)
            further = 1 + 1 / len(before)
            if squares > _FLAT * len(before):
                slope = (others @ away)[:, None] / squares
                further += reach**2 / squares
            self._expected[changes] += sign * (mean + slope * reach)[:, 0]
            left = others - mean - slope * away
            self._left[id][changes] += sign * math.sqrt(further) * left
        self.falls[prompt, changes] = total

    def _at(self, prompt: int, id: int) -> float:
        """The target's log-probability, or, if less, the highest that selection gives a token."""
        log = self._clean[prompt]
        others = torch.cat([log[:id], log[id + 1 :]])
        others = others[others.isfinite()].double()
        # One in twenty vocabularies has a token that is further out.
        most = float(ndtri(1 - 0.05 / len(others)) * others.std())
        middle = float(others.mean())
        return min(max(float(log[id]), middle - most), middle + most)

    @property
    def expected(self) -> Float[Tensor, " change"]:
        """The mean fall of tokens as likely; NaN before every prompt is there."""
        missing = self.falls.isnan().any(0)
        return (self._expected / len(self.falls)).masked_fill(missing, math.nan)

    def bound(self, confidence: float, tests: int = 1) -> Float[Tensor, " change"]:
        """What none of as many further tokens as there are `tests` is above (Bonferroni)."""
        variance = torch.zeros_like(self._expected)
        freedom = math.inf
        for left in self._left.values():
            freedom = min(freedom, left.shape[1] - 2)
            variance += left.square().sum(1) / max(1, left.shape[1] - 2)
        if freedom < 1:
            return torch.full_like(variance, math.nan)
        # (`t_quantile` has two sides.)
        t = t_quantile(max(0.0, 1 - 2 * (1 - confidence) / tests), int(freedom))
        return self.expected + t * variance.sqrt() / len(self.falls)
