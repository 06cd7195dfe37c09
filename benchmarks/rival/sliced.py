"""Torch-Pruning on a Llama: a share of each layer's heads, by the magnitude of their weights.

python -m benchmarks.rival.sliced FOLDER IDS RATIO OUT
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torch_pruning  # pyright: ignore[reportMissingImports]
from transformers import AutoModelForCausalLM


def main(folder: str, ids_file: str, ratio: str, out: str) -> None:
    """As the project's own example for language models, with heads only."""
    ids = torch.load(ids_file)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    model.config.use_cache = False
    attentions: list[Any] = [
        part for name, part in model.named_modules() if name.endswith("self_attn")
    ]
    before = sum(each.q_proj.out_features // each.head_dim for each in attentions)
    heads = {}
    for each in attentions:
        heads[each.q_proj] = model.config.num_attention_heads
        heads[each.k_proj] = heads[each.v_proj] = model.config.num_key_value_heads
    pruner = torch_pruning.pruner.BasePruner(
        model,
        ids[:1, :16],
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2, group_reduction="mean"),
        pruning_ratio=0.0,
        # It looks at heads only where channels are to go; dimensions of heads are left alone.
        pruning_ratio_dict=dict.fromkeys(heads, float(ratio)),
        prune_num_heads=True,
        prune_head_dims=False,
        head_pruning_ratio=float(ratio),
        num_heads=heads,
        ignored_layers=[model.lm_head],
        output_transform=lambda output: output.logits,
    )
    for group in pruner.step(interactive=True):
        group.prune()
    for each in attentions:
        each.num_heads = each.q_proj.out_features // each.head_dim
        each.num_key_value_heads = each.k_proj.out_features // each.head_dim
        each.num_key_value_groups = each.num_heads // each.num_key_value_heads
    after = sum(each.num_heads for each in attentions)
    losses: list[float] = []
    with torch.no_grad():
        for rows in ids.split(8):
            logits = model(rows).logits
            nats = torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1), rows[:, 1:].flatten(), reduction="none"
            )
            losses += nats.view(len(rows), -1).mean(1).tolist()
    Path(out).write_text(json.dumps({"heads": before - after, "losses": losses}), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:5])
