"""Patching of all heads, and all edges to first order, beside TransformerLens, and passes.

Heads: SmolLM2-135M, one prompt of 15 tokens, z of each of 270 heads at all positions, against
`get_act_patch_attn_head_out_all_pos`. Edges: the topology of GPT-2 small (12 layers of 12 heads,
width 192, random weights), 4 prompts of 15 tokens, at every position, against `attribution_patch`.
Forward and backward is one pass of each, with the slope at the embedding.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import transformers
from torch import Tensor
from transformer_lens import patching
from transformer_lens.tools.analysis.attribution_patching import (
    EdgeAttributionConfig,
    attribution_patch,
)

from benchmarks.measure import in_turn, seconds, table
from circuit_widgets import capture
from circuit_widgets.causal.edge_scores import patching_of
from circuit_widgets.causal.first_order import FirstOrder
from circuit_widgets.causal.nodes import nodes_of, parts_of
from circuit_widgets.causal.subgraph import Subgraphs
from circuit_widgets.models import load_model
from circuit_widgets.prompts.tasks import Task
from tests import tiny


def _heads() -> list[str]:
    model = load_model("smollm2")
    task = Task.ioi(model, n=1)
    nodes = parts_of(model)
    found: dict[str, Tensor] = {}

    def ours() -> None:
        found["ours"] = patching_of(model, nodes, task, "denoising").heads()[0]

    def theirs() -> None:
        with torch.no_grad():
            _, cache = model.run_with_cache(task.clean)
            before = task.score(model(task.corrupt)).mean()
            found["theirs"] = patching.get_act_patch_attn_head_out_all_pos(
                model, task.corrupt, cache, lambda logits: task.score(logits).mean()
            )
            found["theirs"] -= before

    fast = min(seconds(ours) for _ in range(3))
    slow = seconds(theirs)
    apart = float((found["ours"].cpu() - found["theirs"].cpu()).abs().max())
    name = "all heads patched, SmolLM2, 15 tokens"
    return [name, f"{fast:.2f} s", f"{slow:.1f} s", f"{slow / fast:.1f} x", f"{apart:.0e}"]


def _edges() -> list[str]:
    config = transformers.GPT2Config(
        n_layer=12, n_head=12, n_embd=192, vocab_size=97, n_positions=32, bos_token_id=0
    )
    model = tiny.of_config(config)
    nodes = nodes_of(model)
    clean, corrupt = tiny.ids(15, 4, seed=1), tiny.ids(15, 4, seed=2)
    found: dict[str, float] = {}

    def score(logits: Tensor) -> Tensor:
        return logits[:, -1, 5] - logits[:, -1, 7]

    def ours() -> None:
        edges = FirstOrder(model, nodes, clean, corrupt, score)
        found["ours"] = float(edges.scores("eap", by_position=True).mean(0)[..., -1].nansum())

    def theirs() -> None:
        result = attribution_patch(
            model, corrupt, clean, lambda logits: score(logits).sum(), EdgeAttributionConfig("edge")
        )
        ends = [value for (_, to), value in result.edge_scores.items() if to.kind == "logits"]
        found["theirs"] = -float(sum(ends))

    ours()
    fast = min(seconds(ours) for _ in range(5))
    slow = seconds(theirs)
    n = clean.shape[1] * int(nodes.allowed.sum())
    name = f"{n:,} edges to first order, 4 prompts of 15 tokens"
    apart = abs(found["ours"] - found["theirs"])
    return [name, f"{fast:.2f} s", f"{slow:.1f} s", f"{slow / fast:.0f} x", f"{apart:.0e} in sum"]


def _multiples() -> list[list[str]]:
    model = load_model("smollm2")
    task = Task.ioi(model, n=16)
    nodes = nodes_of(model)

    def both() -> None:
        capture.gradients(model, task.clean, [("resid_pre", {0})], task.score)

    def way(name: str) -> Callable[[], object]:
        def run() -> object:
            edges = FirstOrder(model, nodes, task.clean, task.corrupt, task.score)
            return edges.scores(name)

        return run

    runs = Subgraphs(model, nodes, task.clean, task.corrupt)
    calls = {
        "forward": lambda: capture.run(model, task.clean),
        "forward and backward": both,
        "eap": way("eap"),
        "eap-ig-inputs, 5 steps": way("eap-ig-inputs"),
        "one circuit run": lambda: runs.logits(nodes.allowed),
    }
    taken = in_turn(calls, rounds=3)
    one = taken["forward and backward"]
    rows = []
    for name in calls:
        ratio = f"{taken[name] / one:.1f} x"
        rows.append([f"{name}, 16 prompts of 15 tokens", f"{taken[name]:.2f} s", ratio])
    return rows


def run() -> str:
    """The section of the report."""
    text = table(["", "ours", "TransformerLens", "faster", "apart"], [_heads(), _edges()])
    header = ["SmolLM2-135M, 70,651 edges", "time", "forward and backward"]
    return text + "\n" + table(header, _multiples())


if __name__ == "__main__":
    print(run())
