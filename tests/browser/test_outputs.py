"""Several outputs of one widget, and several widgets in one box."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import circuit_widgets as cw, ipywidgets\n"
    "model = cw.load_model()\n"
    "text = ' '.join(['blue dog seven river green'] * 24)",
    "explorer = cw.explore(model, text, probe=False, score='text_induction')\nexplorer",
    "explorer",
    "a = cw.explore(model, 'blue dog blue dog', probe=False, score='text_induction')\n"
    "b = cw.explore(model, 'river green river', probe=False, score='text_induction')\n"
    "ipywidgets.HBox([a, b])",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1400, height=1000) as notebook:
        notebook.run_all()
        yield notebook
        assert notebook.errors == []


def test_each_output_zooms_by_itself_and_gets_its_own_detail(notebook):
    """Before, a zoom key zoomed every output, and each took the other's request away."""
    one, two = ExplorerPage(notebook, 1), ExplorerPage(notebook, 2)
    one.wait_for_tile()
    before = two.picture("matrix")
    one.root.locator(".root").focus()
    notebook.page.keyboard.press("+")
    one.wait("session.zoomKey.value.key === '+'")
    assert two.session("session.zoomKey.value.key") is None
    assert two.picture("matrix") == before
    # Both ask for exact numbers of their own at once.
    one.session("session.hover.value = { where: 'text', query: 20, key: null }")
    two.session("session.hover.value = { where: 'text', query: 110, key: null }")
    one.wait("session.tiles.value.row(session.head.value, 20) !== null")
    two.wait("session.tiles.value.row(session.head.value, 110) !== null")
    assert len(one.row(20)) == len(two.row(110))


def test_outputs_of_one_widget_share_the_selection(notebook):
    one, two = ExplorerPage(notebook, 1), ExplorerPage(notebook, 2)
    one.root.locator(".root").focus()
    notebook.page.keyboard.type("0.1")
    for page in (one, two):
        expect(page.part("head-name")).to_have_text("0.1")
    two.root.locator(".root").focus()
    notebook.page.keyboard.press("ArrowDown")
    for page in (one, two):
        expect(page.part("head-name")).to_have_text("1.1")


def test_an_output_has_the_colours_of_its_own_surroundings(notebook):
    """Before, the last output that was shown said how all of them look."""
    notebook.output(2).evaluate("box => box.style.setProperty('--jp-layout-color0', '#102030')")
    notebook.page.evaluate("() => document.body.classList.toggle('cw-looked-at')")
    one, two = ExplorerPage(notebook, 1), ExplorerPage(notebook, 2)
    two.wait("session.theme.value.dark")
    assert not one.session("session.theme.value.dark")


def test_two_views_in_a_box_are_drawn(notebook):
    """Before, an HBox of two explorers was an empty box."""
    pages = [ExplorerPage(notebook, 3, nth) for nth in range(2)]
    boxes = []
    for page in pages:
        page.wait_for_tile()
        assert page.colours("grid") > 4
        boxes.append(page.root.bounding_box())
    left, right = boxes
    assert left["x"] + left["width"] <= right["x"] + 1
    assert min(left["width"], right["width"]) > 400
