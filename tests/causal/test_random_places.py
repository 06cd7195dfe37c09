"""Heads in random places: the graph stays, and every order is as likely."""

from __future__ import annotations

import collections

import pytest
import torch

from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.random_places import random_places

GRAPHS = [
    Nodes((4, 4), (4, 4), ("", "")),
    Nodes((6, 4), (2, 1), ("after", "beside")),
]


@pytest.mark.parametrize("nodes", GRAPHS)
def test_the_graph_is_the_same(nodes: Nodes) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        places = random_places(nodes, generator)
        assert torch.equal(places.of(nodes.allowed), nodes.allowed)
        # Readers move with their heads.
        assert torch.equal(nodes.feeds[places.targets][:, places.sources], nodes.feeds)
        for at, source in enumerate(nodes.sources):
            moved = nodes.sources[int(places.sources[at])]
            assert moved.layer == source.layer and (moved.head is None) == (source.head is None)


def test_every_order_is_as_likely() -> None:
    nodes, generator = Nodes((3,), (3,), ("",)), torch.Generator().manual_seed(0)
    seen = collections.Counter(
        tuple(random_places(nodes, generator).sources.tolist()) for _ in range(1200)
    )
    assert len(seen) == 6 and all(140 < n < 260 for n in seen.values())


def test_heads_of_a_group_stay_together() -> None:
    nodes, generator = Nodes((4,), (2,), ("",)), torch.Generator().manual_seed(0)
    orders = {tuple((random_places(nodes, generator).sources - 1).tolist()) for _ in range(400)}
    groups = [{0, 1}, {2, 3}]
    assert len(orders) == 1 + 7
    assert all({*order[1:3]} in groups for order in orders)
