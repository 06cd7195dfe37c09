"""The still picture says what the result says."""

from __future__ import annotations

import dataclasses
import io
import math
import sys

import numpy as np
import pytest

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.trace import trace_induction
from circuit_widgets.attention.diagonals import SCORES
from tests.circuits import Circuit, build


@pytest.fixture(scope="module")
def result():
    model = build(Circuit(3, 4, (0, 0), (2, 1)))
    return identify_induction_heads(model, n_sequences=2, length=6, ablation=2, progress=False)


def test_one_panel_a_score_with_its_values(result) -> None:
    figure = result.plot()
    panels = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title().split("\n")[0] for ax in panels] == [
        about.label for about in result.abouts.values()
    ]
    assert len(panels) == 7
    for ax, name in zip(panels, SCORES, strict=False):
        (image,) = ax.images
        np.testing.assert_array_equal(image.get_array(), result.score(name).value.numpy())
        assert image.get_clim() == (0, 1) and image.get_cmap().name == "viridis"
    # Layer 0 is at the top.
    assert panels[0].get_ylim()[0] > panels[0].get_ylim()[1]
    assert {(ax.get_xlabel(), ax.get_ylabel()) for ax in panels} == {
        ("head", "layer"),
        ("head", ""),
    }


def test_a_score_with_a_sign_has_a_diverging_map_around_0(result) -> None:
    figure = result.plot(scores=["copying", "ablation"])
    signed, effect = (ax.images[0] for ax in figure.axes[:2])
    assert signed.get_clim() == (-1, 1) and signed.get_cmap().name == "RdBu_r"
    assert [ax.get_xlabel() for ax in figure.axes if not ax.images and ax.get_xlabel()] == [
        "score",
        "nats",
    ]
    assert effect.colorbar is not None and signed.colorbar is not None


def test_no_number_is_minus_zero(result) -> None:
    previous = result.previous_token
    chance = dataclasses.replace(previous, chance=previous.chance * 0 - 0.001)
    figure = dataclasses.replace(result, previous_token=chance).plot(scores="previous_token")
    assert "chance 0.00" in figure.axes[0].get_title()


def test_missing_heads_are_masked_and_partial_is_said(result) -> None:
    value = result.prefix_matching.value.clone()
    value[1, 2] = math.nan
    made = dataclasses.replace(result.provenance, n_done=1, n_total=9)
    holes = dataclasses.replace(
        result,
        provenance=made,
        prefix_matching=dataclasses.replace(result.prefix_matching, value=value),
    )
    figure = holes.plot()
    (image,) = figure.axes[0].images
    assert image.get_array().mask.nonzero() == (1, 2)
    assert figure.axes[0].patch.get_hatch()
    assert "partial: 1 of 9 sequences" in figure.get_suptitle().replace("\n", " ")
    figure.savefig(io.BytesIO())


def test_means_over_prompts_have_the_prompts_behind_them() -> None:
    model = build(Circuit(3, 4, (0, 0), (2, 1)))
    asked = {"heads": ["2.1", "2.0"], "previous": ["0.0"], "progress": False}
    trace = trace_induction(model, [[5, 6, 7, 5, 6], [8, 9, 4, 8], [7, 3, 2, 7]], **asked)
    figure = trace.plot()
    for ax, name in zip(figure.axes, ("attention", "added", "first_hop"), strict=True):
        score = trace.mean(name)
        (points,) = [line for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_array_equal(points.get_ydata(), score.value.numpy())
        dots = [line for line in ax.lines if line.get_marker() == "." and len(line.get_xdata())]
        for line, known in zip(dots, trace.by_prompt(name), strict=True):
            np.testing.assert_array_equal(line.get_ydata(), known.numpy())
        null = score.control if name == "added" else score.chance.expand_as(score.value)
        (dashes,) = [line for line in ax.lines if line.get_marker() == "_"]
        np.testing.assert_array_equal(dashes.get_ydata(), null.numpy())
    assert "95 % interval over prompts" in figure.axes[2].get_xlabel()
    none = trace_induction(model, [[5, 6, 7, 5], [8, 9, 4, 8]], **asked | {"previous": []})
    none.plot().savefig(io.BytesIO())


def test_it_leaves_pyplot_alone(result) -> None:
    before = set(sys.modules)
    result.plot()
    assert "matplotlib.pyplot" not in set(sys.modules) - before
