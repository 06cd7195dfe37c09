"""What each side's script is given, and what it gives back. It runs where only its library is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy
import torch
from torch import Tensor

from benchmarks.measure import peak_growth, seconds

MODEL, PROMPTS, ANSWER, METHOD = (*sys.argv[1:5], *[""] * 4)[:4]


def prompts() -> dict[str, Tensor]:
    """Ids of "clean" and "corrupt" prompts [prompt, pos], and of "right" and "wrong" answers."""
    with numpy.load(PROMPTS) as kept:
        return {name: torch.from_numpy(kept[name]) for name in kept.files}


def difference(logits: Tensor, right: Tensor, wrong: Tensor) -> Tensor:
    """The metric of both sides: right minus wrong logit after the last token, of each prompt."""
    last = logits[:, -1]
    return (last.gather(1, right[:, None]) - last.gather(1, wrong[:, None]))[:, 0]


def answer(call: Callable[[], dict[str, Tensor]]) -> None:
    """Run it once, timed and watched, and write down what it found."""
    found: dict[str, Tensor] = {}
    with peak_growth() as grown:
        taken = seconds(lambda: found.update(call()))
    arrays = {name: value.detach().float().numpy() for name, value in found.items()}
    numpy.savez(ANSWER, **arrays)
    told = {"seconds": taken, "bytes": grown[0]}
    Path(ANSWER).with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")
