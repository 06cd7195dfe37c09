"""Three plateaus are found where there are three, and nowhere else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from circuit_widgets.statistics.plateaus import best_split, plateaus
from circuit_widgets.statistics.sign_flips import flips_needed, sign_flip_bound


def profile(shape: Tensor, seed: int, noise: float = 0.3) -> Tensor:
    """8 prompts, 6 features of one shape over depth; noise of the layers, and of the prompts."""
    draw = torch.Generator().manual_seed(seed)
    size = 1 + torch.rand(1, 1, 6, generator=draw)
    sign = torch.randn(1, 1, 6, generator=draw).sign()
    of_layers = noise * torch.randn(1, len(shape), 6, generator=draw)
    return (
        shape[None, :, None] * size * sign
        + of_layers
        + 0.1 * torch.randn(8, len(shape), 6, generator=draw)
    )


def steps(*lengths: int) -> Tensor:
    return torch.cat([torch.full((n,), float(at**1.5)) for at, n in enumerate(lengths)])


@pytest.mark.parametrize("lengths", [(4, 4, 4), (3, 12, 15), (10, 30, 8)])
def test_planted_levels_are_found(lengths: tuple[int, int, int]) -> None:
    starts = lengths[0], lengths[0] + lengths[1]
    for seed in range(3):
        found = plateaus(profile(steps(*lengths), seed))
        assert not isinstance(found, str)
        assert found.there and found.starts == starts
        assert found.low <= found.starts <= found.high


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (torch.linspace(0, 3, 24), "a (cubic|straight line) leaves|two levels"),
        (3 * torch.exp(-torch.arange(24) / 4), "a (cubic|straight line) leaves|two levels"),
        (3 * (torch.arange(24) == 0).float(), "random order|two levels"),
        (steps(12, 12), "two levels"),
    ],
)
def test_what_has_no_three_levels_has_none(shape: Tensor, why: str) -> None:
    import re

    claimed = 0
    for seed in range(6):
        found = plateaus(profile(shape, seed))
        assert not isinstance(found, str)
        claimed += found.there
        assert found.there or re.search(why, found.why), found.why
    assert claimed <= 1


def test_layers_without_order_have_none() -> None:
    claimed = sum(
        plateaus(profile(torch.zeros(12), seed, noise=1.0)).there  # type: ignore[union-attr]
        for seed in range(40)
    )
    assert claimed <= 3


def test_what_is_too_little_is_a_clause() -> None:
    some = profile(steps(3, 3, 3), 0)
    assert plateaus(some[:, :6]) == "levels take 7 layers or more, and there are 6"
    assert plateaus(some[:3]) == "levels take 4 prompts or more, and there are 3"
    assert "nothing that was measured" in str(plateaus(torch.ones(8, 9, 2)))


def test_the_best_split_is_the_best_of_all() -> None:
    values = torch.randn(9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    left = {}
    for one in range(2, 6):
        for other in range(one + 2, 8):
            parts = values[:one], values[one:other], values[other:]
            left[one, other] = sum(float((p - p.mean(0)).square().sum()) for p in parts)
    best = min(left, key=left.__getitem__)
    starts, squares = best_split(values[None])
    assert tuple(starts[0].tolist()) == best
    assert float(squares[0]) == pytest.approx(left[best])


def test_the_bound_of_the_largest_holds_as_often_as_it_says() -> None:
    draw = torch.Generator().manual_seed(0)
    beyond = 0
    for at in range(200):
        samples = torch.randn(8, 40, generator=draw) * torch.randn(40, generator=draw).exp()
        bound = sign_flip_bound(samples, 0.95, seed=at)
        assert bound is not None
        beyond += bool((samples.mean(0).abs() > bound).any())
    assert beyond <= 18


def test_a_strong_mean_hides_no_weaker_one() -> None:
    draw = torch.Generator().manual_seed(0)
    samples = 0.1 * torch.randn(10, 30, generator=draw)
    samples[:, 0] += 50
    samples[:, 1] += 1
    bound = sign_flip_bound(samples, 0.95)
    assert bound is not None and 0.02 < bound < 0.9


@pytest.mark.parametrize(("confidence", "n"), [(0.8, 4), (0.95, 6), (0.99, 8)])
def test_so_many_samples_are_needed(confidence: float, n: int) -> None:
    assert flips_needed(confidence) == n
    samples = torch.ones(n, 3) + 0.1 * torch.randn(n, 3)
    assert sign_flip_bound(samples[:-1], confidence) is None
    bound = sign_flip_bound(samples, confidence)
    assert bound is not None and bool((samples.mean(0) > bound).all())
