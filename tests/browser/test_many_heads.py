"""Every view with a grid of heads, on a model of many: its parts stay in their panels."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import torch\nimport circuit_widgets as cw\nfrom tests import tiny\n"
    "model = tiny.native(n_layers=14, n_heads=64, d_model=32, d_head=4, n_ctx=64)\n"
    "half = torch.randint(1, 97, (1, 16), generator=torch.Generator().manual_seed(0))\n"
    "text = torch.cat([half, half], 1)\nquiet = {'progress': False}",
    "cw.explore(model, text, probe=False)",
    "cw.identify_induction_heads(model, n_sequences=2, length=8, copying=False, **quiet)",
    "cw.detect_attention_patterns(model, text, n_sequences=2, length=8, **quiet)",
    "cw.attribute_logits(model, text, **quiet)",
]
VIEWS = ["explorer", "induction", "patterns", "attribution"]
# Of the view; JupyterLab's own margins come on top.
MARGIN = 170


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1366, height=768) as notebook:
        notebook.run_all()
        yield notebook
        assert notebook.errors == []


@pytest.mark.parametrize("width", [600, 800, 900, 1200])
def test_every_part_stays_in_its_panel(notebook, width):
    notebook.page.set_viewport_size({"width": width + MARGIN, "height": 768})
    for cell, name in enumerate(VIEWS, start=1):
        page = ExplorerPage(notebook, cell)
        page.root.scroll_into_view_if_needed()
        expect(page.part("grid")).to_be_visible()
        assert looks.spilled(page.root) == [], name
        assert looks.overflowing(page.root) == [], name
        assert looks.covered(page.root) == [], name
        assert looks.cut(page.root) == [], name
        # All 64 heads and their bars are seen without scrolling.
        scroll = page.root.locator(".head-grid .scroll")
        assert scroll.evaluate("e => e.scrollWidth - e.clientWidth") == 0, name
        assert width < 1100 or looks.height(page.root) <= 621, name
        notebook.screenshot(f"{name}-64-heads-{width}", page.root)


def test_a_height_that_is_too_small_scrolls_inside(notebook):
    notebook.page.set_viewport_size({"width": 1366, "height": 768})
    for cell, name in enumerate(VIEWS, start=1):
        page = ExplorerPage(notebook, cell)
        page.session("session.setHeight(380)")
        assert looks.height(page.root) == 380, name
        assert looks.spilled(page.root) == [], name
        notebook.screenshot(f"{name}-380-high", page.root)
        page.session("session.setHeight(null)")
