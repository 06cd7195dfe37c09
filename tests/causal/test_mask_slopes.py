"""Slopes along a mask of edges: those of the whole model, and along parts of it, add up."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets.causal.choosing import Ranking
from circuit_widgets.causal.first_order import FirstOrder
from circuit_widgets.causal.mask_slopes import MaskSlopes
from circuit_widgets.causal.nodes import nodes_of
from tests import tiny
from tests.causal.test_edges_engine import CLEAN, CORRUPT, MAKERS, score


@pytest.mark.parametrize("name", MAKERS)
def test_in_the_whole_model_they_are_edge_attribution_patching(name: str) -> None:
    model = MAKERS[name]()
    nodes = nodes_of(model)
    ours = MaskSlopes(model, nodes, CLEAN, CORRUPT).slopes(nodes.allowed.float(), score)
    eap = FirstOrder(model, nodes, CLEAN, CORRUPT, score).scores("eap")
    assert float((ours - eap.nan_to_num()).abs().max()) < 1e-4 * float(eap.nan_to_num().abs().max())


@pytest.mark.parametrize(("name", "by"), [("llama", "resample"), ("gpt2", "mean")])
def test_along_a_part_they_add_up_to_what_it_does(name: str, by: str) -> None:
    model = tiny.make(name)
    nodes = nodes_of(model)
    runs = MaskSlopes(model, nodes, CLEAN, CORRUPT, by)
    strength = torch.rand(nodes.allowed.shape, generator=torch.Generator().manual_seed(0))
    part = Ranking(strength.where(nodes.allowed, torch.nan), nodes).of_size(20)
    n = 40
    found = sum(
        (runs.slopes(part * (step + 0.5) / n, score) * part).sum((1, 2)) / n for step in range(n)
    )
    whole = score(runs.logits(part)) - score(runs.logits(torch.zeros_like(part)))
    assert torch.allclose(torch.as_tensor(found), whole, rtol=0.02, atol=1e-3)
    # At readers that nothing is let through to, and at their sources, there is nothing to go back.
    assert not bool(runs.slopes(part.float(), score)[:, :, ~part.any(0)].any())
