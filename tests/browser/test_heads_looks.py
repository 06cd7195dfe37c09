"""How the views of induction and of patterns look: nothing is cut, and 620 px are enough."""

from __future__ import annotations

import itertools

from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

TEXT = "blue dog seven river green blue dog seven river stone dog blue"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "cw.identify_induction_heads(model, n_sequences=4, progress=False)",
    f"cw.trace_induction(model, {' '.join([TEXT] * 4)!r}, progress=False)",
    f"cw.detect_attention_patterns(model, {TEXT!r}, progress=False)",
    # The gallery has much to show while most of it is still to come.
    f"texts = [{TEXT!r}] * 4000\n"
    "view = cw.detect_attention_patterns.stream(model, texts, batch=1)\nview",
]
# Of the view; JupyterLab's own margins come on top.
WIDTHS = (600, 900, 1100, 1400)
MARGIN = 170


def test_nothing_is_cut_at_any_width(lab):
    with lab.open(CELLS[:4], width=1570, height=1000) as notebook:
        notebook.run_all()
        for theme, width in itertools.product(looks.THEMES, WIDTHS):
            if width == WIDTHS[0]:
                notebook.set_theme(theme)
            notebook.page.set_viewport_size({"width": width + MARGIN, "height": 1000})
            for cell, name in enumerate(("induction", "trace", "patterns"), start=1):
                page = ExplorerPage(notebook, cell)
                page.root.scroll_into_view_if_needed()
                expect(page.root.locator(".heat canvas").first).to_be_visible()
                assert looks.wrong(page.root) == [], (name, theme, width)
                if width >= 1100:
                    assert looks.height(page.root) <= 621, (name, width)
                notebook.screenshot(f"{name}-{theme}-{width}", page.root)
        assert notebook.errors == []


def test_help_is_seen_wherever_the_view_stands(lab):
    with lab.open(CELLS[:3], width=1366, height=768) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 2)
        page.root.locator(".root").focus()
        notebook.page.keyboard.press("?")
        shown = page.part("help")
        expect(shown).to_be_visible()
        box = shown.bounding_box()
        assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 768
        notebook.page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        assert notebook.errors == []


def test_the_lower_edge_makes_the_view_higher(lab):
    with lab.open(CELLS[:3], width=1366, height=1000) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 2)
        before = looks.height(page.root)
        page.part("handle").press("ArrowDown")
        page.wait("session.frame.value.height !== null")
        assert looks.height(page.root) > before
        page.part("handle").press("Home")
        page.wait("session.frame.value.height === null")
        assert looks.height(page.root) == before


def test_the_gallery_fills_in_while_it_streams(lab):
    with lab.open([CELLS[0], CELLS[4]], width=1366, height=1000) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 1)
        expect(page.part("progress")).to_be_visible()
        expect(page.part("kind-diagonal").locator("[data-cw=count]")).to_have_text("1")
        page.wait_for_picture("gallery-diagonal", lambda shown: len(shown) > 0)
        assert page.colours("gallery-diagonal") > 2
        assert page.session("session.status.value.state") == "running"
        page.part("stop").click()
        expect(page.part("notice")).to_contain_text("Stopped. partial: ")
        assert page.colours("gallery-diagonal") > 2
        assert notebook.errors == []
