"""Shuffles keep what they say they keep, and p is uniform where there is nothing to find."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from circuit_widgets.analysis.coordination.measures import CKA, Contribution, Pearson
from circuit_widgets.analysis.coordination.rows import Contributions
from circuit_widgets.analysis.coordination.similarity import of_shuffles
from circuit_widgets.analysis.coordination.subspaces import projection
from circuit_widgets.statistics.permutations import Rows, Shuffles, discoveries, two_sided, upper


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Thousands of small products: threads that wait for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def series(
    n_prompts: int, n_positions: int, heads: int, seed: int, keep: float = 0.0
) -> torch.Tensor:
    """Independent noise [row, head]; `keep` is what a position keeps of the one before."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n_prompts, n_positions, heads, generator=generator)
    for at in range(1, n_positions):
        noise[:, at] = keep * noise[:, at - 1] + math.sqrt(1 - keep**2) * noise[:, at]
    return noise.flatten(0, 1)


def all_of(shuffles: Shuffles, size: int = 7) -> torch.Tensor:
    return torch.cat(list(shuffles.chunks(size)))


def test_prompts_of_one_length_change_places() -> None:
    rows = Rows(((9, 5), (8, 3), (1, 4)))
    index = all_of(Shuffles(rows, 40, seed=1))
    assert index.shape == (40, 73) and rows.n_orders == math.factorial(9) * math.factorial(8)
    assert (index.sort(1).values == torch.arange(73)).all()
    first, second = index[:, :45].unflatten(1, (9, 5)), index[:, 45:69].unflatten(1, (8, 3)) - 45
    for block, n in ((first, 5), (second, 3)):
        # Positions stay where they are, and a prompt stays together.
        assert (block % n == torch.arange(n)).all()
        assert (block // n == (block // n)[:, :, :1]).all()
    assert len({tuple(row.tolist()) for row in index}) == 40
    # A prompt alone in its length stays.
    assert (index[:, 69:] == torch.arange(69, 73)).all()


def test_the_seed_decides() -> None:
    rows = Rows(((8, 3), (2, 30)))
    one, same, other = (all_of(Shuffles(rows, 20, seed), 20) for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_centring_is_by_position_where_there_are_several_prompts() -> None:
    rows = Rows(((3, 4), (1, 5)))
    values = torch.randn(17, 2, generator=torch.Generator().manual_seed(0))
    values -= 0.3
    centred = rows.centred(values)
    assert centred.mean(0).abs().max() < 1e-6
    several = centred[:12].unflatten(0, (3, 4))
    assert (several.mean(0) - several.mean((0, 1))).abs().max() < 1e-6
    alone = centred[12:] - values[12:]
    assert (alone - alone[0]).abs().max() < 1e-6


# What the noise is like: prompts, positions, what a position keeps of the one before.
NOISE = {
    "prompts": (12, 8, 0.0),
    "slow prompts": (10, 12, 0.9),
    "few prompts": (7, 40, 0.5),
}


def p_values(like: str, heads: int, seeds: int) -> torch.Tensor:
    """Of all pairs, for each seed."""
    prompts, positions, keep = NOISE[like]
    rows = Rows(((prompts, positions),))
    found = []
    for seed in range(seeds):
        noise = series(prompts, positions, heads, seed, keep)
        z = noise[:, :, None]
        made = Contributions(z, torch.ones_like(z), rows, torch.arange(len(z)))
        found.append(of_shuffles(Contribution(made), Shuffles(rows, 99, seed)).p)
    return torch.stack(found)


@pytest.mark.parametrize("like", NOISE)
def test_p_is_uniform_on_noise(like: str) -> None:
    # One pair a seed: pairs that share a head are not independent.
    p = p_values(like, heads=3, seeds=150)[:, 0]
    assert stats.kstest(p.numpy(), "uniform").pvalue > 0.01
    assert float((p <= 0.05).float().mean()) < 0.1


def test_shuffling_single_rows_would_find_what_is_not_there() -> None:
    """Why prompts stay whole: two slow series of which neither knows the other."""
    rejected, whole = 0, p_values("slow prompts", heads=2, seeds=60)[:, 0]
    for seed in range(60):
        noise = series(10, 12, 2, seed, 0.9)
        rejected += float(stats.spearmanr(noise[:, 0], noise[:, 1]).pvalue) <= 0.05
    assert rejected / 60 > 0.3
    assert float((whole <= 0.05).float().mean()) < 0.15


class AsTheyAre:
    """What heads write is their z."""

    def of(self, z: torch.Tensor) -> torch.Tensor:
        return z


@pytest.mark.parametrize("like", ["prompts", "slow prompts"])
def test_cka_and_pearson_are_uniform_on_noise(like: str) -> None:
    prompts, positions, keep = NOISE[like]
    rows = Rows(((prompts, positions),))
    found = {"cka": [], "pearson": []}
    for seed in range(100):
        # Of one head two dimensions, of the other one that counts: unlike shapes of the null.
        noise = series(prompts, positions, 6, seed, keep).unflatten(1, (3, 2))
        noise[:, 1, 1] *= 0.1
        shuffles = [Shuffles(rows, 39, seed) for _ in found]
        made = CKA(noise, AsTheyAre()), Pearson(noise)  # type: ignore[arg-type]
        for p, measure, each in zip(found.values(), made, shuffles, strict=True):
            p.append(float(of_shuffles(measure, each).p[0]))
    for p in found.values():
        assert stats.kstest(p, "uniform").pvalue > 0.01


def test_random_subspaces_give_uniform_p_and_the_moments_they_should() -> None:
    generator = torch.Generator().manual_seed(0)

    def basis(rank: int, d: int) -> torch.Tensor:
        drawn = torch.randn(d, rank, generator=generator, dtype=torch.float64)
        return torch.linalg.qr(drawn).Q.T

    n = 300
    for r, s, d in ((1, 3, 12), (2, 2, 10), (4, 6, 24)):
        found = projection([basis(rank, d) for _ in range(n) for rank in (r, s)], d)
        i, j = torch.triu_indices(2 * n, 2 * n, 1)
        # Every space in one pair only.
        apart = (i % 2 == 0) & (j == i + 1)
        value, p, mean, std = (tensor[apart] for tensor in found)
        assert (mean == mean[0]).all() and float(mean[0]) == pytest.approx(r * s / d / min(r, s))
        assert float(value.mean()) == pytest.approx(float(mean[0]), rel=0.1)
        assert float(value.std()) == pytest.approx(float(std[0]), rel=0.15)
        assert stats.kstest(p.numpy(), "uniform").pvalue > 0.01


def test_projection_of_contained_and_empty_spaces() -> None:
    eye = torch.eye(8, dtype=torch.float64)
    found, p, _, _ = projection([eye[:3], eye[:5], eye[5:], eye[:0], eye], 8)
    # Pairs: 01 02 03 04 12 13 14 23 24 34.
    value = found.tolist()
    assert value[0] == pytest.approx(1) and value[1] == value[4] == pytest.approx(0)
    assert value[3] == value[6] == value[8] == pytest.approx(1)
    assert all(math.isnan(value[at]) for at in (2, 5, 7, 9))
    assert float(p[0]) < 0.01 and float(p[1]) > 0.99
    assert p[[3, 6, 8]].isnan().all(), "everything lies in the whole space"


def test_no_finds_among_many_pairs_of_noise() -> None:
    any_found = [
        bool((discoveries(p) < 0.05).any()) for p in p_values("prompts", heads=7, seeds=100)
    ]
    assert sum(any_found) / 100 <= 0.1


def test_p_counts_the_pair_itself() -> None:
    null = torch.randn(99, 1, generator=torch.Generator().manual_seed(0))
    assert float(upper(torch.tensor([9.0]), null)) == pytest.approx(0.01)
    assert float(upper(torch.tensor([-9.0]), null)) == pytest.approx(1)
    assert float(two_sided(torch.tensor([9.0]), null)) == pytest.approx(0.01)
    assert float(two_sided(torch.tensor([-9.0]), null)) == pytest.approx(0.01)
    # Ties count as as far.
    flat = torch.tensor([0.0, 1.0] * 10)[:, None]
    assert float(upper(torch.tensor([1.0]), flat)) == pytest.approx(11 / 21)
    # Two sides, about the null's own mean.
    assert float(two_sided(torch.tensor([3.1]), null + 3)) > 0.5
    nan = torch.tensor([math.nan])
    assert two_sided(nan, null).isnan().all() and upper(nan, null).isnan().all()


def test_pooling_is_the_count_over_all_pairs() -> None:
    generator = torch.Generator().manual_seed(3)
    value = torch.tensor([0.5, -2.0, 4.0])
    null = torch.randn(30, 3, generator=generator) * torch.tensor([1.0, 0.2, 5.0])
    both = torch.cat([value[None], null])
    z = ((both - both.mean(0)) / both.std(0)).abs()
    naive = [(1 + int((z[1:] >= z[0, at]).sum())) / (1 + 90) for at in range(3)]
    torch.testing.assert_close(two_sided(value, null), torch.tensor(naive))


def test_discoveries_are_benjamini_and_hochberg() -> None:
    p = torch.tensor([0.01, math.nan, 0.04, 0.03, 0.5])
    by_hand = [0.04, math.nan, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.5]
    torch.testing.assert_close(discoveries(p), torch.tensor(by_hand), equal_nan=True)
    assert discoveries(torch.tensor([math.nan])).isnan().all()
