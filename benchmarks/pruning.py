"""Heads of SmolLM2-135M pruned without training, by how they are chosen.

Texts are documentation strings of Python's standard library (modules, classes and functions, one
from each file) and topics of its `help`, 128 tokens of each: heads are chosen on 20 texts, losses
are measured on 80 others. "Rise" is of the mean loss on these, in percent, with a 95 % interval
over texts. Heads are scored again after each round of 6, but for the norm; ours measures the 20
heads with the lowest estimates in each. Random are sets of as many heads in the same layers as
ours, the mean and the best of 4, chosen on the texts that heads are chosen on. Torch-Pruning takes
as many query heads of each group of keys, so that three heads of a layer go or none, and keeps the
keys. Its example for language models takes them of every layer alike; where it ranks all layers
together, its count of heads was put right (`benchmarks/rival/sliced.py`). Taylor's slopes are of
the texts that heads are chosen on. Sliced: parameters, KV cache and time of a pass of 128 tokens of
the model without the heads, and whether its logits are the masked model's to 1e-5.
"""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from benchmarks.measure import table
from benchmarks.rivals import ENVIRONMENTS, ROOT
from circuit_widgets import load_model, prune_heads
from circuit_widgets.analysis.optimization.curve import Losses, cost_of
from circuit_widgets.analysis.optimization.rounds import BY, Rounds
from circuit_widgets.causal.random_heads import matched_sets
from circuit_widgets.heads import Head
from circuit_widgets.models._smollm2 import folder
from circuit_widgets.models.pruned.agreeing import Masked
from circuit_widgets.statistics.intervals import ratio_interval

LENGTH, SCORED, HELD_OUT = 128, 20, 80
STEP, SHORTLIST, SIZES = 6, 20, (18, 36)
RANDOM = 4
TORCH_PRUNING = "torch-pruning==1.6.1"
SAID = {
    "measured": "ours: estimate, then measured",
    "estimate": "second-order estimate alone",
    "importance": "Michel et al. 2019",
    "norm": "output norm over the layer's mean",
}


def run() -> str:
    """The section's table."""
    model = load_model("smollm2")
    ids = prose(model)
    scored, held_out = ids[:SCORED].split(4), ids[SCORED : SCORED + HELD_OUT].split(8)
    losses, scoring = Losses(model, held_out), Losses(model, scored)
    orders = {by: _order(model, scored, by) for by in BY}
    rows = []
    for size in SIZES:
        for by, order in orders.items():
            rows.append([str(size), SAID[by], _rise(losses, order[:size])])
            print(rows[-1], flush=True)
        sets = matched_sets((30, 9), orders["measured"][:size], RANDOM, 0, shared=True)
        mean = sum(losses.rise(each) for each in sets) / len(sets)
        best = losses.rise(min(sets, key=scoring.rise))
        rows.append([str(size), "random, mean of 4", f"{100 * mean:.1f} %"])
        rows.append([str(size), "random, best of 4", f"{100 * best:.1f} %"])
    rows += _rival(torch.cat(held_out), torch.cat(scored), losses)
    curve = table(["heads of 270", "chosen by", "rise of the held-out loss"], rows)
    sliced = table(
        ["heads of 270", "parameters", "KV cache", "a pass", "masked model's logits"],
        [_sliced(model, orders["measured"][:size]) for size in SIZES],
    )
    return f"{curve}\n{sliced}"


def prose(model: object) -> Int[Tensor, "text pos"]:
    """English that every Python has, in an order that is always the same."""
    found = [*_documented(), *_topics()]
    random.Random(0).shuffle(found)
    rows = [model.to_tokens(text)[0][:LENGTH] for text in found]  # type: ignore[attr-defined]
    return torch.stack([row for row in rows if len(row) == LENGTH])


