"""Student's t against tables and against repeated draws."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets.statistics.intervals import (
    SHARE,
    all_within,
    further_draw,
    mean_interval,
    mean_p,
    score_of,
    t_quantile,
)


@pytest.mark.parametrize(
    ("confidence", "freedom", "table"),
    [
        (0.95, 1, 12.7062),
        (0.95, 2, 4.3027),
        (0.95, 3, 3.1824),
        (0.95, 4, 2.7764),
        (0.90, 5, 2.0150),
        (0.99, 7, 3.4995),
        (0.95, 15, 2.1314),
        (0.95, 30, 2.0423),
        (0.95, 999, 1.9623),
    ],
)
def test_t_is_the_tables(confidence: float, freedom: int, table: float) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(table, abs=1e-4)


@pytest.mark.parametrize(("n", "confidence"), [(2, 0.9), (5, 0.95), (16, 0.8)])
def test_the_interval_holds_the_truth_as_often_as_it_says(n: int, confidence: float) -> None:
    draws = torch.randn(n, 20_000, generator=torch.Generator().manual_seed(n))
    mean, low, high = mean_interval(draws, confidence)
    torch.testing.assert_close(mean, draws.mean(0))
    held = float(((low < 0) & (high > 0)).float().mean())
    assert held == pytest.approx(confidence, abs=0.01)


@pytest.mark.parametrize("n", [2, 4, 16])
@pytest.mark.parametrize("shape", [(18.0, 2.0), (2.0, 2.0), (1.0, 9.0), (0.5, 0.5), (95.0, 5.0)])
def test_an_interval_of_shares_stays_between_0_and_1_and_holds_the_truth(
    n: int, shape: tuple[float, float]
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(n)
        draws = torch.distributions.Beta(*shape).sample((n, 20_000))
    _, low, high = mean_interval(draws, 0.95, SHARE)
    truth = shape[0] / sum(shape)
    assert float(low.min()) >= 0 and float(high.max()) <= 1
    held = float(((low < truth) & (high > truth)).float().mean())
    assert held == pytest.approx(0.95, abs=0.02)
    # Of little spread it is the plain one.
    near = 0.5 + (draws - truth) / 1000
    plain, bounded = (torch.stack(mean_interval(near, 0.95, of)) for of in (None, SHARE))
    torch.testing.assert_close(bounded, plain, rtol=0, atol=1e-4)


def test_shares_that_are_all_the_same_have_an_interval_without_width() -> None:
    same = torch.tensor([[0.0, 0.3, 1.0]]).expand(4, -1)
    for end in mean_interval(same, 0.95, SHARE):
        torch.testing.assert_close(end, same[0])
    missing = torch.tensor([[0.5, torch.nan], [0.6, 0.1]])
    assert torch.stack(mean_interval(missing, 0.95, SHARE)).isnan().tolist() == [[False, True]] * 3


def test_one_sample_has_no_interval() -> None:
    score = score_of(torch.ones(1, 2, 3), None, 0.95)
    assert set(score.tensors()) == {"value", "low", "high"}
    assert score.value.eq(1).all()
    assert all(score.tensors()[end].isnan().all() for end in ("low", "high"))


def test_a_missing_sample_is_a_missing_score() -> None:
    samples = torch.ones(4, 2)
    samples[1, 0] = torch.nan
    score = score_of(samples, samples.flip(1), 0.95, chance=0.5).tensors()
    assert score["value"].isnan().tolist() == [True, False]
    assert score["control"].isnan().tolist() == [False, True]
    assert score["low"].isnan().tolist() == [True, False]


@pytest.mark.parametrize(("n", "confidence"), [(3, 0.9), (8, 0.95)])
def test_a_further_draw_is_between_as_often_as_it_says(n: int, confidence: float) -> None:
    generator = torch.Generator().manual_seed(n)
    held = 0
    for draws in torch.randn(4000, n + 1, generator=generator):
        middle, low, high = further_draw(draws[1:], confidence)
        assert float(middle) == pytest.approx(float(draws[1:].mean()), abs=1e-6)
        held += bool(low < draws[0] < high)
    assert held / 4000 == pytest.approx(confidence, abs=0.015)


@pytest.mark.parametrize(("n", "confidence"), [(4, 0.95), (8, 0.95), (16, 0.99)])
def test_so_it_is_by_medians_or_a_little_more_often(n: int, confidence: float) -> None:
    held = 0
    for draws in torch.randn(1500, n + 1, generator=torch.Generator().manual_seed(n)):
        _, low, high = further_draw(draws[1:], confidence, robust=True)
        held += bool(low < draws[0] < high)
    assert confidence - 0.015 < held / 1500 < confidence + 0.6 * (1 - confidence)


@pytest.mark.parametrize(("n_parts", "n_draws"), [(1, 256), (100, 256), (100, 30)])
def test_all_parts_of_a_further_draw_are_within_as_often_as_it_says(
    n_parts: int, n_draws: int
) -> None:
    """Parts of several sizes, half of them related."""
    generator = torch.Generator().manual_seed(n_parts)
    sizes = torch.linspace(0.1, 5, n_parts)[:, None]
    held, times = 0, 400
    for _ in range(times):
        draws = torch.randn(n_parts, n_draws + 1, generator=generator)
        draws[::2] += draws[:1].clone()
        draws = 3 + sizes * draws
        low, high = all_within(draws[:, 1:], 0.95)
        held += bool(((draws[:, 0] > low) & (draws[:, 0] < high)).all())
    # Two or three standard errors.
    assert held / times == pytest.approx(0.95, abs=0.03)


def test_one_of_few_draws_cannot_be_within_with_much_confidence() -> None:
    low, high = all_within(torch.randn(2, 10, generator=torch.Generator().manual_seed(0)), 0.95)
    assert bool(low.isinf().all()) and bool(high.isinf().all())


def test_p_of_a_mean_is_uniform_where_there_is_nothing() -> None:
    p = mean_p(torch.randn(6, 4000, generator=torch.Generator().manual_seed(0)))
    for level in (0.01, 0.05, 0.5):
        assert float((p <= level).float().mean()) == pytest.approx(level, abs=0.02)


def test_one_wild_draw_does_not_hide_the_others_if_it_is_robust() -> None:
    calm = torch.tensor([0.1, -0.2, 0.15, -0.05, 0.0, 0.1, -0.1])
    wild = torch.cat([calm, torch.tensor([50.0])])
    _, low, high = further_draw(wild, 0.95, robust=True)
    assert -1 < low < 0 < high < 1
    assert further_draw(wild, 0.95)[2] > 40
    # Of many normal draws both are the same.
    many = torch.randn(20_000, generator=torch.Generator().manual_seed(1))
    plain, robust = further_draw(many, 0.95), further_draw(many, 0.95, robust=True)
    assert [float(x) for x in robust] == pytest.approx([float(x) for x in plain], abs=0.06)


def test_too_few_draws_have_no_bounds() -> None:
    assert torch.stack(further_draw(torch.empty(0), 0.95)).isnan().all()
    assert torch.stack(further_draw(torch.ones(1), 0.95)).isnan().tolist() == [False, True, True]
