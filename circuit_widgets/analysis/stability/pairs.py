"""How alike the circuits of every two models are, and what of it is chance or prompts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.stability.drawing import (
    Drawn,
    correlated,
    replaced_of,
    resampled_of,
    sample_of,
    shared_edges,
    shared_roles,
)
from circuit_widgets.analysis.stability.measuring import Measured
from circuit_widgets.analysis.stability.results import BY_EDGES, BY_ROLES
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import all_within, middle_of
from circuit_widgets.statistics.overlaps import bootstrap_interval, corrected, resampled, split

# Versions with heads in random places, and numbers that all of them may have together.
PLACES, _FLIGHT = 400, 2**25
# Halves of the prompts; each costs two circuits a model.
SPLITS = 20


@dataclasses.dataclass(frozen=True, eq=False)
class Versions:
    """Of each model its circuit, and versions of it.

    Attributes:
        sample: The one there is.
        draws: Of a bootstrap over prompts; the same prompts in all models where they have the same.
        places: With the heads of each layer in random places.
        halves: Found on halves of the prompts that have nothing in common.
    """

    sample: tuple[Drawn, ...]
    draws: tuple[Drawn, ...]
    places: tuple[Drawn, ...]
    halves: tuple[tuple[Drawn, Drawn], ...]


def versions(models: Sequence[Measured], sizes: Sequence[int], draws: int, seed: int) -> Versions:
    """All of them.

    Raises:
        ValueError: No path is as small as its size.
    """
    sample = [sample_of(one, size) for one, size in zip(models, sizes, strict=True)]
    shared = same_prompts(models)
    largest = max(one.nodes.allowed.numel() for one in models)
    places = min(PLACES, max(100, _FLIGHT // largest))
    drawn, placed, halved = [], [], []
    for at, (one, size) in enumerate(zip(models, sizes, strict=True)):
        own, n = seed if shared else seed + at, len(one.samples)
        drawn.append(resampled_of(one, size, resampled(n, draws, own)))
        placed.append(replaced_of(one, sample[at], places, seed + at))
        first, second = (resampled_of(one, size, half) for half in split(n, SPLITS, own))
        halved.append((first, second))
    return Versions(tuple(sample), tuple(drawn), tuple(placed), tuple(halved))


def same_prompts(models: Sequence[Measured]) -> bool:
    """Whether all models were measured on the same prompts, token by token."""
    first = models[0].found
    return all(
        one.found.clean.shape == first.clean.shape
        and torch.equal(one.found.clean.cpu(), first.clean.cpu())
        and torch.equal(one.found.corrupt.cpu(), first.corrupt.cpu())
        for one in models
    )


Alike = Callable[[Drawn, Drawn], Float[Tensor, " draw"]]


@dataclasses.dataclass(frozen=True, eq=False)
class Matrices:
    """One likeness, of every two models; see `CrossModelStability`."""

    value: Score
    raw: Float[Tensor, "model other"]
    chance: Float[Tensor, "model other"]
    halves: Score


def matrices(
    of: Versions,
    alike: Callable[[int, int], Alike | None],
    n: Int[Tensor, " model"],
    confidence: float,
    correct: bool = True,
) -> Matrices:
    """The likeness of every two models, with intervals, chance and halves.

    alike: how two models are compared; None: not.
    n: On how many prompts each was measured.
    correct: For chance: 0 is what chance gives.
    """
    n_models = len(of.sample)
    parts = {name: torch.full((n_models, n_models), math.nan) for name in _PARTS}
    nulls: dict[tuple[int, int], Tensor] = {}
    for i in range(n_models):
        for j in range(i, n_models):
            how = alike(i, j)
            if how is None:
                continue
            found, null = _pair(of, i, j, how, int(min(n[i], n[j])), confidence, correct)
            for name, number in found.items():
                parts[name][i, j] = parts[name][j, i] = number
            if i != j:
                nulls[i, j] = null
    _extremes(parts, nulls, confidence)
    main = {name: parts[name] for name in _PARTS if not name.startswith(("raw", "chance", "half"))}
    halves = Score(parts["half"], low=parts["half_low"], high=parts["half_high"])
    return Matrices(Score(**main), parts["raw"], parts["chance"], halves)


_PARTS = (
    *("value", "low", "high", "control", "control_low", "control_high"),
    *("extreme_low", "extreme_high", "raw", "chance", "half", "half_low", "half_high"),
)


def _pair(
    of: Versions, i: int, j: int, how: Alike, n: int, confidence: float, correct: bool
) -> tuple[dict[str, Tensor], Tensor]:
    raw = how(of.sample[i], of.sample[j])[0]
    null = how(of.sample[i] if i == j else of.places[i], of.places[j])
    chance = null.mean()

    def scaled(values: Tensor) -> Tensor:
        return corrected(values, chance) if correct else values

    value, null = scaled(raw), scaled(null)
    drawn = scaled(how(of.draws[i], of.draws[j]))
    low, high = (value, value) if i == j else bootstrap_interval(value, drawn, n, confidence)
    pairs = [(of.halves[i][0], of.halves[j][1]), (of.halves[j][0], of.halves[i][1])]
    half = scaled(torch.stack([how(*pair) for pair in pairs]).mean(0))
    control, control_low, control_high = middle_of(null, confidence)
    found = {"value": value, "low": low, "high": high, "raw": raw, "chance": chance}
    found |= dict(zip(("half", "half_low", "half_high"), middle_of(half, confidence), strict=True))
    if i != j:
        found |= {"control": control, "control_low": control_low, "control_high": control_high}
    return found, null


def _extremes(
    parts: dict[str, Tensor], nulls: dict[tuple[int, int], Tensor], confidence: float
) -> None:
    """Between what all pairs are at once by chance; missing where no head has another place."""
    known = {pair: null for pair, null in nulls.items() if bool(null.isfinite().all())}
    if not known:
        return
    low, high = all_within(torch.stack([*known.values()]), confidence)
    for (i, j), least, most in zip(known, low, high, strict=True):
        parts["extreme_low"][i, j] = parts["extreme_low"][j, i] = least
        parts["extreme_high"][i, j] = parts["extreme_high"][j, i] = most


def by_of(models: Sequence[Measured]) -> tuple[tuple[str, ...], ...]:
    """How every two models are compared."""
    return tuple(
        tuple(BY_EDGES if one.nodes == other.nodes else BY_ROLES for other in models)
        for one in models
    )


def all_matrices(
    models: Sequence[Measured], of: Versions, confidence: float
) -> dict[str, Matrices]:
    """By edges where parts are the same and by roles elsewhere; ranks; roles."""
    by = by_of(models)
    n = torch.tensor([len(one.samples) for one in models])

    def overlap(i: int, j: int) -> Alike:
        return shared_edges if by[i][j] == BY_EDGES else shared_roles

    def ranks(i: int, j: int) -> Alike | None:
        if by[i][j] != BY_EDGES:
            return None
        return lambda one, other: correlated(one, other, models[i].nodes)

    return {
        "overlap": matrices(of, overlap, n, confidence),
        "correlation": matrices(of, ranks, n, confidence, correct=False),
        "roles": matrices(of, lambda i, j: shared_roles, n, confidence),
    }
