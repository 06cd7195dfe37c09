"""Intervals over prompts hold what many prompts give as often as they say: on the toy, by topic."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.attention.diagonals import SCORES, Diagonals
from circuit_widgets.attention.shapes import PatternScores
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.direct import DirectLogits
from circuit_widgets.causal.metrics import next_token_logp
from circuit_widgets.heads import Head
from circuit_widgets.prompts.repeats import Probe
from circuit_widgets.statistics.intervals import SHARE, mean_interval

# Prompts of one interval, and how many intervals.
GROUP, TIMES = 8, 100
CONFIDENCE = 0.95


def held(groups: Float[Tensor, "time prompt number"], bounds: tuple[float, float] | None) -> float:
    """How often an interval holds the mean over all; without numbers that never change."""
    truth = groups.mean((0, 1))
    _, low, high = mean_interval(groups.transpose(0, 1), CONFIDENCE, bounds)
    varies = groups.flatten(0, 1).std(0) > 1e-4
    return float(((low <= truth) & (truth <= high))[:, varies].float().mean())


def sequences(n: int) -> Tensor:
    return Probe(cw.load_model(), 8, 0, None).pairs(n)[:n]


def induction() -> Tensor:
    model, probe = cw.load_model(), Probe(cw.load_model(), 8, 0, None)
    reducer = Diagonals(probe.layout, tuple(SCORES), model.cfg.n_layers)
    capture.run(model, sequences(GROUP * TIMES), [reducer], logits=False)
    return reducer.means().transpose(0, 1).flatten(1)


def patterns() -> Tensor:
    model, tokens = cw.load_model(), sequences(GROUP * TIMES)
    reducer = PatternScores(tokens, model.cfg.n_layers, model.cfg.n_heads)
    capture.run(model, tokens, [reducer], logits=False)
    return reducer.values.transpose(0, 1).flatten(1)


def attribution() -> Tensor:
    model, tokens = cw.load_model(), sequences(GROUP * TIMES)
    direct = DirectLogits(model, torch.full((len(tokens),), tokens.shape[1] - 2))
    found = direct.of(capture.run(model, tokens, direct.reducers), tokens[:, -1:])
    return torch.cat([found.heads.flatten(1), found.mlp.flatten(1), found.embedding], 1)


@pytest.mark.parametrize(
    ("samples", "bounds"), [(induction, SHARE), (patterns, SHARE), (attribution, None)]
)
def test_an_interval_over_prompts_holds_the_mean(
    samples: Callable[[], Tensor], bounds: tuple[float, float] | None
) -> None:
    groups = samples().unflatten(0, (TIMES, GROUP))
    share = held(groups, bounds)
    print(f"{samples.__name__}: {share:.3f}")
    assert 0.93 < share < 0.98


def test_an_interval_of_an_ablation_and_of_a_path_holds_the_mean() -> None:
    """With the mean of the other prompts of its own group in the place of z."""
    model, times = cw.load_model(), 40
    groups = []
    for tokens in sequences(GROUP * times).split(GROUP):
        ablation = Ablation(model, [tokens], next_token_logp)
        effects = [ablation.effect([head]) for head in (Head(0, 1), Head(1, 1), Head(1, 2))]
        effects.append(ablation.effect([Head(0, 1), Head(1, 2)]))
        effects.append(ablation.path_effect(Head(0, 1), Head(1, 2)))
        groups.append(torch.stack(effects, 1))
    share = held(torch.stack(groups), None)
    print(f"ablations and a path: {share:.3f}")
    assert 0.9 < share <= 1
