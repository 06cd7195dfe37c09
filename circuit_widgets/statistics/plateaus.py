"""Does a profile over depth stand on three plateaus, and where does one end and the next begin?

Every profile is fitted a little better by three constants than by one. Three plateaus are claimed
where all of these hold:

- On prompts that the fit has not seen they come closer than a straight line, and than a cubic,
  which has as many numbers to fit with: what changes smoothly with depth has no levels. Both in
  nearly all of the ways to halve the prompts.
- Layers in random order are not fitted as well by the best of all their splits.
- Nor are two plateaus, whose layers are each in random order: two levels are not three.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.statistics.percentiles import percentiles

# A place that differs from all others is no plateau.
LEAST = 2
PLATEAUS = 3
# Of 6 places in random order one in 15 stands on three plateaus of two: none is as rare as 5 %.
PLACES = 7
_ORDERS, _HALVES, _DRAWS = 999, 40, 400
_CUBIC = 3


@dataclasses.dataclass(frozen=True)
class Plateaus:
    """The three constants that fit best, and how well they do.

    Attributes:
        starts: Where the second and the third plateau begin.
        low, high: Their intervals over samples (bootstrap).
        error: What three constants leave of the variance over places, of held-out samples.
        line, curve: What a straight line and a cubic leave.
        closer: In which share of halvings the constants come closer than both.
        p_order: How often places in random order are fitted as well.
        p_third: How often two plateaus are fitted as well by a third one.
        there: Whether three plateaus are claimed.
        why: Why not, as a clause; "" where they are.
    """

    starts: tuple[int, int]
    low: tuple[int, int]
    high: tuple[int, int]
    error: float
    line: float
    curve: float
    closer: float
    p_order: float
    p_third: float
    there: bool
    why: str


def plateaus(
    profile: Float[Tensor, "sample place feature"], confidence: float = 0.95, seed: int = 0
) -> Plateaus | str:
    """Three plateaus of several features at once, or a clause: why none can be looked for.

    Features that are the same everywhere, or missing somewhere, are left out; of the others each
    counts in units of its standard deviation over places.

    >>> noise = torch.randn(8, 12, 4, generator=torch.Generator().manual_seed(0)) / 8
    >>> steps = torch.tensor([0.0] * 3 + [1.0] * 5 + [3.0] * 4)[:, None]
    >>> found = plateaus(steps + noise)
    >>> found.starts, found.there
    ((3, 8), True)
    >>> plateaus(torch.linspace(0, 3, 12)[:, None] + noise).there
    False
    """
    n, places, _ = profile.shape
    if places < PLACES:
        return f"levels take {PLACES} layers or more, and there are {places}"
    if n < 4:
        return f"levels take 4 prompts or more, and there are {n}"
    values = _scaled(profile.double())
    if not values.shape[-1]:
        return "nothing that was measured differs between layers"
    generator = torch.Generator().manual_seed(seed)
    mean = values.mean(0)
    starts, left = best_split(mean[None])
    found = _pair(starts[0])
    errors = _held_out(values, generator)
    error, line, curve = errors.mean(1).tolist()
    closer = float((errors[0] < errors[1:].amin(0)).double().mean())
    orders = torch.stack([torch.randperm(places, generator=generator) for _ in range(_ORDERS)])
    p_order = _share(best_split(mean[orders])[1], left)
    p_third = _third(mean, float(left), generator)
    draws = torch.randint(n, (_DRAWS, n), generator=generator)
    drawn = best_split(values[draws].mean(1))[0].double()
    low, high = percentiles(drawn, confidence, "nearest")
    why = _why(closer, error, line, curve, p_order, p_third, confidence)
    return Plateaus(
        starts=found,
        low=_pair(low),
        high=_pair(high),
        error=error,
        line=line,
        curve=curve,
        closer=closer,
        p_order=p_order,
        p_third=p_third,
        there=not why,
        why=why,
    )


def best_split(
    profile: Float[Tensor, "draw place feature"], n: int = PLATEAUS
) -> tuple[Int[Tensor, "draw boundary"], Float[Tensor, " draw"]]:
    """Where n constants fit best, all splits tried, and the squares that they leave.

    >>> best_split(torch.tensor([[[0.0], [0.0], [1.0], [1.0], [1.0]]]), n=2)
    (tensor([[2]]), tensor([0.]))
    """
    places = profile.shape[1]
    zero = torch.zeros_like(profile[:, :1])
    sums = torch.cat([zero, profile.cumsum(1)], 1)
    squares = torch.cat([zero, profile.square().cumsum(1)], 1).sum(-1)
    starts = range(LEAST, places - LEAST + 1)
    splits = [
        split
        for split in itertools.combinations(starts, n - 1)
        if all(after - before >= LEAST for before, after in itertools.pairwise(split))
    ]
    at = torch.tensor(splits).reshape(len(splits), n - 1)
    cost = torch.zeros(len(profile), len(splits), dtype=profile.dtype)
    first, last = torch.zeros(len(splits), dtype=torch.long), torch.full((len(splits),), places)
    edges = [first, *at.unbind(1), last]
    # Each stretch once, however many splits it is in.
    spans = torch.full((len(profile), places + 1, places + 1), math.inf, dtype=profile.dtype)
    for start in range(places):
        stops = torch.arange(start + 1, places + 1)
        inside = (sums[:, start + 1 :] - sums[:, start, None]).square().sum(-1)
        gone = squares[:, start + 1 :] - squares[:, start, None]
        spans[:, start, start + 1 :] = (gone - inside / (stops - start)).clamp(min=0)
    for start, stop in itertools.pairwise(edges):
        cost += spans[:, start, stop]
    least, best = cost.min(1)
    return at[best], least


def _scaled(profile: Tensor) -> Tensor:
    spread = profile.mean(0).std(0)
    usual = profile.abs().mean((0, 1))
    kept = profile.isfinite().all(0).all(0) & (spread > 1e-9 * usual)
    return profile[..., kept] / spread[kept]


def _held_out(values: Tensor, generator: torch.Generator) -> Float[Tensor, "fit halving"]:
    """What constants, a line and a cubic leave of the other half's variance over places."""
    n, places, _ = values.shape
    depth = torch.linspace(-1, 1, places, dtype=values.dtype)
    found = []
    for _ in range(_HALVES):
        order = torch.randperm(n, generator=generator)
        one, other = (values[half].mean(0) for half in (order[: n // 2], order[n // 2 :]))
        left = torch.zeros(3, dtype=values.dtype)
        for fitted, held in ((one, other), (other, one)):
            whole = (held - held.mean(0)).square().sum()
            fits = [_constants(fitted), *(_curve(fitted, depth, of) for of in (1, _CUBIC))]
            left += torch.stack([(held - fit).square().sum() / whole for fit in fits]) / 2
        found.append(left)
    return torch.stack(found, 1)


def _constants(values: Float[Tensor, "place feature"]) -> Float[Tensor, "place feature"]:
    edges = [0, *best_split(values[None])[0][0].tolist(), len(values)]
    parts = [values[start:stop] for start, stop in itertools.pairwise(edges)]
    return torch.cat([part.mean(0).expand_as(part) for part in parts])


def _curve(values: Tensor, depth: Tensor, degree: int) -> Float[Tensor, "place feature"]:
    basis = depth[:, None] ** torch.arange(degree + 1)
    return basis @ torch.linalg.lstsq(basis, values).solution


def _third(mean: Tensor, left: float, generator: torch.Generator) -> float:
    """How often a third plateau does as much for two whose places are in random order."""
    split, two = best_split(mean[None], 2)
    start = int(split[0, 0])
    orders = torch.stack(
        [
            torch.cat(
                [
                    torch.randperm(start, generator=generator),
                    start + torch.randperm(len(mean) - start, generator=generator),
                ]
            )
            for _ in range(_ORDERS)
        ]
    )
    shuffled = mean[orders]
    ratio = best_split(shuffled)[1] / best_split(shuffled, 2)[1].clamp(min=1e-12)
    return _share(ratio, torch.tensor(left / max(1e-12, float(two))))


def _share(null: Tensor, value: Tensor) -> float:
    # What is the same but for rounding counts as as good.
    return (1 + int((null <= value * (1 + 1e-9) + 1e-12).sum())) / (1 + len(null))


def _pair(values: Tensor) -> tuple[int, int]:
    one, other = (int(value) for value in values)
    return one, other


def _why(
    closer: float,
    error: float,
    line: float,
    curve: float,
    p_order: float,
    p_third: float,
    confidence: float,
) -> str:
    least = 1 - confidence
    if p_order > least:
        return f"layers in random order are fitted as well (p = {p_order:.2g})"
    if closer < confidence:
        name, left = ("straight line", line) if line <= curve else ("cubic", curve)
        return (
            f"on held-out prompts three constants leave {100 * error:.0f} % of the profile's "
            f"variance, and a {name} leaves {100 * left:.0f} %"
        )
    if p_third > least:
        return f"two levels do as well as three (p = {p_third:.2g})"
    return ""
