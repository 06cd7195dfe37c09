"""How sure a mean over a few sequences is, and where a further draw would be: Student's t.

A mean of shares gets its interval on the logit scale, and so stays between 0 and 1.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from scipy.special import ndtri, stdtr, stdtrit
from torch import Tensor

from circuit_widgets.results.score import Score

# The bounds of a share: attention, how often.
SHARE = (0.0, 1.0)


def score_of(
    samples: Float[Tensor, "sample ..."],
    control: Float[Tensor, "sample ..."] | None,
    confidence: float,
    chance: float | None = None,
    *,
    bounds: tuple[float, float] | None = None,
) -> Score:
    """A score from one value per sequence, with its nulls.

    bounds: between which a sample is, such as `SHARE`; its intervals stay there.

    >>> score = score_of(torch.tensor([0.8, 1.0]), torch.tensor([0.0, 0.2]), 0.95, chance=0.1)
    >>> float(score.value), float(score.control)
    (0.8999999761581421, 0.10000000149011612)
    """
    value, low, high = mean_interval(samples, confidence, bounds)
    nulls = {} if chance is None else {"chance": torch.tensor(chance)}
    if control is not None:
        names = ("control", "control_low", "control_high")
        nulls |= dict(zip(names, mean_interval(control, confidence, bounds), strict=True))
    return Score(value=value, low=low, high=high, **nulls)


def mean_interval(
    samples: Float[Tensor, "sample ..."],
    confidence: float,
    bounds: tuple[float, float] | None = None,
) -> tuple[Float[Tensor, "*heads"], Float[Tensor, "*heads"], Float[Tensor, "*heads"]]:
    """Mean over samples, and the low and high end of its two-sided confidence interval.

    t, not a bootstrap: with the 4 to 30 sequences of a probe a percentile bootstrap is too narrow
    (it lacks both the n - 1 and the wider tails of t), and t needs no random numbers.

    bounds: of values that cannot lie elsewhere. t is then taken on the logit scale, with the
    standard error by the delta method (Korn & Graubard 1998, Survey Methodology 24(2); in R
    `svyciprop(method="logit")`). Such an interval ends within the bounds, and of skewed samples it
    holds the mean more often than a plain one: of two draws of Beta(1, 9) 95 instead of 92 %, of
    four 94 instead of 90 %. Where all samples are the same, both ends are the mean.

    With one sample nothing is known about the spread: both ends are NaN.

    >>> mean_interval(torch.tensor([1.0, 2.0, 3.0]), 0.95)
    (tensor(2.), tensor(-0.4841), tensor(4.4841))
    >>> mean_interval(torch.tensor([0.7, 0.8, 0.9]), 0.95, SHARE)
    (tensor(0.8000), tensor(0.4585), tensor(0.9497))
    """
    n = samples.shape[0]
    mean = samples.mean(0)
    if n < 2 or not mean.numel():
        missing = torch.full_like(mean, math.nan)
        return mean, missing, missing.clone()
    half = t_quantile(confidence, n - 1) * samples.std(0) / math.sqrt(n)
    if bounds is None:
        return mean, mean - half, mean + half
    least, most = bounds
    # In double: near an end float32 has no share between it and the mean.
    share = ((mean.double() - least) / (most - least)).clamp(0, 1)
    slope = share * (1 - share)
    away = torch.where(slope > 0, half.double() / (most - least) / slope, 0.0)
    middle = torch.logit(share)
    low, high = (
        (least + (most - least) * torch.sigmoid(middle + by)).to(mean.dtype) + 0 * mean
        for by in (-away, away)
    )
    return mean, low, high


def share_interval(
    samples: Float[Tensor, "sample ..."], confidence: float
) -> tuple[Float[Tensor, "*heads"], Float[Tensor, "*heads"], Float[Tensor, "*heads"]]:
    """How often something happens, with Wilson's score interval (Wilson 1927, JASA 22).

    For samples that are 0 or 1. It says something where all are the same too: 4 of 4 may be a share
    of 0.51 (`mean_interval` has no spread to go by there). Where a sample is itself a share, it is
    wider than needed: no share varies more than a 0 or 1 of the same mean.

    >>> share_interval(torch.ones(4), 0.95)
    (tensor(1.), tensor(0.5101), tensor(1.))
    """
    n, mean = samples.shape[0], samples.mean(0)
    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    middle = (mean.double() + z2 / (2 * n)) / (1 + z2 / n)
    spread = (mean.double() * (1 - mean.double()) / n + z2 / (4 * n**2)).clamp(min=0).sqrt()
    half = math.sqrt(z2) * spread / (1 + z2 / n)
    low, high = (middle - half).clamp(min=0), (middle + half).clamp(max=1)
    return mean, low.to(mean.dtype), high.to(mean.dtype)


def mean_of_known(
    samples: Float[Tensor, "sample ..."],
    confidence: float,
    bounds: tuple[float, float] | None = None,
) -> tuple[Float[Tensor, "*rest"], Float[Tensor, "*rest"], Float[Tensor, "*rest"]]:
    """As `mean_interval`, where not every sample has every value: NaN is left out of its mean.

    Where one sample is left there is no interval, where none is left no mean. The order of samples
    changes no bit of it.

    >>> missing = float("nan")
    >>> mean_of_known(torch.tensor([[1.0, missing], [3.0, 5.0], [2.0, missing]]), 0.95)
    (tensor([2., 5.]), tensor([-0.4841,     nan]), tensor([4.4841,    nan]))
    """
    # (NaN is sorted behind all numbers.)
    columns = samples.reshape(len(samples), math.prod(samples.shape[1:])).sort(0).values
    n_known = columns.isfinite().sum(0)
    found = torch.full((3, columns.shape[1]), math.nan, dtype=samples.dtype)
    for n in n_known[n_known > 0].unique().tolist():
        at = n_known == n
        found[:, at] = torch.stack(mean_interval(columns[:n, at], confidence, bounds))
    mean, low, high = (each.view(samples.shape[1:]) for each in found)
    return mean, low, high


def deviation_of_known(samples: Float[Tensor, "sample ..."]) -> Float[Tensor, "*rest"]:
    """Standard deviation of what is known; NaN where that is one value or none.

    >>> deviation_of_known(torch.tensor([[1.0, 5.0], [3.0, float("nan")], [2.0, float("nan")]]))
    tensor([1., nan])
    """
    columns = samples.reshape(len(samples), math.prod(samples.shape[1:])).sort(0).values
    n = columns.isfinite().sum(0)
    square = (columns - columns.nanmean(0)).square().nansum(0)
    return (square / (n - 1).clamp(min=1)).sqrt().where(n > 1, math.nan).view(samples.shape[1:])


def highest_of(
    draws: Float[Tensor, "draw ..."], n: int, confidence: float
) -> Float[Tensor, "*rest"]:
    """What the highest of `n` further draws of a share stays below, as often as `confidence` says.

    The null of an extreme is the extreme's: the best of 270 heads is compared with the best of 270
    random ones. All n are below a bound with the n-th power of how often one is. That quantile of
    one is read from the draws, and as if they were normal on the logit scale, which reaches beyond
    the highest of them; the higher of both is given.

    >>> draws = torch.rand(512, generator=torch.Generator().manual_seed(0)) / 2 + 0.2
    >>> [round(float(highest_of(draws, n, 0.95)), 2) for n in (1, 36, 270)]
    [0.69, 0.84, 0.88]
    """
    logits = torch.logit(draws.double(), eps=1e-6)
    one = confidence ** (1 / n)
    normal = torch.sigmoid(logits.mean(0) + float(ndtri(one)) * logits.std(0))
    return torch.maximum(normal.to(draws.dtype), draws.quantile(one, dim=0))


def mean_p(samples: Float[Tensor, "sample ..."]) -> Float[Tensor, "*heads"]:
    """P of a mean as far from 0, either side, if samples were about 0 (Student's t).

    NaN with one sample, or where all are the same.

    >>> round(float(mean_p(torch.tensor([1.0, 2.0, 3.0]))), 3)
    0.074
    """
    n = samples.shape[0]
    if n < 2:
        return torch.full_like(samples.mean(0), math.nan)
    t = samples.mean(0) / (samples.std(0) / math.sqrt(n))
    p = 2 * stdtr(n - 1, -t.abs().double().cpu().numpy())
    return torch.as_tensor(p).to(samples)


def t_quantile(confidence: float, freedom: float) -> float:
    """T with P(|T| < t) = confidence, for some degrees of freedom.

    >>> round(t_quantile(0.95, 9), 3)
    2.262
    """
    return float(stdtrit(freedom, (1 + confidence) / 2))


def further_draw(
    samples: Float[Tensor, " sample"], confidence: float, *, robust: bool = False
) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Float[Tensor, ""]]:
    """The middle of some draws, and between what one more of them would be (Student's t).

    A prediction interval: what a single effect is compared with is single random effects, not their
    mean. With one draw nothing is known about the spread, with none about the middle: NaN.

    robust: by the median and the median deviation. Where some of the random draws are as real as
    what is in question, one strong draw must not hide the others. A median deviation knows the
    spread less well than a standard deviation: as that of about a third as many draws.

    >>> further_draw(torch.tensor([1.0, 2.0, 3.0]), 0.95)
    (tensor(2.), tensor(-2.9683), tensor(6.9683))
    >>> further_draw(torch.tensor([1.0, 2.0, 3.0, 90.0]), 0.95, robust=True)[0]
    tensor(2.5000)
    """
    n = len(samples)
    missing = samples.new_full((), math.nan)
    if not n:
        return missing, missing.clone(), missing.clone()
    middle = samples.quantile(0.5) if robust else samples.mean()
    if n < 2:
        return middle, missing, missing.clone()
    # A median deviation is 0.67 standard deviations where values are normal.
    deviation = (samples - middle).abs().quantile(0.5) / ndtri(0.75)
    spread = deviation if robust else samples.std()
    # Fitted to 4 to 24 normal draws: it holds one more as often as it says, or a little more often.
    freedom = 0.345 * n + 0.2 if robust else n - 1
    half = t_quantile(confidence, freedom) * math.sqrt(1 + 1 / n) * spread
    return middle, middle - half, middle + half


def middle_of(
    draws: Float[Tensor, "*heads draw"], confidence: float
) -> tuple[Float[Tensor, "*heads"], Float[Tensor, "*heads"], Float[Tensor, "*heads"]]:
    """The mean of a null's draws, and between what a share `confidence` of them are.

    >>> middle_of(torch.arange(101.0), 0.9)
    (tensor(50.), tensor(5.), tensor(95.))
    """
    if not draws.numel():  # Of no heads.
        return draws.sum(-1), draws.sum(-1), draws.sum(-1)
    outside = (1 - confidence) / 2
    ends = torch.tensor([outside, 1 - outside], dtype=torch.double)
    low, high = draws.double().quantile(ends, dim=-1).float()
    return draws.mean(-1), low, high


def all_within(
    draws: Float[Tensor, "part draw"], confidence: float
) -> tuple[Float[Tensor, " part"], Float[Tensor, " part"]]:
    """Between what all parts of one more draw are at once, as often as `confidence` says.

    The null of an extreme is the extreme's: of a draw, the part that is furthest from its own mean,
    in its own spread (the largest statistic of Westfall & Young 1993, Resampling-Based Multiple
    Testing). Each draw is compared with the others, as one more draw is with all of them. Ends are
    infinite where there are too few draws for the confidence.

    >>> draws = torch.randn(300, 256, generator=torch.Generator().manual_seed(0))
    >>> low, high = all_within(draws, 0.95)
    >>> bool(low.mean() < -3.5), bool(high.mean() > 3.5)
    (True, True)
    """
    draws = draws.double()
    n = draws.shape[1]
    mean, spread = draws.mean(1), draws.std(1)
    away = draws - mean[:, None]
    # Mean and standard deviation of the others of each draw.
    beside = away * n / (n - 1)
    squares = (n - 1) * spread.square()[:, None] - away.square() * n / (n - 1)
    others = (squares.clamp(min=0) / (n - 2) * (1 + 1 / (n - 1))).sqrt()
    # Where all draws are the same but for rounding, so is one more.
    rounding = 1e-6 * float(draws.abs().max())
    far = torch.where(spread[:, None] > rounding, beside.abs() / others, 0)
    furthest = far.nan_to_num(0, posinf=math.inf).amax(0).sort().values
    last = math.ceil(confidence * (n + 1)) - 1
    bar = float(furthest[last]) if last < n else math.inf
    half = (bar * math.sqrt(1 + 1 / n) * spread).nan_to_num(0, posinf=math.inf) + rounding
    return (mean - half).float(), (mean + half).float()


def ratio_interval(
    parts: Float[Tensor, "sample ..."], wholes: Float[Tensor, " sample"], confidence: float
) -> tuple[Float[Tensor, "*rest"], Float[Tensor, "*rest"], Float[Tensor, "*rest"]]:
    """The ratio of two means over the same samples, with its interval (Fieller 1954).

    Of means, not the mean of ratios, which one small whole throws off. Where the mean of the wholes
    may be 0 there is no ratio, and all three are NaN; with one sample there is no interval.

    >>> parts, wholes = torch.tensor([1.0, 2.0, 3.0, 2.0]), torch.tensor([5.0, 7.0, 6.0, 6.0])
    >>> ratio_interval(parts, wholes, 0.95)
    (tensor(0.3333), tensor(0.1294), tensor(0.5209))
    """
    n, part, whole = len(parts), parts.double().mean(0), wholes.double().mean()
    missing = torch.full(part.shape, math.nan)
    if n < 2:
        return (part / whole).float() if whole != 0 else missing, missing, missing.clone()
    t, off = t_quantile(confidence, n - 1), wholes.double() - whole
    apart = parts.double() - part
    one, both = (apart**2).sum(0), (off @ apart.flatten(1) if apart.ndim > 1 else off @ apart)
    spread = t**2 / n / (n - 1)
    # Roots of (part - r whole)^2 = t^2 var(part - r whole).
    a = whole**2 - spread * (off**2).sum()
    if not bool(a > 0):
        return missing, missing.clone(), missing.clone()
    b, c = part * whole - spread * both.view(part.shape), part**2 - spread * one
    half = (b**2 - a * c).clamp(min=0).sqrt()
    return (part / whole).float(), ((b - half) / a).float(), ((b + half) / a).float()
