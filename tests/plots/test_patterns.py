"""The still pictures of patterns and of a trace say what the results say."""

from __future__ import annotations

import numpy as np

import circuit_widgets as cw


def test_every_score_has_its_grid_and_labels_are_counted() -> None:
    result = cw.detect_attention_patterns(cw.load_model(), "blue dog seven river", progress=False)
    figure = result.plot()
    grids = [ax for ax in figure.axes if ax.images]
    assert len(grids) == len(result.names)
    for ax, name in zip(grids, result.names, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), result.score(name).value.numpy())
    (bars,) = [ax for ax in figure.axes if ax.get_title() == "labels"]
    assert sum(bar.get_width() for bar in bars.patches) == 8


def test_a_trace_has_a_line_a_head_beside_chance() -> None:
    result = cw.trace_induction(cw.load_model(), "blue dog blue dog $x", progress=False)
    figure = result.plot()
    upper, lower = figure.axes
    assert len(upper.lines) == len(lower.lines) == len(result.heads) + 1
    np.testing.assert_array_equal(
        upper.lines[0].get_ydata(), result.attention[0, result.repeats()].numpy()
    )
