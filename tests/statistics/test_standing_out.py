"""What is called out of line among few values: no more often than q says, and still if it is."""

from __future__ import annotations

import math

import pytest
import torch

from circuit_widgets.statistics.permutations import discoveries
from circuit_widgets.statistics.standing_out import among_others


def shares_with_an_alarm(samples: torch.Tensor, least: float) -> float:
    _, p = among_others(samples, least)
    q = torch.stack([discoveries(row) for row in p])
    return float((q <= 0.05).any(1).float().mean())


@pytest.mark.parametrize("n", [5, 8, 15, 24, 100])
def test_normal_values_have_alarms_as_often_as_q_says(n: int) -> None:
    """With p of a normal distribution it would be 18 % of samples of eight."""
    samples = torch.randn(600, n, generator=torch.Generator().manual_seed(n))
    assert 0.025 <= shares_with_an_alarm(samples, 0.0) <= 0.08
    # The least spread makes alarms rarer, never more frequent.
    assert shares_with_an_alarm(samples / 10, 0.15) <= 0.08
    assert shares_with_an_alarm(samples, 0.15) <= 0.08


def test_p_is_uniform() -> None:
    _, p = among_others(torch.randn(4000, 8, generator=torch.Generator().manual_seed(1)), 0.0)
    for level in (0.01, 0.05, 0.5):
        assert abs(float((p <= level).float().mean()) - level) < 0.15 * level


def test_half_of_a_row_is_no_outlier() -> None:
    """Layers that are trained at different rates: neither half is out of line."""
    row = torch.tensor([[-2.0, -2.1, -1.9, -2.0, -1.0, -1.1, -0.9, -1.0]])
    z, p = among_others(row, 0.15)
    assert float(z.abs().max()) < 1 and float(p.min()) > 0.1


def test_one_that_is_far_out_is_found_whatever_the_others_are() -> None:
    row = torch.full((1, 8), -4.0)
    row[0, 5] = -2.0
    z, p = among_others(row, 0.15)
    assert int(p.argmin()) == 5 and float(p[0, 5]) < 1e-3
    assert float(z[0, 5]) == pytest.approx(2 / 0.15)


def test_missing_values_are_no_values() -> None:
    with_gaps = torch.tensor([[0.0, 1.0, math.nan, 2.0, 9.0], [math.nan] * 5])
    z, p = among_others(with_gaps, 0.1)
    alone, p_alone = among_others(torch.tensor([[0.0, 1.0, 2.0, 9.0]]), 0.1)
    there = [0, 1, 3, 4]
    assert z[0, there].tolist() == alone[0].tolist() and p[0, there].tolist() == p_alone[0].tolist()
    assert bool(z[0, 2].isnan()) and bool(z[1].isnan().all()) and bool(p[1].isnan().all())
