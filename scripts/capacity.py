"""Train the toy with more capacity, and compare it over seeds: does a suggestion come true?

    python scripts/capacity.py --change wider --seed 0 --out capacity.csv    # a few minutes
    python scripts/capacity.py --table capacity.csv                         # what came of all

`suggest_circuit_optimizations` finds that repeated tokens hang on one previous-token head and one
induction head, and suggests more capacity there. "wider" does so: heads of twice the width. Three
controls have as many parameters and no wider head: twice as many heads ("more"), an MLP after each
layer ("mlp") and a wider residual stream ("stream"), which is capacity elsewhere, because each
layer has a head that is suggested. "same" is the toy as it is. All see the same sequences of a
seed.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets.analysis.optimization.bottlenecks import NodeEffects
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.statistics.intervals import mean_interval
from circuit_widgets.zoo.catalog import DATA, DEFAULT
from circuit_widgets.zoo.evaluate import measure
from circuit_widgets.zoo.tokenizer import load_tokenizer
from circuit_widgets.zoo.toy import CONFIG, build, repeated
from circuit_widgets.zoo.train import Recipe, train

CHANGES: dict[str, dict[str, Any]] = {
    "same": {},
    "wider": {"d_head": 2 * CONFIG["d_head"]},
    "more": {"n_heads": 2 * CONFIG["n_heads"]},
    # Two matrices of 48 x 128 are as many numbers as four of 48 x 64.
    "mlp": {"attn_only": False, "d_mlp": 128, "act_fn": "gelu"},
    "stream": {"d_model": 70},
}
SAID = {
    "same": "4 heads of 16",
    "wider": "4 heads of 32",
    "more": "8 heads of 16",
    "mlp": "4 heads of 16, an MLP of 128",
    "stream": "4 heads of 16, a stream of 70",
}
SUGGESTED = "wider"
# Far from the training seeds and from the probe's: these sequences were never seen.
HELD_OUT = 2**30
# A second copy that is predicted about as well as it will be: the phase change is over.
LEARNED = 1.0


def trained(change: str, seed: int, steps: int) -> dict[str, float | int | str]:
    """One training: when it learned to copy, how well it copies, and how much hangs on one head."""
    config = {**CONFIG, **CHANGES[change]}
    done = train(Recipe(seed=seed, steps=steps), config=config, quiet=True)
    held_out = repeated(64, 32, torch.Generator().manual_seed(HELD_OUT))
    scores = measure(done.model, held_out)
    step = next((row["step"] for row in done.curve if row["loss_second"] < LEARNED), steps)
    return {
        "change": change,
        "seed": seed,
        "steps": steps,
        "parameters": sum(weight.numel() for weight in done.model.original_model.parameters()),
        "learned": int(step),
        "loss": round(float(scores.loss_second), 5),
        "share": round(hangs_on_one(done.model, config), 5),
    }


def hangs_on_one(model: TransformerBridge, config: dict[str, Any]) -> float:
    """The largest share of repeated tokens that is lost without one head: what was suggested on."""
    # A model that is trained has no tokenizer, and a task needs one for its words.
    told = build(config, tokenizer=load_tokenizer(DATA / DEFAULT / "tokenizer"))
    told.original_model.load_state_dict(model.original_model.state_dict())
    told.eval()
    nodes = nodes_of(told)
    effects = NodeEffects(told, nodes, Task.repeated_tokens(told, n=32, length=10), 0.95)
    for _ in effects.run(8):
        pass
    heads = torch.tensor([source.head is not None for source in nodes.sources])
    return float(effects.shares.value[heads].max())


def table(path: Path) -> str:
    """Each change by itself, and the suggested one against the others, seed by seed."""
    with path.open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    found = {change: _by_seed(rows, change) for change in CHANGES}
    return f"{_means(found)}\n\n{_against(found)}"


# A column of numbers by seed; NaN where the model had not learned to copy.
Column = dict[str, Tensor]


def _by_seed(rows: Sequence[dict[str, str]], change: str) -> Column:
    own = sorted((row for row in rows if row["change"] == change), key=lambda row: int(row["seed"]))
    names = ("seed", "steps", "parameters", "learned", "loss", "share")
    columns = {name: torch.tensor([float(row[name]) for row in own]) for name in names}
    late = columns["loss"] >= LEARNED
    return columns | {
        name: columns[name].masked_fill(late, math.nan) for name in ("learned", "share")
    }


def _means(found: Mapping[str, Column]) -> str:
    lines = [
        "| the toy with | parameters | seeds that copy | second-copy loss | steps until it copies "
        "| lost without its most important head |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for change, of in found.items():
        copies = int(of["learned"].isfinite().sum())
        share = 100 * of["share"]
        cells = [
            SAID[change],
            f"{int(of['parameters'][0]):,}",
            f"{copies} of {len(of['seed'])}",
            f"{float(of['loss'].mean()):.3f}",
            f"{float(of['learned'].nanmean()):.0f}" if copies else "",
            f"{float(share.nanmean()):.0f} %" if copies else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _against(found: Mapping[str, Column]) -> str:
    """Seed by seed, over the seeds that both have."""
    suggested, lines = (
        found[SUGGESTED],
        [
            f"| {SAID[SUGGESTED]} against | second-copy loss | steps until it copies "
            "| lost without its most important head | seeds |",
            "| --- | --- | --- | --- | --- |",
        ],
    )
    for change, of in found.items():
        if change == SUGGESTED:
            continue
        both = sorted({*of["seed"].tolist()} & {*suggested["seed"].tolist()})
        own, other = (torch.isin(each["seed"], torch.tensor(both)) for each in (suggested, of))
        cells = [
            _interval(times * (suggested[name][own] - of[name][other]), digits, unit)
            for name, times, digits, unit in (
                ("loss", 1, 3, ""),
                ("learned", 1, 0, ""),
                ("share", 100, 0, " points"),
            )
        ]
        lines.append("| " + " | ".join([SAID[change], *cells, str(len(both))]) + " |")
    return "\n".join(lines)


def _interval(values: Tensor, digits: int, unit: str) -> str:
    """A mean over seeds with its 95 % interval; empty where some have no number."""
    if not bool(values.isfinite().all()):
        return ""
    value, low, high = (float(each) for each in mean_interval(values, 0.95))
    # Two seeds that happen to agree would have an interval of nothing.
    ends = f" ({low:+.{digits}f} to {high:+.{digits}f})" if len(values) > 2 else ""
    return f"{value:+.{digits}f}{unit}{ends}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--change", choices=CHANGES, default="wider")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--out", type=Path, help="a CSV to which the row is added")
    parser.add_argument("--table", type=Path, help="print what is in such a CSV, and train nothing")
    asked = parser.parse_args()
    if asked.table:
        print(table(asked.table))
        return
    row = trained(asked.change, asked.seed, asked.steps)
    print(row)
    if asked.out:
        new = not asked.out.exists()
        with asked.out.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)


if __name__ == "__main__":
    main()
