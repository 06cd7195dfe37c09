"""Models that were trained on, which is no fault: how often a component is called out of line.

    python -m benchmarks.failures_trained [folder]   # half an hour; snapshots stay in the folder

The later checkpoint of a training is held against the one before it, and tiny models against
themselves with noise in their weights, or after some more steps of training. What is flagged there
(q of 0.05 at most) is a false alarm, unless one calls it a fault that a head was trained to do
something else. The rule was set on seeds 0 to 2 of the toy; all others were trained for judging it
and are not in the package. The last table says what can be found at all where everything deviates:
whole faults, planted in the later of two checkpoints.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

import circuit_widgets as cw
from benchmarks.failures_more import alarms, auroc, noisy, prompt
from benchmarks.measure import table
from circuit_widgets import zoo
from circuit_widgets.analysis.failures.deviations import deviations, outliers
from circuit_widgets.analysis.failures.seen import see
from circuit_widgets.causal.nodes import parts_of
from circuit_widgets.zoo.checkpoints import NO_PARAMETER
from circuit_widgets.zoo.toy import CONFIG, build
from circuit_widgets.zoo.train import Recipe, train
from tests import tiny

# The last checkpoints, between which most of what is learned is there.
LATE = 7
SET = (0, 1, 2)
FRESH = (3, 4, 5)
TINY = ("gpt2", "llama", "neox", "gemma", "qwen2", "native", "native_gqa")
NOISES = (0.01, 0.05, 0.2)
STEPS = (10, 100)
KINDS = ("zero_q", "sharpen", "zero_v", "scale_write", "redirect", "permute_o")
# A training by its checkpoints: what makes the model of each step.
Checkpoints = Mapping[int, Callable[[], Any]]


def shipped(seed: int) -> Checkpoints:
    """The checkpoints of a toy of the package."""
    return {
        step: lambda step=step: cw.load_model(step=step, seed=seed) for step in zoo.steps(seed=seed)
    }


def trained(seed: int, folder: Path | None) -> Checkpoints:
    """The checkpoints of a toy that is trained here, or was before and lies in the folder."""
    kept = folder / f"seed{seed}.pt" if folder else None
    if kept and kept.exists():
        snapshots = torch.load(kept)["snapshots"]
    else:
        snapshots = train(Recipe(seed=seed), quiet=True).snapshots
        if kept:
            torch.save({"snapshots": snapshots}, kept)

    def at(step: int) -> Any:
        model = build(CONFIG)
        weights = {name: each.float() for name, each in snapshots[step].items()}
        weights[NO_PARAMETER] = torch.zeros(model.cfg.d_vocab)
        model.load_state_dict(weights)
        return model.eval()

    return {step: lambda step=step: at(step) for step in sorted(snapshots)}


def shares(name: str, reference: Any, model: Any) -> tuple[float, float]:
    """Which shares of the components, and of the prompts, have an alarm."""
    out = alarms(name, reference, model)
    return float(out.float().mean()), float(out.any(1).float().mean())


def of_a_training(name: str, steps: Checkpoints) -> list[str]:
    """A row: neighbouring checkpoints, the late ones and all."""
    found = []
    for before, after in itertools.pairwise(steps):
        found.append(shares(f"{name} {before} {after}", steps[before](), steps[after]()))
    cells = [name]
    for some in (found[-LATE:], found):
        flagged, prompts = zip(*some, strict=True)
        cells += [_percent(statistics.mean(flagged)), _percent(max(flagged))]
        cells.append(_percent(statistics.mean(prompts)))
    return cells


def trained_on(model: Any, steps: int) -> Any:
    """After some more steps, on random tokens that repeat; the rate is that of fine-tuning."""
    generator, weights = random.Random(0), [*model.original_model.parameters()]
    for weight in weights:
        weight.requires_grad_(True)
    optimizer = torch.optim.AdamW(weights, lr=1e-3)
    for _ in range(steps):
        tokens = torch.cat([prompt(model, generator) for _ in range(16)])
        logits = model(tokens)
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return model


def of_an_architecture(name: str) -> list[str]:
    """A row: components flagged with each noise, and after each number of steps."""
    pairs = [noisy(tiny.make(name), size) for size in NOISES]
    pairs += [trained_on(tiny.make(name), steps) for steps in STEPS]
    reference = tiny.make(name)
    return [name, *(_percent(shares(name, reference, model)[0]) for model in pairs)]


def faults(name: str, steps: Checkpoints, n: int = 36) -> list[str]:
    """A row: whole faults in the later of two late checkpoints, held against the earlier one.

    Where a fault changes what a head does by no more than training did, it is not out of line.
    """
    pairs, generator = [*itertools.pairwise(steps)][-LATE:], random.Random(name)
    scores, firsts, flagged = [], [], []
    for at in range(n):
        before, after = pairs[at % len(pairs)]
        reference, model = steps[before](), steps[after]()
        nodes = parts_of(reference)
        layer = generator.randrange(len(nodes.heads))
        head = (layer, generator.randrange(nodes.heads[layer]))
        usual = see(reference, nodes, prompt(model, generator))
        with cw.inject_fault(model, KINDS[at % len(KINDS)], f"{head[0]}.{head[1]}"):
            own = see(model, nodes, usual.inputs.tokens, given=usual)
        heads, mlps = deviations(own, usual)
        z, z_mlp, q, _ = outliers(heads, mlps, torch.float32)
        others = [float(each) for each in torch.cat([z.flatten(), z_mlp.flatten()])]
        own_z = others.pop(head[0] * z.shape[2] + head[1])
        others = [each for each in others if each == each]
        scores.append(auroc([own_z], others))
        firsts.append(own_z > max(others))
        flagged.append(float(q[0][head]) <= 0.05)
    return [
        name,
        str(n),
        f"{statistics.mean(scores):.3f}",
        _percent(statistics.mean(firsts)),
        _percent(statistics.mean(flagged)),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def run(folder: Path | None = None) -> str:
    """All three tables; half an hour where nothing is trained yet."""
    trainings = {f"seed {seed} (set)": shipped(seed) for seed in SET}
    trainings |= {f"seed {seed} (judged)": trained(seed, folder) for seed in FRESH}
    head = ["the toy, neighbouring checkpoints"]
    for which in (f"last {LATE} pairs", "all pairs"):
        head += [f"flagged, {which}", "worst pair", "prompts with an alarm"]
    tables = [table(head, [of_a_training(*each) for each in trainings.items()])]
    head = ["beside itself (judged)", *(f"{100 * size:g} % noise" for size in NOISES)]
    head += [f"{steps} steps on" for steps in STEPS]
    tables.append(table(head, [of_an_architecture(name) for name in TINY]))
    head = ["whole faults in the later checkpoint", "n", "AUROC", "first", "flagged"]
    tables.append(table(head, [faults(*each) for each in trainings.items()]))
    return "\n".join(tables)


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(run(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
