"""Torch-Pruning on a Llama: whole heads, in the ways in which it can choose them.

python -m benchmarks.rival.sliced FOLDER IDS SCORED OUT

What it takes is the same number of query heads of each group of keys, which stay. Two things have
to be set up around what 1.6.1 does with groups: all heads of a group but one may not go (then it
takes heads and keys for one number and drops the change), and where all layers are ranked together
it counts key heads for heads, so that the number that is to go is not the one asked for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch_pruning  # pyright: ignore[reportMissingImports]
from torch import Tensor
from transformers import AutoModelForCausalLM

# How heads are chosen; and which share of each layer's go, or how many of all are below the bar:
# of a layer with a head below it one of each group goes.
WAYS = (
    ("weights' size, every layer alike (its example)", "magnitude", 0.3, 0),
    ("weights' size, all layers together", "magnitude", 0.0, 13),
    ("first-order Taylor, all layers together", "taylor", 0.0, 15),
)


def main(folder: str, ids_file: str, scored_file: str, out: str) -> None:
    """One model after the other."""
    ids, scored = torch.load(ids_file), torch.load(scored_file)
    found = []
    for said, by, share, lowest in WAYS:
        model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
        heads = pruned(model, scored, by, share, lowest)
        losses = _losses(model, ids)
        found.append({"said": said, "heads": heads, "losses": losses})
        print(said, heads, flush=True)
    Path(out).write_text(json.dumps(found), encoding="utf-8")


def pruned(model: Any, scored: Tensor, by: str, share: float, lowest: int) -> int:
    """Prune in place, as the project's example for language models does; how many heads went."""
    model.config.use_cache = False
    attentions: list[Any] = [
        part for name, part in model.named_modules() if name.endswith("self_attn")
    ]
    n_heads = len(attentions) * model.config.num_attention_heads
    heads = {}
    for each in attentions:
        heads[each.q_proj] = model.config.num_attention_heads
        heads[each.k_proj] = heads[each.v_proj] = model.config.num_key_value_heads
    taylor = by == "taylor"
    how = torch_pruning.importance
    pruner = torch_pruning.pruner.BasePruner(
        model,
        scored[:1, :16],
        importance=how.GroupTaylorImportance(group_reduction="mean")
        if taylor
        else how.GroupMagnitudeImportance(p=2, group_reduction="mean"),
        global_pruning=bool(lowest),
        pruning_ratio=0.0,
        # It looks at heads only where channels are to go; dimensions of heads are left alone.
        pruning_ratio_dict=dict.fromkeys(heads, 0.3),
        prune_num_heads=True,
        prune_head_dims=False,
        head_pruning_ratio=(lowest - 0.5) / n_heads if lowest else share,
        num_heads=heads,
        ignored_layers=[model.lm_head],
        output_transform=lambda output: output.logits,
    )
    pruner.initial_total_heads = n_heads
    for rows in scored.split(4) if taylor else ():
        model(rows, labels=rows).loss.backward()
    for group in pruner.step(interactive=True):
        group.prune()
    left = 0
    for each in attentions:
        now = each.q_proj.out_features // each.head_dim
        each.num_key_value_groups = now // (each.k_proj.out_features // each.head_dim)
        left += now
    return n_heads - left


@torch.no_grad()
def _losses(model: Any, ids: Tensor) -> list[float]:
    losses: list[float] = []
    for rows in ids.split(8):
        logits = model(rows).logits
        nats = torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), rows[:, 1:].flatten(), reduction="none"
        )
        losses += nats.view(len(rows), -1).mean(1).tolist()
    return losses


if __name__ == "__main__":
    main(*sys.argv[1:5])
