"""Train the toy with more capacity, and compare it over seeds: does a suggestion come true?

    python scripts/capacity.py --change wider --seed 0 --out capacity.csv    # a minute or two
    python scripts/capacity.py --table capacity.csv                         # what came of all

`suggest_circuit_optimizations` finds that repeated tokens hang on one previous-token head and one
induction head, and suggests more capacity there. Two changes have as many parameters: heads of
twice the width ("wider"), and twice as many heads of the old width ("more"), in which no head is
wider. "same" is the toy as it is. All see the same sequences of a seed.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import torch

from circuit_widgets.statistics.intervals import mean_interval
from circuit_widgets.zoo.evaluate import measure
from circuit_widgets.zoo.toy import CONFIG, repeated
from circuit_widgets.zoo.train import Recipe, train

CHANGES = {
    "same": {},
    "wider": {"d_head": 2 * CONFIG["d_head"]},
    "more": {"n_heads": 2 * CONFIG["n_heads"]},
}
SAID = {"same": "4 heads of 16", "wider": "4 heads of 32", "more": "8 heads of 16"}
# Far from the training seeds and from the probe's: these sequences were never seen.
HELD_OUT = 2**30
# A second copy that is predicted about as well as it will be: the phase change is over.
LEARNED = 1.0


def trained(change: str, seed: int, steps: int) -> dict[str, float | int | str]:
    """One training: when it learned to copy, and how well it copies in the end."""
    done = train(Recipe(seed=seed, steps=steps), config={**CONFIG, **CHANGES[change]}, quiet=True)
    held_out = repeated(64, 32, torch.Generator().manual_seed(HELD_OUT))
    scores = measure(done.model, held_out)
    step = next((row["step"] for row in done.curve if row["loss_second"] < LEARNED), steps)
    n = sum(weight.numel() for weight in done.model.original_model.parameters())
    loss = round(float(scores.loss_second), 5)
    return {"change": change, "seed": seed, "parameters": n, "learned": int(step), "loss": loss}


def table(path: Path) -> str:
    """Means over seeds, and differences to the toy as it is, seed by seed (95 % intervals)."""
    with path.open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    found = {
        change: {int(row["seed"]): row for row in rows if row["change"] == change}
        for change in CHANGES
    }
    lines = [
        "| heads a layer | parameters | second-copy loss | less than as it is "
        "| steps until it copies | less than as it is |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for change, by_seed in found.items():
        seeds = sorted(by_seed.keys() & found["same"].keys())
        cells = [SAID[change], f"{int(by_seed[seeds[0]]['parameters']):,}"]
        for name, digits in (("loss", 3), ("learned", 0)):
            own, same = (
                torch.tensor([float(of[seed][name]) for seed in seeds])
                for of in (by_seed, found["same"])
            )
            cells.append(f"{float(own.mean()):.{digits}f}")
            cells.append("" if change == "same" else _interval(same - own, digits))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _interval(values: torch.Tensor, digits: int) -> str:
    value, low, high = (float(each) for each in mean_interval(values, 0.95))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


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
