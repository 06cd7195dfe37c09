"""What is in every circuit, what is in some, and what chance would put there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets.analysis.stability.drawing import Drawn, profiles_of, weights_of
from circuit_widgets.analysis.stability.measuring import Measured
from circuit_widgets.analysis.stability.pairs import Versions
from circuit_widgets.analysis.stability.results import Component
from circuit_widgets.attention.roles import ROLES
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import all_within, middle_of
from circuit_widgets.statistics.overlaps import bootstrap_interval
from circuit_widgets.statistics.percentiles import percentiles

# A role that is less of a circuit is not one that the circuit has.
LEAST = 0.1


def parts_in(
    models: Sequence[Measured], of: Versions, confidence: float
) -> tuple[tuple[Component, ...], Score]:
    """Heads and MLPs of models that have the same ones, and how many heads are in all circuits."""
    sources = models[0].nodes.sources[1:]
    heads = torch.tensor([source.head is not None for source in sources])
    sample, draws, places = (_writing(some) for some in (of.sample, of.draws, of.places))
    share, drawn, null = sample.mean(0)[0], draws.mean(0), places.mean(0)
    low, high = percentiles(drawn, confidence)
    # Best of all heads against the best of all heads.
    best = null[:, heads].amax(1)
    found = []
    for at in share.nonzero().flatten().tolist():
        # An MLP has no other place.
        head = bool(heads[at])
        found.append(
            Component(
                name=sources[at].name,
                share=float(share[at]),
                low=min(float(low[at]), float(share[at])),
                high=max(float(high[at]), float(share[at])),
                draws=tuple(draws[:, :, at].mean(1).tolist()),
                chance=float(null[:, at].mean()) if head else math.nan,
                p=_share_of(best >= share[at] - 1e-6) if head else math.nan,
            )
        )
    found.sort(key=lambda one: -one.share)
    counts = [(some[..., heads] == 1).sum(-1).float() for some in (share, drawn, null)]
    least, most = percentiles(counts[1], confidence)
    control = dict(
        zip(
            ("control", "control_low", "control_high"),
            middle_of(counts[2], confidence),
            strict=True,
        )
    )
    stable = Score(
        counts[0],
        low=torch.minimum(least, counts[0]),
        high=torch.maximum(most, counts[0]),
        **control,
    )
    return tuple(found), stable


def roles_in(
    models: Sequence[Measured], of: Versions, confidence: float
) -> tuple[tuple[Component, ...], Score]:
    """Roles that circuits have, and how much of each circuit is of each role, [model, role]."""
    value = torch.stack([one.masses[0] for one in of.sample])
    draws = torch.stack([one.masses for one in of.draws], 1)
    null = torch.stack([one.masses for one in of.places], 1)
    ends = [
        bootstrap_interval(value[at], draws[:, at], len(one.samples), confidence)
        for at, one in enumerate(models)
    ]
    low, high = (torch.stack(each) for each in zip(*ends, strict=True))
    middle, least, most = middle_of(null.permute(1, 2, 0), confidence)
    far = all_within(null.flatten(1).T, confidence)
    masses = Score(
        value,
        low=low.clamp(min=0),
        high=high,
        control=middle,
        control_low=least,
        control_high=most,
        extreme_low=far[0].view_as(value),
        extreme_high=far[1].view_as(value),
    )
    has = (value >= LEAST) & (low > middle)
    return _roles(has, _has(draws, middle), value, null, confidence), masses


def _roles(
    has: Bool[Tensor, "model kind"],
    drawn: Bool[Tensor, "draw model kind"],
    value: Float[Tensor, "model kind"],
    null: Float[Tensor, "place model kind"],
    confidence: float,
) -> tuple[Component, ...]:
    # How far above chance a role is in the circuit that has least of it, in spreads of chance.
    middle, spread = null.mean(0), null.std(0)
    known = (spread > 1e-6).all(0)
    known[-1] = False
    height = ((value - middle) / spread).amin(0)
    heights = ((null - middle) / spread).amin(1)
    best = heights[:, known].amax(1) if known.any() else heights.new_full((1,), math.nan)
    share, drawn_share = has.float().mean(0), drawn.float().mean(1)
    low, high = percentiles(drawn_share, confidence)
    by_chance = _has(null, middle).float().mean((0, 1))
    found = []
    for at, name in enumerate(ROLES):
        if not share[at]:
            continue
        found.append(
            Component(
                name=name,
                share=float(share[at]),
                low=min(float(low[at]), float(share[at])),
                high=max(float(high[at]), float(share[at])),
                draws=tuple(drawn[:, :, at].float().mean(0).tolist()),
                chance=float(by_chance[at]) if known[at] else math.nan,
                p=_share_of(best >= height[at] - 1e-6) if known[at] else math.nan,
            )
        )
    return tuple(sorted(found, key=lambda one: -one.share))


def _has(
    masses: Float[Tensor, "draw model kind"], middle: Float[Tensor, "model kind"]
) -> Bool[Tensor, "draw model kind"]:
    return (masses >= LEAST) & (masses > middle)


def role_depths(models: Sequence[Measured], of: Versions) -> Float[Tensor, "model role"]:
    """Where in each model the heads of each role are: 0 the first layer, 1 the last."""
    found = []
    for one, drawn in zip(models, of.sample, strict=True):
        sources = [each for each in one.nodes.sources if each.head is not None]
        deepest = max(1, len(one.nodes.heads) - 1)
        depth = torch.tensor([each.layer / deepest for each in sources])
        every = weights_of(drawn.kept[0], drawn.score[0])
        weight = torch.stack([every[one.nodes.source_at[each.name]] for each in sources])
        mass = profiles_of(one) * weight
        found.append((mass * depth).sum(1) / mass.sum(1))
    return torch.stack(found)


def _writing(some: Sequence[Drawn]) -> Float[Tensor, "model draw source"]:
    """Which sources write along an edge; the embedding is none of the components."""
    return torch.stack([one.kept.any(-1)[:, 1:].float() for one in some])


def _share_of(draws: Bool[Tensor, " draw"]) -> float:
    # The circuits themselves are one more such draw.
    return (1 + int(draws.sum())) / (1 + len(draws))
