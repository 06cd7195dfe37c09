"""How a view is framed from Python: title, caption, height, panels left out, first selection."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "explorer = cw.explore(model, 'blue dog seven blue dog', probe=False,\n"
    "    selection='1.2', query=3,\n"
    "    height=520, title='A title', caption='A caption', hide=['bars', 'footer'],\n"
    "    params={'first': 'hide', 'direction': 'to'})\nexplorer",
    "many = ['blue dog seven river blue dog', 'two green dog two green dog'] * 10000\n"
    "gallery = cw.detect_attention_patterns.stream(model, many, height=600)\ngallery",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1400, height=1000) as notebook:
        for cell in (0, 1):
            notebook.run(cell)
        yield notebook
        assert notebook.errors == []


def test_keywords_frame_the_view(notebook):
    page = ExplorerPage(notebook, 1)
    page.wait_for_tile()
    expect(page.root.get_by_text("A title")).to_be_visible()
    expect(page.root.get_by_text("A caption")).to_be_visible()
    expect(page.part("panel-matrix")).to_be_visible()
    expect(page.part("panel-bars")).to_have_count(0)
    expect(page.part("head-name")).to_have_text("1.2")
    assert page.session("[session.query.value, session.direction.value]") == [3, "to"]
    assert page.session("session.params.choice('first').value") == "hide"


def test_a_height_that_is_dragged_is_pythons_too(notebook):
    page = ExplorerPage(notebook, 1)
    page.session("session.setHeight(640)")
    page.expect_python("explorer.frame['height']", 640)
    notebook.python("explorer.params['direction'] = 'from'")
    page.wait("session.direction.value === 'from'")


def test_a_gallery_fills_in_while_it_streams(notebook):
    """Before, a topic's bytes were dropped whenever there were scores: one buffer a push."""
    notebook.run(2)
    page = ExplorerPage(notebook, 2)
    pictures = "session.topic.value?.pictures('thumbnails')?.info.tiles.length"
    page.wait(f"session.status.value.state === 'running' && {pictures} > 0")
    assert page.session("session.planes.value.length") > 0
    page.part("stop").click()
    expect(page.part("notice")).to_contain_text("Stopped. partial: ")
    assert page.session(pictures) == 8
