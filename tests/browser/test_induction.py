"""The view of `identify_induction_heads`: a result's, and one that fills in."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "heads = cw.identify_induction_heads(model, progress=False)\nheads",
    "view = cw.identify_induction_heads.stream(model, n_sequences=20_000, batch=8)\nview",
]


@pytest.fixture
def notebook(lab):
    with lab.open(CELLS, width=1300, height=1000) as notebook:
        yield notebook
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


def test_a_result_opens_the_grid(notebook):
    notebook.run(0)
    notebook.run(1)
    page = ExplorerPage(notebook, 1)
    assert page.colours("grid") > 4
    best = notebook.python("str(heads.heads()[0])").strip("'")
    expect(page.part("head-name")).to_have_text(best)
    expect(page.part("ranking").locator("li").first).to_contain_text(best)
    page.click_head(0, 1)
    expect(page.part("head-name")).to_have_text("0.1")
    value = float(notebook.python("heads.previous_token.value[0, 1].item()"))
    expect(page.part("score-previous_token")).to_contain_text(f"{value:.2f}")
    shown = page.desk("[...desk.planes.value[0].value]")
    assert shown == [
        float(v)
        for v in notebook.python("print(*heads.prefix_matching.value.flatten().tolist())").split()
    ]
    notebook.screenshot("induction-light", page.root)
    # The result can be shown again, as many times as one likes.
    notebook.run(1)
    assert ExplorerPage(notebook, 1).colours("grid") > 4


def test_a_stream_fills_in_and_stop_leaves_a_partial_result(notebook):
    notebook.run(0)
    notebook.run(2)
    page = ExplorerPage(notebook, 2)
    page.wait("desk.planes.value.length > 0 && !Number.isNaN(desk.planes.value[0].value[0])")
    expect(page.part("notice")).to_contain_text("Scoring heads")
    expect(page.part("progress")).to_be_visible()
    notebook.screenshot("induction-running", page.root)
    page.part("stop").click()
    expect(page.part("notice")).to_contain_text("Stopped. partial: ")
    expect(page.part("stop")).to_have_count(0)
    assert notebook.python("view.wait(30)") == "True"
    assert notebook.python("view.result.provenance.complete") == "False"
    shown = page.desk("[...desk.planes.value[0].value]")
    assert len(shown) == 8 and all(v == v for v in shown)
