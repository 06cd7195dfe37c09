"""Panels that several topics' figures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage


def panel(ax: Axes, score: Score, about: About) -> AxesImage:
    """One score of every head, layers down."""
    values = np.ma.masked_invalid(score.value.numpy())
    # What is masked is not painted, and shows the hatching behind it.
    ax.patch.set(facecolor="white", edgecolor="0.6", hatch="////")
    known = values.compressed()
    most = about.most if about.most is not None else float(known.max(initial=0.0)) or 1.0
    least = min(about.least, float(known.min(initial=0.0))) if about.most is None else about.least
    image = ax.imshow(values, cmap="viridis", vmin=least, vmax=most, interpolation="nearest")
    for axis, n in ((ax.xaxis, values.shape[1]), (ax.yaxis, values.shape[0])):
        axis.set_ticks(range(0, n, max(1, round(n / 8))))
    return image
