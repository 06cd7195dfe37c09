"""Pooling against a plain reference, the first column kept apart, and the quantisation step."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from circuit_widgets.live.tiles import Pooled, pool, quantise, shape, stride


def patterns(heads, n, seed):
    """Causal patterns whose rows sum to 1."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(heads, n, n, generator=generator) * 3
    mask = torch.ones(n, n, dtype=torch.bool).triu(1)
    return logits.masked_fill(mask, -math.inf).softmax(-1)


def plain(pattern, window, side, pooling):
    """The definition, cell by cell."""
    q0, q1, k0, k1 = window
    step = max(1, math.ceil(max(q1 - q0, k1 - k0) / side))
    heads = pattern.shape[0]
    rows, cols = math.ceil((q1 - q0) / step), math.ceil((k1 - k0) / step)
    body, first = torch.zeros(heads, rows, cols), torch.zeros(heads, rows)
    for r in range(rows):
        queries = range(q0 + r * step, min(q1, q0 + (r + 1) * step))
        column = pattern[:, list(queries), 0]
        first[:, r] = column.amax(1) if pooling == "max" else column.mean(1)
        for c in range(cols):
            keys = [k for k in range(k0 + c * step, min(k1, k0 + (c + 1) * step)) if k != 0]
            pairs = [(q, k) for q in queries for k in keys if k <= q]
            if pairs:
                values = torch.stack([pattern[:, q, k] for q, k in pairs])
                body[:, r, c] = values.amax(0) if pooling == "max" else values.mean(0)
    return body, first if k0 == 0 else None


@st.composite
def windows(draw):
    n = draw(st.integers(1, 14))
    q0 = draw(st.integers(0, n - 1))
    k0 = draw(st.one_of(st.just(0), st.integers(0, n - 1)))
    window = (q0, draw(st.integers(q0 + 1, n)), k0, draw(st.integers(k0 + 1, n)))
    return n, window, draw(st.integers(1, 16)), draw(st.sampled_from(["max", "mean"]))


@settings(deadline=None, max_examples=150)
@given(windows(), st.integers(0, 3))
def test_a_tile_is_its_definition(case, seed):
    n, window, side, pooling = case
    pattern = patterns(2, n, seed)
    before = pattern.clone()
    pooled = pool(pattern, window, side, pooling)
    body, first = plain(pattern, window, side, pooling)
    assert pooled.body.shape[1:] == shape(window, side)
    assert max(pooled.body.shape[1:]) <= side
    torch.testing.assert_close(pooled.body, body)
    if first is None:
        assert pooled.first is None
    else:
        torch.testing.assert_close(pooled.first, first)
    # The model's own tensor is read, never written to.
    assert torch.equal(pattern, before)


@settings(deadline=None, max_examples=100)
@given(windows(), st.integers(0, 3))
def test_a_byte_is_within_half_a_step(case, seed):
    n, window, side, pooling = case
    pooled = pool(patterns(2, n, seed), window, side, pooling)
    tile = quantise(pooled)
    shown = tile.data.float() * tile.scale[:, None, None] / 255
    error = (shown - pooled.body).abs().amax((1, 2))
    assert (error <= tile.scale / 510 + 1e-6).all()
    assert torch.equal(tile.scale, pooled.body.amax((1, 2)))
    if pooled.first is not None:
        assert tile.first is not None and torch.equal(tile.first, pooled.first)


def test_small_texts_are_not_pooled_and_whole_numbers_survive():
    pattern = patterns(3, 9, 0)
    pooled = pool(pattern, (0, 9, 0, 9), 256, "max")
    assert stride((0, 9, 0, 9), 256) == 1
    assert torch.equal(pooled.body[:, :, 1:], pattern[:, :, 1:])
    assert (pooled.body[:, :, 0] == 0).all()
    assert pooled.first is not None and torch.equal(pooled.first, pattern[:, :, 0])


def test_a_nan_is_the_scale_of_its_head_alone():
    for place in ((0, 3, 2), (0, 5, 0)):
        pattern = patterns(2, 6, 0)
        pattern[place] = math.nan
        scale = quantise(pool(pattern, (0, 6, 0, 6), 3, "max")).scale
        assert scale[0].isnan() and scale[1].isfinite()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_half_precision_is_pooled_in_float32(dtype, pooling):
    pattern = patterns(2, 40, 1).to(dtype)
    pooled = pool(pattern, (0, 40, 0, 40), 8, pooling)
    body, _ = plain(pattern.float(), (0, 40, 0, 40), 8, pooling)
    torch.testing.assert_close(pooled.body, body, rtol=1e-5, atol=1e-6)


def test_a_head_that_is_zero_stays_zero():
    tile = quantise(Pooled(torch.zeros(1, 4, 4), None))
    assert (tile.data == 0).all() and tile.scale[0] == 0
