"""Train the toy: `python -m circuit_widgets.zoo.train --seed 0`.

Repeatable: the same seed, number of threads, torch release and kind of processor give the same
bits. What the package ships was made by the command kept in `data/<name>/seed<k>.json`.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm
from transformer_lens.model_bridge import TransformerBridge

from .catalog import DATA, DEFAULT
from .checkpoints import snapshot, write
from .evaluate import measure
from .tokenizer import save_tokenizer
from .toy import CONFIG, build, repeated, training_batch

PROBE_LENGTH = 32
PROBE_SEED = 2**31 - 1  # far from the training seeds: the probe is held out


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, beside CONFIG."""

    seed: int = 0
    steps: int = 2500
    batch: int = 32
    lr: float = 3e-3
    weight_decay: float = 0.3
    warmup: int = 100
    checkpoints: int = 22
    measure_every: int = 20
    threads: int = 1


@dataclass
class Training:
    """What a training leaves: the last model, the fp16 snapshots by step, the rows of the curve."""

    model: TransformerBridge
    snapshots: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)


def checkpoint_steps(steps: int, count: int, first: int = 64) -> list[int]:
    """Step 0 and `count - 1` steps spaced evenly in the logarithm, from `first` to `steps`."""
    first = min(first, steps)
    ratio = (steps / first) ** (1 / max(1, count - 2))
    return sorted({0, steps, *(round(first * ratio**k) for k in range(count - 1))})


def learning_rate(step: int, recipe: Recipe) -> float:
    """Linear warm-up, a plateau, and a linear fall to a twentieth over the last 30 %."""
    left = (recipe.steps - step) / (0.3 * recipe.steps)
    return recipe.lr * min(1.0, (step + 1) / recipe.warmup) * max(0.05, min(1.0, left))


def train(recipe: Recipe, *, config: dict[str, Any] = CONFIG, quiet: bool = False) -> Training:
    """Train one seed. The caller's random state and number of threads are left alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(recipe.threads)  # the order of sums, hence the bits, depends on it
    try:
        return _train(recipe, config, quiet)
    finally:
        torch.set_num_threads(threads)


def _train(recipe: Recipe, config: dict[str, Any], quiet: bool) -> Training:
    model = build(config, seed=recipe.seed)
    native = model.original_model
    result = Training(model)
    optimizer = torch.optim.AdamW(
        native.parameters(), lr=recipe.lr, betas=(0.9, 0.98), weight_decay=recipe.weight_decay
    )
    data = torch.Generator().manual_seed(recipe.seed)
    probe = repeated(16, PROBE_LENGTH, torch.Generator().manual_seed(PROBE_SEED))
    keep = set(checkpoint_steps(recipe.steps, recipe.checkpoints))

    bar = tqdm(range(recipe.steps + 1), disable=quiet, desc=f"seed {recipe.seed}", mininterval=5)
    for step in bar:
        if step in keep:
            result.snapshots[step] = snapshot(model)
        if step in keep or step % recipe.measure_every == 0:
            result.curve.append({"step": step, **_row(model, probe)})
            bar.set_postfix(result.curve[-1], refresh=False)
        if step == recipe.steps:
            break
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, recipe)
        tokens = training_batch(recipe.batch, config["n_ctx"], data)
        # The wrapped module gives the same logits as the bridge without building a cache of hooks.
        logits = native(tokens[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return result


def _row(model: TransformerBridge, probe: Tensor) -> dict[str, float]:
    scores = measure(model, probe)
    return {
        "loss_first": round(scores.loss_first, 5),
        "loss_second": round(scores.loss_second, 5),
        "prefix_matching": round(float(scores.prefix_matching[1].max()), 5),
        "previous_token": round(float(scores.previous_token[0].max()), 5),
    }


def save(result: Training, recipe: Recipe, folder: Path) -> None:
    """Write the weights, the curve, the record and the tokenizer (layout: `catalog`)."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"seed{recipe.seed}"
    write(folder / f"{stem}.safetensors", result.snapshots)
    with (folder / f"{stem}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(result.curve[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(result.curve)
    record: dict[str, Any] = {
        "command": f"python -m circuit_widgets.zoo.train {_arguments(recipe)}",
        "recipe": vars(recipe),
        "config": CONFIG,
        "probe": {"length": PROBE_LENGTH, "rows": 16, "seed": PROBE_SEED},
        "versions": {
            "python": platform.python_version(),
            **{
                package: version(package)
                for package in ("torch", "transformer_lens", "transformers", "safetensors")
            },
        },
        "steps": sorted(result.snapshots),
    }
    (folder / f"{stem}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    save_tokenizer(folder / "tokenizer", CONFIG["n_ctx"])


def _arguments(recipe: Recipe) -> str:
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in vars(recipe).items())


def main(arguments: list[str] | None = None) -> None:
    """The command line: one option for every field of Recipe, and --out."""
    parser = argparse.ArgumentParser(
        prog="python -m circuit_widgets.zoo.train", description="Train the toy model."
    )
    for name, value in vars(Recipe()).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default: {value}"
        )
    parser.add_argument(
        "--out", type=Path, default=DATA / DEFAULT, help="folder; default: the package's own data"
    )
    options = vars(parser.parse_args(arguments))
    folder: Path = options.pop("out")
    recipe = Recipe(**options)
    result = train(recipe)
    save(result, recipe, folder)
    print(f"seed {recipe.seed}: {result.curve[-1]}")


if __name__ == "__main__":
    main()
