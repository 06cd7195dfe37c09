"""How often stability finds something where there is nothing: its nulls are as they say."""

from __future__ import annotations

import types
from typing import Any

import pytest
import torch
from torch import Tensor

from circuit_widgets.analysis.stability.phases import neighbours, phases_of
from circuit_widgets.causal.nodes import Nodes

NODES = Nodes((3,), (3,), ("",))
N = 10


def checkpoint(samples: Tensor) -> Any:
    """What phases read of one."""
    return types.SimpleNamespace(samples=samples, score=samples.mean(0), nodes=NODES)


def unstable(samples: list[Tensor], seed: int) -> list[tuple[int, int]]:
    models = [checkpoint(each) for each in samples]
    kept = NODES.allowed.expand(len(models), -1, -1)
    phases = phases_of(range(len(models)), neighbours(models, kept, 24, seed, 0.95), 0.95)
    return [(phase.first, phase.last) for phase in phases if phase.kind == "unstable"]


def draw(effects: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(N, *effects.shape, generator=generator)
    return (effects + 0.5 * noise).where(NODES.allowed, torch.nan)


@pytest.mark.parametrize("prompts", ["own", "shared"])
def test_checkpoints_that_differ_by_their_prompts_are_stable(prompts: str) -> None:
    """Of 20 trainings of four checkpoints, all with the same effects; 5 % may be found unstable."""
    generator = torch.Generator().manual_seed(0)
    found = 0
    for seed in range(20):
        effects = torch.randn(NODES.allowed.shape, generator=generator).exp()
        first = draw(effects, generator)
        samples = [first] + [
            draw(effects, generator)
            if prompts == "own"
            else first + 0.1 * torch.randn(first.shape, generator=generator)
            for _ in range(3)
        ]
        found += bool(unstable(samples, seed))
    assert found <= 3


def test_effects_that_change_are_unstable_where_they_do() -> None:
    generator = torch.Generator().manual_seed(0)
    for seed in range(6):
        one, other = torch.randn(2, *NODES.allowed.shape, generator=generator).exp()
        samples = [draw(effects, generator) for effects in (one, one, other, other)]
        assert unstable(samples, seed) == [(1, 2)]
