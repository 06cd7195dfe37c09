"""The still picture of a matrix says what the result says."""

from __future__ import annotations

import dataclasses
import io
import math
import sys

import numpy as np
import pytest
import torch

from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.results import MATRICES
from tests import tiny


@pytest.fixture(scope="module")
def result():
    prompts = [tiny.ids(9, seed=seed)[0].tolist() for seed in range(9)]
    return analyze_head_coordination(
        tiny.make("gpt2"), prompts, fdr=0.999, pairs=2, n_permutations=20, progress=False
    )


def test_the_matrix_in_order_with_dots_and_types(result) -> None:
    figure = result.plot()
    ax = figure.axes[0]
    (image,) = ax.images
    order = list(result.order)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("head", "head")
    assert figure.axes[1].get_ylabel() == "correlation of contributions"
    values = result.value.numpy()[np.ix_(order, order)]
    np.testing.assert_array_equal(image.get_array().filled(np.nan), values)
    low, high = image.get_clim()
    assert low == -high == pytest.approx(-np.nanmax(np.abs(values)))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [result.heads[at] for at in order]
    (dots,) = ax.collections
    found = {tuple(names[int(at)] for at in place) for place in dots.get_offsets()}
    expected = {(str(a), str(b)) for a, b, _, _ in result.significant()}
    assert found == expected | {(b, a) for a, b in expected} and expected
    text = figure.get_supxlabel()
    assert "dot: q < 0.999" in text
    for pair in result.pairs:
        assert pair.a in text and pair.type in text
    figure.savefig(io.BytesIO())


def test_what_is_missing_is_hatched_and_partial_is_said(result) -> None:
    value, q = result.value.clone(), result.q.clone()
    value[2], value[:, 2], q[:] = math.nan, math.nan, 1.0
    made = dataclasses.replace(result.provenance, n_done=1, n_total=3)
    figure = dataclasses.replace(result, value=value, q=q, provenance=made, pairs=()).plot()
    ax = figure.axes[0]
    at = result.order.index(2)
    assert ax.images[0].get_array().mask[at].all() and ax.patch.get_hatch()
    assert "partial: 1 of 3 steps" in figure.get_suptitle()
    said = figure.get_supxlabel().replace("\n", " ")
    assert said.startswith("0 of 66 pairs are significant (q < 0.999) by contribution")
    assert "would have been" in said and "dot" not in said
    figure.savefig(io.BytesIO())


def test_many_heads_show_some_names_and_nothing_at_all_is_a_picture(result) -> None:
    n = 100
    nothing = torch.full((n, n), math.nan)
    empty = dataclasses.replace(
        result,
        heads=tuple(f"{at // 10}.{at % 10}" for at in range(n)),
        order=tuple(range(n)),
        pairs=(),
        **dict.fromkeys(MATRICES, nothing),
    )
    ax = empty.plot().axes[0]
    assert 20 <= len(ax.get_xticks()) <= 60


def test_it_leaves_pyplot_alone(result) -> None:
    before = set(sys.modules)
    result.plot()
    assert "matplotlib.pyplot" not in set(sys.modules) - before
