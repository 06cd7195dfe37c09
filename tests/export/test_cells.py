"""What an output has beside the widget: words, a small picture, and a frame where asked."""

from __future__ import annotations

import base64
import io
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

import circuit_widgets as cw
from circuit_widgets.export.cells import VARIABLE, WIDGET
from circuit_widgets.export.drawing import FINER, svg
from circuit_widgets.export.stills import MOST, still
from tests import tiny

TEXT = "blue dog seven river blue dog seven river"


@pytest.fixture
def view():
    shown = cw.explore(cw.load_model(), TEXT, selection="1.2", query=5)
    yield shown
    shown.close()


def test_an_output_has_words_and_a_small_picture(view) -> None:
    data, _ = view._repr_mimebundle_()
    assert WIDGET in data and "text/html" not in data
    assert data["text/plain"].startswith("Explorer of toy-induction, 2 x 4 heads, on 9 tokens")
    assert "Selection head 1.2, query=5" in data["text/plain"]
    assert len(data["image/png"]) < MOST


def test_the_picture_has_the_numbers(view) -> None:
    drawn = svg(view)
    assert drawn is not None
    root = ET.fromstring(drawn)
    images = [one.get("href", "") for one in root.iter("{http://www.w3.org/2000/svg}image")]
    grid, matrix = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(href.split(",")[1])))) for href in images
    )
    assert grid.shape == (2, 4, 3) and matrix.shape == (9, 9, 3)
    darkest = np.unravel_index(grid.sum(-1).argmin(), (2, 4))
    best = max(view.grid_scores, key=lambda at: view.grid_scores[at])
    assert tuple(map(int, darkest)) == best
    pattern = view.pattern("1.2").numpy()
    assert np.unravel_index(matrix.sum(-1).argmin(), (9, 9)) == np.unravel_index(
        pattern.argmax(), pattern.shape
    )


def test_the_picture_of_an_output_is_a_png_which_needs_no_trust(view) -> None:
    # JupyterLab shows neither a widget nor an SVG of a notebook that came from somebody else.
    data, metadata = view._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
    width, height = (metadata["image/png"][side] for side in ("width", "height"))
    assert picture.size == (FINER * width, FINER * height)
    drawn = svg(view)
    assert drawn is not None and f"viewBox='0 0 {width} {height}'" in drawn
    # The colours of the selected head's strongest cell and of white paper are in it.
    colours = {colour for _, colour in picture.getcolors(1 << 24) or ()}
    assert len(colours) > 8 and (255, 255, 255) in colours


def test_a_view_without_heads_scores_has_the_plot() -> None:
    result = cw.compute_self_influence(cw.load_model(), TEXT, progress=False)
    view = result.view()
    data, _ = view._repr_mimebundle_()
    assert len(data["image/png"]) < MOST and "image/svg+xml" not in data
    view.close()


def test_a_plot_is_painted_once_a_result(monkeypatch) -> None:
    first = cw.compute_self_influence(cw.load_model(), TEXT, progress=False)
    other = cw.compute_self_influence(cw.load_model(), "blue dog seven", progress=False)
    plotted = []
    plot = type(first).plot
    monkeypatch.setattr(type(first), "plot", lambda self: plotted.append(self) or plot(self))
    view = first.view()
    pictures = [still(view).data for _ in range(2)]
    view.result = other
    pictures += [still(view).data for _ in range(2)]
    assert pictures[0] == pictures[1] != pictures[2] == pictures[3]
    assert len(plotted) == 2 and plotted[0] is first and plotted[1] is other
    view.close()


def test_frames_where_they_are_asked_for(view, monkeypatch) -> None:
    cw.export.notebooks()
    try:
        data, _ = view._repr_mimebundle_()
    finally:
        cw.export.notebooks(False)
    assert data["text/html"].startswith("<iframe") and WIDGET in data
    assert len(data["text/html"]) < 300_000
    # A build has no kernel to come back to: there the widget is left out.
    monkeypatch.setenv(VARIABLE, "_static/views.js")
    data, _ = view._repr_mimebundle_()
    assert "_static/views.js" in data["text/html"] and WIDGET not in data
    monkeypatch.setenv(VARIABLE, "0")
    assert "text/html" not in view._repr_mimebundle_()[0]


def test_a_frame_shows_a_stream_when_it_is_done(monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "_static/views.js")
    view = cw.identify_induction_heads.stream(cw.load_model(), n_sequences=16, pairs=False)
    data, _ = view._repr_mimebundle_()
    assert view.result.provenance.complete and "16 sequences" in data["text/plain"]
    view.close()


def test_plain_state_is_json(view) -> None:
    state = json.loads(cw.export.state(view))
    assert base64.b64decode(state["score_data"]) == view.score_data
    assert state["runs"]["all"][0]["tokens"] == list(view.tokens)


def test_the_picture_of_a_long_text_is_small_too() -> None:
    model = tiny.native(n_layers=2, n_heads=3, d_model=24, d_head=8, n_ctx=300, d_vocab=50)
    ids = torch.randint(1, 49, (1, 280), generator=torch.Generator().manual_seed(0))
    view = cw.explore(model, ids, selection="1.0", score="text_induction", probe=False)
    drawn = svg(view)
    assert drawn is not None and len(drawn) < MOST and "Attention of 1.0, pooled" in drawn
    view.close()
