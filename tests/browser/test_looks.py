"""How it looks, light and dark, narrow and wide: pictures for a person, and what a test can see."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "cw.explore(model, 'blue dog seven river green blue dog seven river green blue dog')",
]
OVERFLOWING = """host => {
    const width = host.getBoundingClientRect().right + 1;
    return [...host.shadowRoot.querySelectorAll('*')]
        .filter(e => !e.closest('.grid, .strip-scroll') && e.getBoundingClientRect().right > width)
        .map(e => e.className || e.tagName);
}"""


@pytest.fixture(scope="module")
def shown(lab):
    with lab.open(CELLS, width=1400, height=1250) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 1)
        page.wait_for_tile()
        yield page


@pytest.mark.parametrize("theme", looks.THEMES)
@pytest.mark.parametrize("width", [600, 1000, 1600])
def test_every_width_and_theme(shown, width, theme):
    shown.notebook.set_theme(theme)
    # The view's width: JupyterLab's own margins come on top.
    size = {"width": width + 110, "height": 2000 if width == 600 else 1250}
    shown.notebook.page.set_viewport_size(size)
    expect(shown.part("expects").locator("li").first).not_to_be_empty()
    # The matrix is drawn anew in its new size.
    shown.notebook.page.wait_for_timeout(300)
    assert shown.colours("matrix") > 8
    assert shown.root.evaluate(OVERFLOWING) == []
    ground = shown.root.locator(".root").evaluate("e => getComputedStyle(e).backgroundColor")
    channels = [int(v) for v in ground[ground.index("(") + 1 : -1].split(",")[:3]]
    assert (sum(channels) < 3 * 60) == (theme == "dark")
    shown.notebook.screenshot(f"explorer-{theme}-{width}", shown.root)
    assert shown.notebook.errors == []


def test_nothing_moves_when_a_value_changes(lab):
    with lab.open(CELLS, width=1400, height=1250) as nb:
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        boxes = """host => ['grid', 'matrix', 'looks', 'expects', 'strip', 'selected'].map(name => {
            const { x, y, height } = host.shadowRoot.querySelector(`[data-cw=${name}]`)
                .getBoundingClientRect();
            return name === 'selected' ? [y, height] : [x, y, height];
        })"""
        page.root.scroll_into_view_if_needed()
        before = page.root.evaluate(boxes)
        for layer, head in ((0, 0), (1, 3), (0, 2)):
            page.click_head(layer, head)
            page.point_at(5, 2)
            expect(page.part("exact")).not_to_be_empty()
            assert page.root.evaluate(boxes) == before
        page.run("blue dog seven river green blue dog seven river green blue sun")
        page.wait("session.text.value.id === 1")
        assert page.root.evaluate(boxes) == before
