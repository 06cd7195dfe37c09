"""The rest of `benchmarks/failures.py`: healthy models, unseen prompts, what a diagnosis costs."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

import circuit_widgets as cw
from benchmarks.measure import table
from circuit_widgets.analysis.failures.against_prompts import find, gathered
from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.choosing import asked, right_ones
from circuit_widgets.analysis.failures.deviations import deviations, outliers
from circuit_widgets.analysis.failures.fixes import Part
from circuit_widgets.analysis.failures.seen import see
from circuit_widgets.causal.nodes import parts_of
from circuit_widgets.models.recipes import Load
from tests import tiny


def prompt(model: Any, generator: random.Random, n: int = 14) -> torch.Tensor:
    """Random tokens, of which the second half repeats the first."""
    vocabulary = int(model.cfg.d_vocab)
    half = generator.sample(range(1, vocabulary), n // 2)
    return torch.tensor([[generator.randrange(1, vocabulary), *half, *half]])


def auroc(hit: list[float], others: list[float]) -> float:
    """How often a part that is hit has the higher score than one that is not; ties count half."""
    pairs = [(a > b) + 0.5 * (a == b) for a in hit for b in others]
    return sum(pairs) / len(pairs)


def healthy_pairs() -> str:
    """False alarms where nothing failed: the same model, one trained on, one with noise."""
    pairs: dict[str, tuple[Any, Any]] = {
        "the same toy, loaded twice": (cw.load_model(), cw.load_model()),
        "tiny GPT-2 with 0.1 % noise": (tiny.make("gpt2"), noisy(tiny.make("gpt2"), 1e-3)),
        "tiny Llama with 1 % noise": (tiny.make("llama"), noisy(tiny.make("llama"), 1e-2)),
    }
    for before, after in itertools.pairwise(cw_steps()[-4:]):
        loaded = [Load("toy-induction", step=step).load() for step in (before, after)]
        pairs[f"the toy at steps {before} and {after}"] = (loaded[0], loaded[1])
    rows = []
    for name, both in pairs.items():
        out = alarms(name, *both)
        share = f"{100 * float(out.float().mean()):.2f} %"
        rows.append([name, share, f"{int(out.any(1).sum())} of {len(out)}"])
    return table(["healthy beside healthy", "components flagged", "prompts with an alarm"], rows)


def cw_steps() -> list[int]:
    """Checkpoints of the toy."""
    from circuit_widgets import zoo

    return list(zoo.steps())


def alarms(name: str, reference: Any, model: Any) -> Bool[Tensor, "prompt part"]:
    """Which parts of a model are called out of line beside another one, on random prompts."""
    nodes, generator, found = parts_of(reference), random.Random(name), []
    for _ in range(20):
        usual = see(reference, nodes, prompt(model, generator))
        own = see(model, nodes, usual.inputs.tokens, given=usual)
        _, _, *both = outliers(*deviations(own, usual), torch.float32)
        q = torch.cat([each.flatten() for each in both])
        found.append(q[q.isfinite()] <= 0.05)
    return torch.stack(found)


def noisy(model: Any, size: float) -> Any:
    """With normal noise in each weight, of a share of that weight's standard deviation."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight += size * weight.std().nan_to_num(0) * noise
    return model


def unseen(model: Any, prompts: list[Asked], n_seen: int, n_unseen: int) -> list[str]:
    """Prompts that a model gets right, beside others of them: what is flagged is a false alarm.

    At q of 0.05 and of 0.01, components and prompts.
    """
    nodes = parts_of(model)
    healthy = gathered(model, nodes, prompts[:n_seen], 8)
    found = [find(model, nodes, healthy, each, 0) for each in prompts[n_seen:][:n_unseen]]
    q = torch.stack([torch.cat([each.q.flatten(), each.q_mlp]) for each in found])
    said = []
    for threshold in (0.05, 0.01):
        out = q <= threshold
        said.append(f"{100 * float(out.sum() / q.isfinite().sum()):.2f} %")
        said.append(f"{int(out.any(1).sum())} of {len(out)}")
    return said


def right_cases(model: Any, task: cw.Task, n: int) -> list[Asked]:
    """Cases of a task that the model gets right, in random order."""
    cases = asked(model, task, "cases")
    random.Random(0).shuffle(cases)
    right = right_ones(model, cases, 8)
    return [each for each, is_right in zip(cases, right, strict=True) if is_right][:n]


