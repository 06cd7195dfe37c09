"""What the store keeps, what it makes again, and what leaves the device."""

from __future__ import annotations

import math

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.live.store import OVERVIEW_SIDE, Missing, TensorStore
from circuit_widgets.live.tiles import pool, quantise
from tests import tiny
from tests.live.test_tiles import patterns

N_LAYERS, N_HEADS = 4, 3


class Made:
    """Layers on demand, counted."""

    def __init__(self, n):
        self.layers = [patterns(N_HEADS, n, seed) for seed in range(N_LAYERS)]
        self.made = []

    def __call__(self, layer):
        self.made.append(layer)
        return self.layers[layer].clone()


def store_of(n, budget=2**30, side=OVERVIEW_SIDE):
    made = Made(n)
    store = TensorStore(N_LAYERS, N_HEADS, n, made, budget, side)
    for layer, pattern in enumerate(made.layers):
        store.add(layer, pattern)
    return store, made


@pytest.mark.parametrize("n", [5, 64, 1024])
@pytest.mark.parametrize("budget", [0, 2**30])
def test_a_click_copies_no_more_than_its_tile(n, budget):
    store, made = store_of(n, budget)
    side = min(n, OVERVIEW_SIDE)
    tile = store.tile(2, 1, store.whole, OVERVIEW_SIDE, "max")
    # Bytes of cells, one scale, and the first token's column in float32.
    assert store.copied == side * side + 4 + 4 * side
    assert tile.data.shape == (1, side, side)
    # However little is kept, the whole picture of a head costs no layer.
    assert made.made == []


def test_exact_cells_are_bit_equal_and_are_all_that_is_copied():
    store, made = store_of(64)
    before = store.copied
    cells = store.cells(3, 2, (10, 12, 0, 64))
    assert store.copied - before == 2 * 64 * 4
    assert torch.equal(cells, made.layers[3][2, 10:12])


def test_the_budget_is_kept_and_what_was_let_go_is_made_again():
    layer = N_HEADS * 64 * 64 * 4
    store, made = store_of(64, budget=2 * layer)
    overviews = store.nbytes - 2 * layer
    assert [store.has(at) for at in range(N_LAYERS)] == [True, True, False, False]
    assert torch.equal(store.cells(3, 0, (0, 64, 0, 64)), made.layers[3][0])
    assert made.made == [3] and store.made_again == 1
    assert store.nbytes - overviews <= 2 * layer
    store.cells(3, 1, (0, 64, 0, 64))
    assert made.made == [3]  # kept while it is in use
    store.release()
    assert store.nbytes == overviews
    assert torch.equal(store.cells(0, 0, (0, 8, 0, 8)), made.layers[0][0, :8, :8])


def test_without_any_budget_the_layer_in_use_stays():
    store, made = store_of(32, budget=0)
    for _ in range(3):
        store.cells(1, 0, (0, 1, 0, 32))
    assert made.made == [1]


def test_an_overview_is_known_without_making_it():
    store, made = store_of(600, budget=0)
    assert store.is_overview(store.whole, OVERVIEW_SIDE)
    assert not store.is_overview((0, 100, 0, 100), OVERVIEW_SIDE)
    assert not store.is_overview(store.whole, 512)
    assert made.made == []


def test_means_are_made_for_the_layer_that_is_asked_for():
    store, made = store_of(600, budget=0)
    before = store.nbytes
    assert store.has_overview(2, "max") and not store.has_overview(2, "mean")
    tile = store.tile(2, 1, store.whole, OVERVIEW_SIDE, "mean")
    expected = quantise(pool(made.layers[2], store.whole, OVERVIEW_SIDE, "mean"))
    assert torch.equal(tile.data[0], expected.data[1])
    store.tile(2, 0, store.whole, OVERVIEW_SIDE, "mean")
    assert made.made == [2] and store.has_overview(2, "mean")
    store.release()
    assert before < store.nbytes < 2 * before


def test_where_a_cell_is_one_value_a_mean_costs_nothing():
    store, made = store_of(64, budget=0)
    before = store.nbytes
    assert store.has_overview(2, "mean")
    most, mean = (store.tile(2, 1, store.whole, OVERVIEW_SIDE, each) for each in ("max", "mean"))
    assert torch.equal(most.data, mean.data)
    expected = quantise(pool(made.layers[2], store.whole, OVERVIEW_SIDE, "mean"))
    assert torch.equal(mean.data[0], expected.data[1])
    assert made.made == [] and store.nbytes == before


@pytest.mark.parametrize(
    ("layer", "head", "window"),
    [(4, 0, (0, 5, 0, 5)), (0, 3, (0, 5, 0, 5)), (0, 0, (0, 6, 0, 5)), (0, 0, (2, 2, 0, 5))],
)
def test_what_is_not_there_is_said(layer, head, window):
    store, _ = store_of(5)
    for ask in (
        lambda: store.cells(layer, head, window),
        lambda: store.tile(layer, head, window, 256, "max"),
    ):
        with pytest.raises(Missing, match=r"there is no head|is not inside the 5 tokens"):
            ask()


def test_a_layer_that_was_not_seen_is_missing():
    store = TensorStore(2, 2, 4, lambda layer: patterns(2, 4, 0), 2**20)
    store.add(0, patterns(2, 4, 0))
    with pytest.raises(Missing, match="layer 1 was not computed"):
        store.tile(1, 0, store.whole, 256, "max")


def test_a_head_that_is_nan_is_said_and_its_neighbour_is_shown():
    pattern = patterns(2, 4, 0)
    pattern[1, 3, 2] = math.nan
    store = TensorStore(1, 2, 4, lambda layer: pattern, 2**20)
    store.add(0, pattern)
    assert store.not_numbers() == [0]
    assert store.tile(0, 0, store.whole, 256, "mean").scale.isfinite().all()
    with pytest.raises(Missing, match=r"head 0\.1 has no numbers to show"):
        store.tile(0, 1, store.whole, 256, "mean")


class Keep:
    site = "pattern"

    def __init__(self, store):
        self.store = store

    def see(self, layer, tensor):
        self.store.add(layer, tensor[0])


@pytest.mark.parametrize("name", sorted(tiny.MAKERS))
def test_a_layer_made_again_is_the_layer(name):
    model = tiny.make(name)
    tokens = tiny.ids(17)
    inputs = capture.BlockInputs()
    make = lambda layer: capture.replay_pattern(model, inputs, layer)[0]  # noqa: E731
    small = TensorStore(tiny.N_LAYERS, tiny.N_HEADS, 17, make, 0)
    large = TensorStore(tiny.N_LAYERS, tiny.N_HEADS, 17, make, 2**30)
    capture.run(model, tokens, [inputs, Keep(small), Keep(large)])
    for layer in range(tiny.N_LAYERS):
        assert torch.equal(small.layer(layer), large.layer(layer))
    assert small.made_again == tiny.N_LAYERS and large.made_again == 0


@pytest.mark.cuda
def test_on_a_gpu_nothing_but_the_tile_comes_to_the_host():
    pattern = patterns(2, 512, 0).cuda()
    store = TensorStore(1, 2, 512, lambda layer: pattern, 2**30)
    store.add(0, pattern)
    tile = store.tile(0, 1, store.whole, 256, "max")
    assert store.layer(0).is_cuda and not tile.data.is_cuda
    assert store.copied == 256 * 256 + 4 + 4 * 256
