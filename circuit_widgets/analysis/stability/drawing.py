"""A model's circuit and its roles, in the sample and in draws of prompts or of places."""

from __future__ import annotations

import dataclasses

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.analysis.stability.measuring import Measured
from circuit_widgets.attention.roles import role_masses
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.choosing import of_size, of_size_or_all
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.random_places import random_places
from circuit_widgets.statistics.overlaps import (
    jaccard,
    means_of,
    shared_mass,
)
from circuit_widgets.statistics.ranks import rank_correlation


@dataclasses.dataclass(frozen=True, eq=False)
class Drawn:
    """Several versions of one model's circuit.

    Attributes:
        kept: Its edges.
        score: Mean scores.
        masses: Which share of the circuit's heads' weight each role has; the last: none of them.
    """

    kept: Bool[Tensor, "draw source target"]
    score: Float[Tensor, "draw source target"]
    masses: Float[Tensor, "draw kind"]


def sample_of(measured: Measured, size: int) -> Drawn:
    """The one version that there is.

    Raises:
        ValueError: No path is as small.
    """
    score = measured.score[None]
    kept = of_size(score[0].abs(), size, measured.nodes)[None]
    return Drawn(kept, score, _masses(measured, kept, score))


def resampled_of(measured: Measured, size: int, rows: Int[Tensor, "draw n"]) -> Drawn:
    """One version for each draw of the prompts; circuits are chosen anew."""
    score = means_of(measured.samples, rows)
    found = []
    for each in score:
        check_stop()
        found.append(of_size_or_all(each.abs(), size, measured.nodes))
    kept = torch.stack(found)
    return Drawn(kept, score, _masses(measured, kept, score))


def replaced_of(measured: Measured, sample: Drawn, n: int, seed: int) -> Drawn:
    """The sample's circuit with the heads of each layer in random places, n times."""
    generator = torch.Generator().manual_seed(seed)
    kept, score, masses = [], [], []
    heads, profiles = heads_of(measured.nodes), profiles_of(measured)
    weights = weights_of(sample.kept[0], sample.score[0])
    for _ in range(n):
        check_stop()
        places = random_places(measured.nodes, generator)
        kept.append(places.of(sample.kept[0]))
        score.append(places.of(sample.score[0]))
        masses.append(role_masses(profiles, weights[places.sources][heads]))
    return Drawn(torch.stack(kept), torch.stack(score), torch.stack(masses))


def heads_of(nodes: Nodes) -> Int[Tensor, " head"]:
    """Which of the sources are heads."""
    return torch.tensor([at for at, each in enumerate(nodes.sources) if each.head is not None])


def profiles_of(measured: Measured) -> Float[Tensor, "role head"]:
    """How much of each role every head has, in the order of the sources."""
    mean = measured.roles.mean(1).nan_to_num()
    sources = [each for each in measured.nodes.sources if each.head is not None]
    return torch.stack([mean[:, each.layer, each.head] for each in sources], 1)


def weights_of(
    kept: Bool[Tensor, "*draw source target"], score: Float[Tensor, "*draw source target"]
) -> Float[Tensor, "*draw source"]:
    """How much each source does in a circuit: the sizes of the scores of its edges."""
    return (score.nan_to_num().abs() * kept).sum(-1)


def _masses(
    measured: Measured, kept: Bool[Tensor, "draw ..."], score: Float[Tensor, "draw ..."]
) -> Float[Tensor, "draw kind"]:
    weights = weights_of(kept, score)[:, heads_of(measured.nodes)]
    return role_masses(profiles_of(measured), weights)


def shared_edges(one: Drawn, other: Drawn) -> Float[Tensor, " draw"]:
    """Jaccard of the circuits of two models that have the same parts."""
    return jaccard(one.kept.flatten(1), other.kept.flatten(1))


def shared_roles(one: Drawn, other: Drawn) -> Float[Tensor, " draw"]:
    """The same of the role masses, for any two models."""
    return shared_mass(one.masses, other.masses)


def correlated(one: Drawn, other: Drawn, nodes: Nodes) -> Float[Tensor, " draw"]:
    """Spearman's, of the scores of all edges."""
    return rank_correlation(one.score[:, nodes.allowed], other.score[:, nodes.allowed])