def beside_prompts(
    model: Any, prompts: list[Asked], n_seen: int, kinds: list[str], n: int
) -> list[tuple[float, bool, bool]]:
    """Faults without a healthy model: healthy prompts of before, and a prompt with the fault.

    Of each, AUROC of the component, whether it is the first, and whether it is flagged.
    """
    nodes = parts_of(model)
    healthy = gathered(model, nodes, prompts[:n_seen], 8)
    generator, found = random.Random(0), []
    for at in range(n):
        layer = generator.randrange(len(nodes.heads))
        head = f"{layer}.{generator.randrange(nodes.heads[layer])}"
        case = prompts[n_seen + at % (len(prompts) - n_seen)]
        with cw.inject_fault(model, kinds[at % len(kinds)], head) as fault:
            one = find(model, nodes, healthy, case, 0)
        hit = {Part(each.layer, each.index) for each in fault.heads}
        ranked = one.ranked()
        parts = {part: z for part, z, _ in ranked}
        others = [z for part, z in parts.items() if part not in hit]
        flagged = any(part in hit and q <= 0.05 for part, _, q in ranked)
        found.append((auroc([parts[p] for p in hit], others), ranked[0][0] in hit, flagged))
    return found


def without_a_model() -> str:
    """Models beside their own healthy prompts: unseen ones, and faults planted in them."""
    rows = []
    for name, model, task, n_seen in (
        ("toy (set)", cw.load_model(), "repeated_tokens", 100),
        ("toy, seed 1", cw.load_model(seed=1), "repeated_tokens", 100),
        ("toy, seed 2", cw.load_model(seed=2), "repeated_tokens", 100),
        ("SmolLM2, indirect objects", cw.load_model("SmolLM2-135M"), "ioi", 100),
    ):
        made = {"n": 400, "length": 10} if task == "repeated_tokens" else {"n": 200}
        prompts = right_cases(model, getattr(cw.Task, task)(model, **made), n_seen + 100)
        kinds = ["zero_q", "sharpen", "zero_v", "scale_write", "redirect", "permute_o"]
        found = beside_prompts(model, prompts, n_seen, kinds, 36)
        shares = [100 * sum(each[at] for each in found) / len(found) for at in (1, 2)]
        rows.append(
            [
                name,
                str(n_seen),
                *unseen(model, prompts, n_seen, 100),
                f"{sum(each[0] for each in found) / len(found):.3f}",
                *(f"{share:.0f} %" for share in shares),
            ]
        )
    head = ["without a healthy model", "healthy prompts"]
    head += [f"{what} out at q {q}" for q in (0.05, 0.01) for what in ("components", "unseen")]
    return table([*head, "AUROC of 36 full faults", "first", "out at q 0.05"], rows)


def costs(name: str = "SmolLM2-135M") -> str:
    """Seconds of a diagnosis with all fixes tried, as a multiple of a forward pass."""
    model, reference = (cw.load_model(name) for _ in range(2))
    task = cw.Task.ioi(model, n=8)
    kinds = {"zero_q": "19.5", "sharpen": "14.2", "scale_write": "10.3"}
    rows = []
    for kind, head in kinds.items():
        with cw.inject_fault(model, kind, head):
            cases = asked(model, task, "cases")
            right = right_ones(reference, cases, 8)
            one = next(each for each, is_right in zip(cases, right, strict=True) if is_right)
            rows.append([f"{kind} in {head}", *_timed(model, reference, one)])
    return table(["SmolLM2, beside a healthy model", "seconds", "forward passes"], rows)


def _timed(model: Any, reference: Any, case: Asked) -> tuple[str, str]:
    """One look at a case, whether it fails or not, and its fixes."""
    from circuit_widgets.analysis.failures import against_model
    from circuit_widgets.analysis.failures.looking import checked
    from circuit_widgets.analysis.failures.problems import problems_of

    nodes, ids = parts_of(model), torch.tensor([case.ids])
    given = {"naming": "strongest", "most": 3, "controls": 3, "fixes": True, "n_cases": 1}
    given |= {"n_healthy": 1, "n_transfers": 0, "threshold": 0.05, "batch": 8, "seed": 0}
    settings = checked(**given, confidence=0.95)

    def diagnose() -> None:
        found = against_model.find(model, reference, nodes, case, None)
        problems_of(found, case, settings)

    one, whole = (_seconds(call) for call in (lambda: reference(ids), diagnose))
    return f"{whole:.2f}", f"{whole / one:.0f}"


def _seconds(call: Callable[[], Any]) -> float:
    with torch.no_grad():
        call()
        found = []
        for _ in range(3):
            started = time.perf_counter()
            call()
            found.append(time.perf_counter() - started)
    return sorted(found)[1]