def _documented() -> list[str]:
    """The first long documentation string of each file of the standard library."""
    root, found = Path(sysconfig.get_paths()["stdlib"]), []
    out = {"site-packages", "test", "tests", "idlelib", "lib2to3"}
    for path in sorted(root.rglob("*.py")):
        if out & {*path.parts}:
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        inner = [at for at in ast.walk(tree) if isinstance(at, (ast.ClassDef, ast.FunctionDef))]
        texts = (ast.get_docstring(at) or "" for at in (tree, *inner))
        long = next((text for text in texts if len(text) >= 700 and ">>>" not in text), None)
        found += [] if long is None else [" ".join(long.split())]
    return found


def _topics() -> list[str]:
    from pydoc_data.topics import topics

    # Without the title and the line below it.
    long = (text.split("\n", 3)[-1] for _, text in sorted(topics.items()) if len(text) > 900)
    return [" ".join(text.split()) for text in long]


def _order(model: object, scored: Sequence[Tensor], by: str) -> list[Head]:
    rounds = Rounds(model, scored, STEP, SHORTLIST, SIZES[-1], by, 0.95)  # type: ignore[arg-type]
    with torch.no_grad():
        for over in rounds.run():
            if over:
                print(by, len(rounds.gone), flush=True)
    return rounds.gone


def _rise(losses: Losses, heads: Sequence[Head]) -> str:
    whole, less = losses.without(), losses.without(heads)
    value, low, high = (100 * float(each) for each in ratio_interval(less - whole, whole, 0.95))
    return f"{value:.2f} % ({low:.2f} to {high:.2f})"


def _sliced(model: object, heads: Sequence[Head]) -> list[str]:
    cost, whole = cost_of(model, heads, 12), cost_of(model, [], 0)  # type: ignore[arg-type]
    small = prune_heads(model, [*map(str, heads)])  # type: ignore[arg-type]
    same = Masked(model, sorted(heads)).is_done_by(small)  # type: ignore[arg-type]
    assert cost.saved is not None and cost.saved_low is not None and cost.saved_high is not None
    ends = f"{100 * cost.saved_low:.1f} to {100 * cost.saved_high:.1f}"
    return [
        str(len(heads)),
        f"{100 * (1 - cost.parameters / whole.parameters):.1f} % fewer",
        f"{100 * (1 - cost.cache_bytes / whole.cache_bytes):.1f} % less",
        f"{100 * cost.saved:.1f} % less ({ends})",
        "yes" if same else "no",
    ]


def _rival(ids: Tensor, scored: Tensor, losses: Losses) -> list[list[str]]:
    """What Torch-Pruning's models lose on the same texts, or why it does not run."""
    place, named = ENVIRONMENTS / "torch-pruning", TORCH_PRUNING.replace("==", " ")
    try:
        if not place.is_dir():
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            _call([*pip, "--target", str(place), TORCH_PRUNING], {})
        with tempfile.TemporaryDirectory() as temporary:
            at = Path(temporary)
            torch.save(ids, at / "ids.pt")
            torch.save(scored, at / "scored.pt")
            files = [str(at / name) for name in ("ids.pt", "scored.pt", "out.json")]
            script = [sys.executable, "-m", "benchmarks.rival.sliced", str(folder()), *files]
            _call(script, {"PYTHONPATH": f"{ROOT}:{place}"})
            told = json.loads((at / "out.json").read_text(encoding="utf-8"))
    except RuntimeError as error:
        return [["", named, f"not run: {error}"]]
    whole, rows = losses.without(), []
    for each in told:
        less = torch.tensor(each["losses"]) - whole
        value, low, high = (100 * float(part) for part in ratio_interval(less, whole, 0.95))
        rise = f"{value:.1f} % ({low:.1f} to {high:.1f})"
        rows.append([str(each["heads"]), f"{named}: {each['said']}", rise])
    return rows


def _call(command: list[str], more: dict[str, str]) -> None:
    import os

    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | more, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RuntimeError(last[:150].replace("|", "/"))
