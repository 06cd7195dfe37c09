"""The still pictures say what the results say."""

from __future__ import annotations

import dataclasses
import io
import math
import sys

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from circuit_widgets.analysis.flow.trace import trace_information_flow
from circuit_widgets.analysis.influence.compute import compute_self_influence
from tests import tiny
from tests.circuits import Circuit, build

TOKENS = [1, 5, 7, 9, 11, 5]


@pytest.fixture(scope="module")
def model():
    return build(Circuit(2, 2, (0, 0), (1, 1)))


@pytest.fixture(scope="module")
def effects(model):
    return compute_self_influence(model, TOKENS, draws=8, progress=False)


@pytest.fixture(scope="module")
def flow(model):
    return trace_information_flow(model, TOKENS, renormalise=False, progress=False)


def test_effects_are_points_with_intervals(effects) -> None:
    figure = effects.plot()
    (ax,) = figure.axes
    (points,) = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(points.get_xdata(), range(6))
    np.testing.assert_array_equal(points.get_ydata(), effects.logp.value.numpy())
    (bars,) = ax.collections
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends[:, 0], effects.logp.low.numpy())
    np.testing.assert_allclose(ends[:, 1], effects.logp.high.numpy())
    assert [label.get_text() for label in ax.get_xticklabels()] == [str(id) for id in TOKENS]
    assert "“7” (predicted after position 5)" in figure.get_suptitle().replace("\n", " ")
    figure.savefig(io.BytesIO())


def test_pairs_and_generated_tokens(model) -> None:
    result = compute_self_influence(model, TOKENS, generate=3, draws=2, progress=False)
    figure = result.plot()
    points, pairs = figure.axes[:2]
    assert [text.get_text() for text in points.get_legend().get_texts()] == ["prompt", "generated"]
    (image,) = pairs.images
    shown = image.get_array()
    assert shown.shape == (8, 8) and shown.mask[5, 2] and not shown.mask[2, 5]
    np.testing.assert_array_equal(shown.filled(0), result.matrix[:8, :8].nan_to_num().numpy())
    low, high = image.get_clim()
    assert low == -high < 0
    figure.savefig(io.BytesIO())


def test_norm_and_kl_are_drawn_when_they_were_asked_for(model) -> None:
    for metric, label in (("kl", "KL"), ("norm", "L2 norm")):
        result = compute_self_influence(model, TOKENS, metric=metric, progress=False)
        (ax,) = result.plot().axes
        assert label in ax.get_ylabel()
        (points,) = [line for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_array_equal(points.get_ydata(), result.score.value.numpy())


def test_prompts_stand_behind_their_mean(model) -> None:
    prompts = [TOKENS, [2, 6, 8, 9, 12, 6], [3, 8, 4, 3]]
    result = compute_self_influence(model, prompts, progress=False)
    (ax,) = result.plot().axes
    (points,) = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(points.get_ydata(), result.logp.value.numpy())
    dots = [line for line in ax.lines if line.get_marker() == "." and len(line.get_xdata())]
    for line, known in zip(dots, result.logp_by_prompt.value, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), known.numpy())
    assert "95 % interval over prompts" in ax.get_ylabel()
    assert "effect on the targets, 3 prompts" in result.plot().get_suptitle()
    figure = compute_self_influence(model, prompts, metric="norm", progress=False).plot()
    figure.savefig(io.BytesIO())


def test_routes_are_lines_as_wide_as_what_they_carry(flow) -> None:
    figure = flow.plot()
    graph, below, knockouts, sweep = figure.axes
    stays, moves = (each for each in graph.collections if isinstance(each, LineCollection))
    ways = {
        tuple(map(tuple, segment.tolist())): width
        for segment, width in zip(moves.get_segments(), moves.get_linewidths(), strict=True)
    }
    # The token before the query, A to where B stands, and B to the query.
    assert set(ways) == {((4, 0), (5, 1)), ((1, 0), (2, 1)), ((2, 1), (5, 2))}
    assert ways[(4, 0), (5, 1)] == pytest.approx(0.5 + 5 * math.sqrt(1 / 4))
    assert len(stays.get_segments()) == 3
    heights = [bar.get_height() for bar in below.patches]
    np.testing.assert_allclose(heights, flow.routes.numpy(), atol=1e-6)
    (stars,) = [line for line in knockouts.lines if line.get_marker() == "*"]
    assert list(stars.get_xdata()) == [2]
    heights = [bar.get_height() for bar in knockouts.patches]
    np.testing.assert_allclose(heights[:5], flow.knockout.value[:5].numpy(), atol=1e-6)
    curves = [line for line in sweep.lines if line.get_marker() == "o"]
    assert len(curves) == 5 and list(curves[0].get_xdata()) == [0, 1]
    assert float(curves[0].get_ydata()[1]) == float(flow.knockout_by_window[1, 2])
    figure.savefig(io.BytesIO())


def test_partial_results_are_drawn_and_say_so(effects, flow) -> None:
    for result in (effects, flow):
        made = dataclasses.replace(result.provenance, n_done=1, n_total=9)
        title = dataclasses.replace(result, provenance=made).plot().get_suptitle()
        assert "partial: 1 of 9" in title.replace("\n", " ")
    value = effects.logp.value.clone()
    value[:3] = math.nan
    holes = dataclasses.replace(effects, logp=dataclasses.replace(effects.logp, value=value))
    (points,) = [line for line in holes.plot().axes[0].lines if line.get_marker() == "o"]
    assert np.isnan(points.get_ydata()).tolist() == [True] * 3 + [False] * 3


def test_strange_tokens_are_text(effects, flow) -> None:
    strange = ("$x_$", "$$", "\n", "<b>", "\\frac", " a")
    for result in (effects, flow):
        figure = dataclasses.replace(result, tokens=strange, target_token="$\\x$").plot()
        figure.savefig(io.BytesIO())


def test_a_long_text_is_cut_to_what_is_near() -> None:
    model = tiny.native(n_ctx=100)
    ids = tiny.ids(90)[0]
    result = compute_self_influence(model, ids, draws=2, progress=False)
    (ax,) = result.plot().axes
    assert ax.get_xlim() == pytest.approx((25.4, 89.6))
    assert len(ax.get_xticklabels()) == 64
    trace_information_flow(model, ids, progress=False).plot()


def test_it_leaves_pyplot_alone(effects, flow) -> None:
    before = set(sys.modules)
    effects.plot()
    flow.plot()
    assert "matplotlib.pyplot" not in set(sys.modules) - before
