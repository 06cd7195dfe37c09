"""The engine at each position: patches, paths, and several circuits in one run."""

from __future__ import annotations

import random

import networkx
import pytest
import torch

from circuit_widgets.causal.choosing import Ranking, random_strengths
from circuit_widgets.causal.nodes import EMBEDDING, OUTPUT, Nodes
from circuit_widgets.causal.on_paths import on_paths
from circuit_widgets.causal.patching import Patching
from circuit_widgets.causal.subgraph import Subgraphs
from tests.causal.test_edges_engine import CLEAN, CORRUPT, ROUNDING, made, score


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_a_patched_edge_at_a_position_is_the_model_along_all_others(name: str) -> None:
    model, nodes, runs = made(name)
    placed = nodes.by_position(CLEAN.shape[1], range(CLEAN.shape[1]))
    edges = [tuple(place) for place in placed.allowed.nonzero().tolist()]
    some = random.Random(0).sample(edges, 6)
    found = Patching(model, nodes, CLEAN, CORRUPT, score).edges(some)
    left = placed.allowed.repeat(len(some), 1, 1, 1)
    for at, place in enumerate(some):
        left[(at, *place)] = False
    for at, logits in enumerate(runs.several(left)):
        lost = score(runs.clean) - score(logits)
        assert torch.allclose(found[(slice(None), *some[at])], lost, atol=ROUNDING), some[at]
    assert found.isfinite().sum() == len(some) * len(CLEAN)


@pytest.mark.parametrize("name", ["gpt2", "native_gqa", "neox"])
@pytest.mark.parametrize("by", ["resample", "mean"])
def test_what_nothing_new_reaches_is_not_run_and_is_as_if_it_were(name: str, by: str) -> None:
    """Beside the whole model every reader runs; alone, only those of the few edges."""
    model, nodes, _ = made(name)
    runs = Subgraphs(model, nodes, CLEAN, CORRUPT, by)
    generator = torch.Generator().manual_seed(0)
    placed = nodes.by_position(CLEAN.shape[1], [CLEAN.shape[1] - 1])
    for graph in (nodes, placed):
        few = graph.allowed & (torch.rand(graph.allowed.shape, generator=generator) < 0.03)
        together = runs.several(torch.stack([few, graph.allowed]))
        assert torch.allclose(together[0], runs.logits(few), atol=ROUNDING)
        last = torch.full((len(CLEAN), 1), CLEAN.shape[1] - 1)
        assert torch.allclose(together[1][:, -1], runs.clean[:, -1], atol=ROUNDING)
        some = runs.several(few[None], last)
        assert torch.allclose(some[0, :, 0], together[0][:, -1], atol=ROUNDING)


def test_edges_at_positions_lie_on_paths_of_a_graph_by_hand() -> None:
    """Beside networkx, which knows nodes, and that heads carry to later positions."""
    nodes = Nodes((3, 2, 2), (1, 2, 1), ("after", "beside", "")).by_position(4, [1, 3])
    generator = torch.Generator().manual_seed(0)
    found = []
    for share in (0.05, 0.1, 0.15, 0.2, 0.3, 1.0):
        drawn = nodes.allowed & (torch.rand(nodes.allowed.shape, generator=generator) < share)
        graph = networkx.DiGraph()
        for position, source, target in drawn.nonzero().tolist():
            reader = nodes.targets[target]
            read = (reader.name, position, "read")
            graph.add_edge((nodes.sources[source].name, position), read)
            for name in reader.nodes:
                for place in range(position, 4) if reader.moves else [position]:
                    graph.add_edge(read, (name, place))
        starts = [(EMBEDDING, at) for at in range(4) if (EMBEDDING, at) in graph]
        ends = [(OUTPUT, at) for at in nodes.read if (OUTPUT, at) in graph]
        reached = set(starts).union(*(networkx.descendants(graph, each) for each in starts))
        leads = set(ends).union(*(networkx.ancestors(graph, each) for each in ends))
        want = torch.zeros_like(drawn)
        for position, source, target in drawn.nonzero().tolist():
            writer = (nodes.sources[source].name, position)
            read = (nodes.targets[target].name, position, "read")
            want[position, source, target] = writer in reached and read in leads
        assert torch.equal(on_paths(drawn, nodes), want)
        found.append((int(drawn.sum()), int(want.sum())))
    # Of all edges each lies on a path, of some not all do.
    assert found[-1] == (int(nodes.allowed.sum()),) * 2
    assert any(0 < kept < drawn for drawn, kept in found)


def test_random_circuits_have_the_layers_and_positions() -> None:
    nodes = Nodes((3, 3), (3, 3), ("after", "")).by_position(3, [2])
    strength = torch.rand(nodes.allowed.shape, generator=torch.Generator().manual_seed(0))
    strength = strength.where(nodes.allowed, torch.nan)
    drawn = next(random_strengths(strength, nodes, 1, seed=0))
    assert torch.equal(drawn.isnan(), strength.isnan())
    assert torch.allclose(drawn.nansum((1, 2)), strength.nansum((1, 2)))
    layers = torch.tensor([source.layer for source in nodes.sources])
    for layer in (-1, 0, 1):
        one, other = (each[:, layers == layer].nansum((1, 2)) for each in (drawn, strength))
        assert torch.allclose(one, other)
    assert not torch.allclose(drawn.nan_to_num(), strength.nan_to_num())
    ranking = Ranking(drawn, nodes)
    for size in (ranking.smallest, 20, 60):
        kept = ranking.of_size(size)
        assert torch.equal(on_paths(kept, nodes), kept) and int(kept.sum()) <= size
