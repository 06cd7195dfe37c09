"""How alike sets and profiles are, and whether their intervals hold what they say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy.stats import spearmanr

from circuit_widgets.statistics import overlaps as o
from circuit_widgets.statistics.ranks import rank_correlation


def test_against_naive_recomputations() -> None:
    torch.manual_seed(0)
    one, other = torch.rand(30) > 0.5, torch.rand(30) > 0.5
    mine, theirs = ({at for at, x in enumerate(each.tolist()) if x} for each in (one, other))
    assert float(o.jaccard(one, other)) == pytest.approx(len(mine & theirs) / len(mine | theirs))
    assert bool(
        o.jaccard(torch.zeros(3, dtype=torch.bool), torch.zeros(3, dtype=torch.bool)).isnan()
    )
    a, b = torch.randn(40), torch.randn(40).round()
    assert float(rank_correlation(a, b)) == pytest.approx(spearmanr(a, b).statistic, abs=1e-5)
    same = sum(
        min(abs(x), abs(y)) for x, y in zip(a.tolist(), b.tolist(), strict=True) if x * y > 0
    )
    most = sum(
        max(abs(x), abs(y)) if x * y > 0 else abs(x) + abs(y)
        for x, y in zip(a.tolist(), b.tolist(), strict=True)
    )
    assert float(o.shared_effects(a, b)) == pytest.approx(same / most, rel=1e-5)
    assert float(o.shared_effects(a, a)) == 1
    rows = torch.tensor([[0, 0, 3], [1, 2, 2]])
    samples = torch.randn(4, 2, 3)
    assert torch.allclose(o.means_of(samples, rows), samples[rows].mean(1))


def test_many_draws_are_compared_with_one() -> None:
    torch.manual_seed(0)
    one, draws = torch.randn(1, 9), torch.randn(5, 9)
    for alike in (rank_correlation, o.shared_effects):
        each = torch.stack([alike(one[0], draw) for draw in draws])
        assert torch.allclose(alike(one, draws), each)


def test_halves_and_draws_are_the_same_for_a_seed() -> None:
    one, other = o.split(9, 50, seed=3)
    assert one.shape == other.shape == (50, 4)
    for mine, theirs in zip(one.tolist(), other.tolist(), strict=True):
        assert len({*mine, *theirs}) == 8
    assert torch.equal(o.resampled(9, 5, seed=3), o.resampled(9, 5, seed=3))
    assert not torch.equal(o.resampled(9, 5, seed=3), o.resampled(9, 5, seed=4))


def test_what_chance_gives_the_most_of_cannot_be_corrected() -> None:
    assert bool(o.corrected(torch.tensor(1.0), torch.tensor(1.0)).isnan())


@pytest.mark.parametrize(("alike", "least"), [(rank_correlation, 46), (o.shared_effects, 52)])
@pytest.mark.parametrize("n", [8, 24])
def test_intervals_of_a_likeness_hold_the_true_one(n: int, alike: Any, least: int) -> None:
    """Two profiles of 40 effects, measured on n prompts with noise that they share in part."""
    generator = torch.Generator().manual_seed(n)
    effects = torch.randn(2, 40, generator=generator).exp()
    effects[1] = 0.5 * effects[0] + effects[1]
    truth = alike(effects[0], effects[1])
    held, widths = 0, []
    for seed in range(60):
        noise = torch.randn(3, n, 40, generator=generator)
        samples = [effects[at] + noise[at] + noise[2] for at in (0, 1)]
        rows = o.resampled(n, 60, seed)
        value = alike(*(each.mean(0) for each in samples))
        draws = alike(*(o.means_of(each, rows) for each in samples))
        low, high = o.bootstrap_interval(value, draws, n, 0.95)
        held += bool(low <= truth <= high)
        widths.append(float(high - low))
    # Of 60. Ranks of noisy numbers are biased by more than a bootstrap sees.
    assert held >= least, held
    assert sum(widths) / len(widths) < 0.8
