"""The engine of circuits against itself: what edges and nodes do, computed in two ways."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture
from circuit_widgets.capture.read_slopes import read_slopes
from circuit_widgets.causal.first_order import FirstOrder, in_order
from circuit_widgets.causal.nodes import Nodes, nodes_of
from circuit_widgets.causal.patching import Patching
from circuit_widgets.causal.subgraph import Subgraphs, mlp_writes
from circuit_widgets.causal.writes import node_writes
from tests import tiny

MAKERS: dict[str, Callable[[], TransformerBridge]] = {
    **{
        name: functools.partial(tiny.make, name)
        for name in ("gpt2", "llama", "neox", "gemma", "native", "native_gqa")
    },
    "gptj": tiny.gptj,
    "gptoss": tiny.gptoss,
}
CLEAN, CORRUPT = tiny.ids(5, batch=2, seed=1), tiny.ids(5, batch=2, seed=2)
# Logits are up to 10, streams are summed in another order.
ROUNDING = 3e-5


def score(logits: Tensor) -> Tensor:
    return logits[:, -1, 5] - logits[:, -1, 7] + logits[:, 2, 9].tanh()


@functools.cache
def made(name: str) -> tuple[TransformerBridge, Nodes, Subgraphs]:
    model = MAKERS[name]()
    nodes = nodes_of(model)
    return model, nodes, Subgraphs(model, nodes, CLEAN, CORRUPT)


def some_edges(nodes: Nodes) -> list[tuple[int, int]]:
    """One of each kind: from what to which entry."""
    edges = nodes.allowed.nonzero().tolist()
    random.Random(0).shuffle(edges)
    kinds = {}
    for source, target in edges:
        name = nodes.sources[source].name
        kind = name if name == "embedding" else ("mlp" if "mlp" in name else "head")
        kinds.setdefault((kind, nodes.targets[target].entry), (source, target))
    return [*kinds.values()]


@pytest.mark.parametrize(
    ("name", "direction"),
    [*((name, "noising") for name in MAKERS), ("gpt2", "denoising"), ("native_gqa", "denoising")],
)
def test_a_patched_edge_is_the_model_along_all_others(name: str, direction: str) -> None:
    model, nodes, runs = made(name)
    before = score(runs.clean)
    if direction == "denoising":
        runs = Subgraphs(model, nodes, CORRUPT, CLEAN)
        before = score(runs.clean)
    edges = some_edges(nodes)
    assert len(edges) == 15
    patching = Patching(model, nodes, CLEAN, CORRUPT, score, direction)
    found = patching.edges(edges)
    sign = 1 if direction == "noising" else -1
    for source, target in edges:
        kept = nodes.allowed.clone()
        kept[source, target] = False
        lost = sign * (before - score(runs.logits(kept)))
        assert torch.allclose(found[:, source, target], lost, atol=ROUNDING), (source, target)
    left = torch.ones_like(nodes.allowed)
    left[tuple(torch.tensor(edges).T)] = False
    assert found[:, left].isnan().all()
    assert found.nan_to_num().abs().amax() > 1e-3


@pytest.mark.parametrize("name", MAKERS)
def test_a_patched_node_is_the_model_without_its_edges(name: str) -> None:
    model, nodes, runs = made(name)
    found = Patching(model, nodes, CLEAN, CORRUPT, score).nodes()
    before = score(runs.clean)
    for at, source in enumerate(nodes.sources):
        if source.head in (0, 2, 3):
            continue
        lost = before - score(runs.logits(nodes.without([source.name])))
        assert torch.allclose(found[:, at], lost, atol=ROUNDING), source.name


@pytest.mark.parametrize("name", MAKERS)
def test_all_edges_are_the_clean_prompt_and_none_the_corrupt_one(name: str) -> None:
    model, nodes, runs = made(name)
    none = torch.zeros_like(nodes.allowed)
    clean, corrupt = (capture.run(model, ids) for ids in (CLEAN, CORRUPT))
    assert torch.allclose(runs.logits(nodes.allowed), clean, atol=ROUNDING)
    assert torch.allclose(runs.logits(none), corrupt, atol=ROUNDING)
    # One corrupt prompt is its own mean, and what is read by all is the same.
    alike = CORRUPT[:1].expand(2, -1)
    mean = Subgraphs(model, nodes, CLEAN, alike, "mean")
    assert torch.allclose(mean.logits(nodes.allowed), clean, atol=ROUNDING)
    assert torch.allclose(mean.logits(none), corrupt[:1], atol=ROUNDING)
    half = nodes.allowed & (torch.rand(nodes.allowed.shape) < 0.5)
    resampled = Subgraphs(model, nodes, CLEAN, alike).logits(half)
    assert torch.allclose(mean.logits(half), resampled, atol=ROUNDING)


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox"])
def test_the_mean_is_over_corrupt_prompts_at_each_position(name: str) -> None:
    model, nodes, _ = made(name)
    runs = Subgraphs(model, nodes, CLEAN, CORRUPT, "mean")
    clean, corrupt = (node_writes(model, ids, nodes) for ids in (CLEAN, CORRUPT))
    head = nodes.source_at["2.1"]
    kept = nodes.allowed.clone()
    kept[head, -1] = False
    # Of the last layer's heads nothing but the output reads, where there is no MLP after it.
    end = clean.last + (corrupt.parts.mean(0) - clean.parts)[:, :, head]
    if nodes.mlps[2] == "after":
        kept[head] = False
        at = nodes.source_at["2.mlp"]
        heard = clean.before_mlp(nodes, 2) + end - clean.last
        end = end + mlp_writes(model, nodes, clean.inputs, 2, heard) - clean.parts[:, :, at]
    edit = capture.patch("resid_post", {2: end})
    want = capture.resume(model, clean.inputs, 2, interventions=[edit])
    assert torch.allclose(runs.logits(kept), want, atol=ROUNDING)


@pytest.mark.parametrize("name", MAKERS)
def test_slopes_are_what_a_small_change_of_a_readers_input_does(name: str) -> None:
    """By replays of the block, which know nothing of gradients."""
    model, nodes, _ = made(name)
    slopes = in_order(read_slopes(model, CLEAN, score), nodes)
    inputs = node_writes(model, CLEAN, nodes).inputs
    writes = node_writes(model, CLEAN, nodes)
    torch.manual_seed(0)
    for at, target in enumerate(nodes.targets):
        if target.index != (1 if target.entry == "q" else 0) or target.layer == 1:
            continue
        layer = min(target.layer, 2)
        way = torch.randn(CLEAN.shape[1], writes.last.shape[-1])
        way /= way.norm()
        step, changed = 1e-2, []
        for eps in (step, -step):
            if target.entry == "logits":
                edit = capture.patch("resid_post", {layer: writes.last + eps * way})
            elif target.entry == "mlp":
                stream = writes.before_mlp(nodes, layer) + eps * way
                out = mlp_writes(model, nodes, inputs, layer, stream)
                edit = capture.patch("mlp_out", {layer: out})
            else:
                stream = inputs.stream(layer) + eps * way
                read = capture.replay(model, inputs, layer, [target.entry], stream)
                head = layer, target.index
                edit = capture.patch(target.entry, {layer: read[target.entry]}, heads=head)
            changed.append(score(capture.resume(model, inputs, layer, interventions=[edit])))
        found = (slopes[:, :, at] * way).sum((1, 2))
        want = (changed[0] - changed[1]) / (2 * step)
        assert torch.allclose(found, want, atol=2e-3, rtol=1e-2), target.name


def test_the_steps_of_integrated_slopes_are_means_of_runs_by_hand() -> None:
    """On the inputs; the change between prompts is the same for all steps."""
    model, nodes, _ = made("native")
    edges = FirstOrder(model, nodes, CLEAN, CORRUPT, score)
    clean, corrupt = (node_writes(model, ids, nodes) for ids in (CLEAN, CORRUPT))
    first, other = (writes.inputs.stream(0) for writes in (clean, corrupt))
    slopes = []
    for share in (0.25, 0.5, 0.75, 1.0):
        edit = capture.patch("resid_pre", {0: (1 - share) * other + share * first})
        slopes.append(in_order(read_slopes(model, CLEAN, score, [edit]), nodes))
    mean = torch.stack(slopes).mean(0)
    want = torch.einsum("bpsd,bptd->bst", clean.parts - corrupt.parts, mean)
    found = edges.scores("eap-ig-inputs", 4)
    assert torch.allclose(found[:, nodes.allowed], want[:, nodes.allowed], atol=ROUNDING)
