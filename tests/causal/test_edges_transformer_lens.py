"""What TransformerLens computes too: attribution patching of nodes and edges, and patched heads.

Its attribution takes the slope on the corrupt prompt, and scores what comes back if a clean part is
put into it. Ours takes the slope on the clean prompt, and scores what is lost: that is minus its
score with the two prompts in each other's place. It has a node a position, and refuses grouped keys
and values.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from transformer_lens import patching
from transformer_lens.tools.analysis.attribution_patching import (
    EdgeAttributionConfig,
    attribution_patch,
)

from circuit_widgets.causal.first_order import FirstOrder
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.causal.patching import Patching
from tests import tiny

CLEAN, CORRUPT = tiny.ids(4, batch=2, seed=1), tiny.ids(4, batch=2, seed=2)
ENTRIES = {"q_input": "q", "k_input": "k", "v_input": "v"}


def score(logits: Tensor) -> Tensor:
    return logits[:, -1, 5] - logits[:, -1, 7]


@pytest.fixture(params=["gpt2", "neox"], scope="module")
def model(request: pytest.FixtureRequest) -> Any:
    return tiny.make(request.param)


def name_of(node: Any) -> str:
    """As in `Nodes`."""
    if node.kind == "embed":
        return "embedding"
    if node.kind == "logits":
        return "logits"
    if node.kind in ("mlp_in", "mlp_out"):
        return f"{node.layer}.mlp"
    head = f"{node.layer}.{node.head}"
    return f"{head}.{ENTRIES[node.kind]}" if node.kind in ENTRIES else head


@pytest.mark.parametrize("by_position", [False, True])
def test_edges_to_first_order_are_those_of_attribution_patch(model, by_position: bool) -> None:
    nodes = nodes_of(model)
    edges = FirstOrder(model, nodes, CLEAN, CORRUPT, score)
    found = edges.scores("eap", by_position=by_position).mean(0)
    theirs = attribution_patch(
        model, CORRUPT, CLEAN, lambda logits: score(logits).sum(), EdgeAttributionConfig("edge")
    )
    targets = {target.name: at for at, target in enumerate(nodes.targets)}
    want = torch.zeros(CLEAN.shape[1], *nodes.allowed.shape)
    for (writer, reader), value in theirs.edge_scores.items():
        at = nodes.source_at[name_of(writer)], targets[name_of(reader)]
        assert nodes.allowed[at]
        want[(writer.position, *at)] -= value
    assert len(theirs.edge_scores) == CLEAN.shape[1] * int(nodes.allowed.sum())
    want = want if by_position else want.sum(0)
    there = nodes.allowed.expand_as(found)
    assert torch.allclose(found[there], want[there], atol=1e-4)
    assert found[there].abs().max() > 0.1


def test_nodes_to_first_order_are_those_of_attribution_patch(model) -> None:
    nodes = nodes_of(model)
    found = FirstOrder(model, nodes, CLEAN, CORRUPT, score).scores("eap").mean(0).nansum(-1)
    theirs = attribution_patch(model, CORRUPT, CLEAN, lambda logits: score(logits).sum())
    want = torch.zeros_like(found)
    for node, value in theirs.node_scores.items():
        want[nodes.source_at[name_of(node)]] -= value
    assert torch.allclose(found, want, atol=1e-4)


def test_patched_heads_and_places_are_those_of_get_act_patch(model) -> None:
    """It gives the metric of the corrupt prompts with a clean part: what comes back, and more."""
    nodes = nodes_of(model)
    ours = Patching(model, nodes, CLEAN, CORRUPT, score, "denoising")
    with torch.no_grad():
        _, cache = model.run_with_cache(CLEAN)
        before = score(model(CORRUPT)).mean()
    arguments = model, CORRUPT, cache, lambda logits: score(logits).mean()
    found = ours.nodes().mean(0)
    heads = patching.get_act_patch_attn_head_out_all_pos(*arguments) - before
    for layer in range(tiny.N_LAYERS):
        assert torch.allclose(found[nodes.heads_of(layer)], heads[layer], atol=1e-4)
    stream = patching.get_act_patch_resid_pre(*arguments) - before
    assert torch.allclose(ours.places("resid_pre").mean(0), stream, atol=1e-4)
    assert heads.abs().max() > 0.01 and stream.abs().max() > 0.01


def test_grouped_keys_are_ours_alone() -> None:
    llama = tiny.make("llama")
    with pytest.raises(ValueError, match="GQA"):
        attribution_patch(
            llama, CLEAN, CORRUPT, lambda logits: score(logits).sum(), EdgeAttributionConfig("edge")
        )
