"""The pruning curve as a picture."""

from __future__ import annotations

import numpy as np

import circuit_widgets as cw


def test_the_curve_is_the_results() -> None:
    model = cw.load_model()
    task = cw.Task.repeated_tokens(model, n=6, length=6)
    found = cw.suggest_circuit_optimizations(model, task, random=3, progress=False)
    figure = found.plot()
    curve, order = figure.axes[:2]
    line = curve.get_lines()[0]
    assert line.get_xdata().tolist() == list(found.sizes)
    assert np.allclose(line.get_ydata(), 100 * found.rise.value.numpy())
    drawn = np.ma.filled(order.images[0].get_array(), -1)
    assert np.array_equal(drawn, found.gone_at.numpy())
    assert "of 8 heads can go" in figure.get_suptitle()
