"""Where the curves of a training change their level, and which heads take roles over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.analysis.stability.training_results import Change, Swap
from circuit_widgets.heads import Head
from circuit_widgets.statistics.intervals import mean_interval
from circuit_widgets.statistics.overlaps import means_of, resampled
from circuit_widgets.statistics.percentiles import percentiles

# Draws of prompts or sequences; a draw is a few means.
DRAWS = 999
# A head has a role that it has half as much of as the head that ever has most of it.
HOLDS = 0.5


def change_of(
    name: str,
    samples: Float[Tensor, "sample step ..."],
    steps: Sequence[int],
    curve: Callable[[Float[Tensor, "draw step ..."]], Float[Tensor, "draw step"]],
    seed: int,
    confidence: float,
) -> Change:
    """The best place for one step in a curve (least squares), and whether noise makes as large one.

    Its interval is of draws of the samples, the same in all checkpoints. Noise is what is left of
    draws that differ between checkpoints, without the curve itself.
    """
    n, n_steps = samples.shape[:2]
    value = curve(samples.mean(0)[None])[0]
    at, size = (each[0] for each in _step(value[None]))
    places, _ = _step(curve(means_of(samples, resampled(n, DRAWS, seed))))
    apart = torch.stack(
        [
            means_of(samples[:, step], resampled(n, DRAWS, seed + 1 + step))
            for step in range(n_steps)
        ],
        1,
    )
    _, noise = _step(curve(apart) - value)
    # Of one curve that only its samples move; the curve itself is one more.
    p = (1 + int((noise >= size - 1e-9).sum())) / (1 + DRAWS)
    low, high = percentiles(places.float(), confidence)
    place = int(at)
    return Change(
        curve=name,
        before=steps[place - 1],
        after=steps[place],
        low=steps[min(int(low.floor()), place)],
        high=steps[max(int(high.ceil()), place)],
        level_before=float(value[:place].mean()),
        level_after=float(value[place:].mean()),
        p=p,
    )


def _step(
    curves: Float[Tensor, "draw step"],
) -> tuple[Int[Tensor, " draw"], Float[Tensor, " draw"]]:
    """The first checkpoint after the step, and the part of the squares that it explains, rooted."""
    n = curves.shape[1]
    counts = torch.arange(1, n)
    sums = curves.cumsum(1)[:, :-1]
    means_after = (curves.sum(1, keepdim=True) - sums) / (n - counts)
    away = (means_after - sums / counts).abs() * (counts * (n - counts) / n).sqrt()
    size, at = away.max(1)
    return at + 1, size


def highest_head(values: Float[Tensor, "draw step layer head"]) -> Float[Tensor, "draw step"]:
    """The curve of a role: of the head that has most of it, step by step."""
    return values.flatten(2).amax(2)


def swaps_of(
    roles: Mapping[str, Float[Tensor, "sequence step layer head"]],
    steps: Sequence[int],
    writes: Bool[Tensor, "step layer head"],
    confidence: float,
) -> tuple[Swap, ...]:
    """Roles that go from one head of the circuit to another while there is a circuit.

    The head that has most of a role at one step is surely above the other one, and at a later step
    the other is surely above it: by Student's t over sequences, at a confidence that is corrected
    for all pairs of heads, steps and roles that might have been found.
    """
    with_circuit = [at for at in range(len(steps)) if bool(writes[at].any())]
    n_heads = writes[0].numel()
    tests = max(1, len(roles) * len(with_circuit) * n_heads * (n_heads - 1) // 2)
    strict = 1 - (1 - confidence) / tests
    found = []
    for name, samples in roles.items():
        mean = samples.mean(0)
        enough = HOLDS * float(mean[with_circuit].nan_to_num().max()) if with_circuit else math.inf
        held: tuple[int, Head] | None = None
        for at in with_circuit:
            best = int(mean[at].nan_to_num(-1).argmax())
            head = Head(*divmod(best, mean.shape[-1]))
            place = head.layer, head.index
            if float(mean[at][place]) < enough or not bool(writes[at][place]):
                continue
            if held is not None and held[1] != head:
                before = _lead(samples[:, held[0]], held[1], head)
                after = _lead(samples[:, at], head, held[1])
                if not all(float(mean_interval(each, strict)[1]) > 0 for each in (before, after)):
                    # Which of the two has it is not sure: the one that surely had it keeps it.
                    continue
                leads = [
                    tuple(float(end) for end in mean_interval(each, confidence))
                    for each in (before, after)
                ]
                found.append(
                    Swap(name, steps[held[0]], steps[at], held[1], head, *leads)  # type: ignore[arg-type]
                )
            held = at, head
    return tuple(sorted(found, key=lambda swap: swap.after))


def _lead(
    samples: Float[Tensor, "sequence layer head"], one: Head, other: Head
) -> Float[Tensor, " sequence"]:
    return samples[:, one.layer, one.index] - samples[:, other.layer, other.index]
