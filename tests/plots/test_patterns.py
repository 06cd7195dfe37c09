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
    (bars,) = [ax for ax in figure.axes if ax.get_title() == "Class"]
    assert sum(bar.get_width() for bar in bars.patches) == 8


def test_a_trace_has_a_line_a_head_beside_chance() -> None:
    result = cw.trace_induction(cw.load_model(), "blue dog blue dog $x", progress=False)
    figure = result.plot()
    upper, lower = figure.axes
    for ax in (upper, lower):
        lines = [line for line in ax.lines if line.get_marker() == "o"]
        assert len(lines) == len(result.heads)
    for line in upper.lines[:-1]:
        head = result.heads.index(line.get_label())
        np.testing.assert_array_equal(
            line.get_ydata(), result.attention[head, result.repeats()].numpy()
        )
