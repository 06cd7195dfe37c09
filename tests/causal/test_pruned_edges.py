"""Edges of a model with other numbers of heads in each layer, and uneven groups."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.causal.edge_scores import edge_scores
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.causal.task_runs import TaskRuns
from tests import tiny

# One of a group of two; both of a group, with its keys; none of the last layer.
GONE = ["0.1", "1.2", "1.3"]


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma"])
def test_exact_edges_are_runs_without_an_edge(name: str) -> None:
    small = cw.prune_heads(tiny.make(name), GONE)
    nodes = nodes_of(small)
    assert nodes.heads == (3, 2, 4)
    task = cw.Task.repeated_tokens(small, n=3, length=4)
    runs = TaskRuns(small, nodes, task, "resample", batch=3)
    whole, _ = runs.along(nodes.allowed)
    assert torch.allclose(whole, runs.clean, atol=1e-4)
    (exact,) = edge_scores(small, nodes, task, "exact", 1, 3)
    assert bool(exact[:, nodes.allowed].isfinite().all())
    places = nodes.allowed.nonzero().tolist()
    for source, target in places[:: max(1, len(places) // 9)]:
        kept = nodes.allowed.clone()
        kept[source, target] = False
        scores, _ = runs.along(kept)
        assert torch.allclose(whole - scores, exact[:, source, target], atol=1e-4)


def test_heads_of_uneven_groups_read_their_own_keys() -> None:
    small = cw.prune_heads(tiny.make("llama"), GONE)
    nodes = nodes_of(small)
    # Heads 0 | 2, 3 of the whole model's first layer; 0, 1 of the second.
    assert nodes.key_of == ((0, 1, 1), (0, 0), (0, 0, 1, 1))
    names = [target.name for target in nodes.targets if target.entry == "k"]
    assert names == ["0.0.k", "0.1-2.k", "1.0-1.k", "2.0-1.k", "2.2-3.k"]
    assert nodes_of(tiny.make("llama")).key_of == ()
