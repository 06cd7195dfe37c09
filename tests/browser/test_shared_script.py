"""Views of a notebook that share one script: they work as others do, and are saved small."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

SETUP = """import circuit_widgets as cw
cw.export.share_script()
model, text = cw.load_model(), "blue dog seven river " * 8"""
EXPLORER = "view = cw.explore(model, text, selection='1.2'); view"
FOUND = "cw.detect_attention_patterns(model, prompts=text, progress=False)"


def test_ten_views_share_one_script(lab) -> None:
    # The first widget has two outputs, and outlives its first one.
    cells = [SETUP, EXPLORER, "view", *["cw.explore(model, text)"] * 4, *[FOUND] * 5]
    with lab.open(cells, width=1366, height=768) as notebook:
        notebook.run_all()
        one, other = ExplorerPage(notebook, 1), ExplorerPage(notebook, 2)
        one.click_head(0, 1)
        expect(one.part("head-name")).to_contain_text("0.1")
        one.expect_python("(view.selection.layer, view.selection.head)", (0, 1))
        notebook.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets[1].model.clearExecution()"
        )
        other.click_head(1, 0)
        expect(other.part("head-name")).to_contain_text("1.0")
        other.wait_for_tile()
        notebook.view(11).scroll_into_view_if_needed()
        expect(notebook.view(11).locator("[data-cw=panel-gallery]")).to_be_visible()
        notebook.save(widgets=True)
        assert notebook.path.stat().st_size < 600_000
        assert notebook.errors == []
