"""A notebook saved with the state of its widgets, opened by a kernel that knows nothing of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

TEXT = "blue dog seven river blue dog"
CELLS = [
    f"import circuit_widgets as cw\nmodel = cw.load_model()\n"
    f"e = cw.explore(model, {TEXT!r}, selection='1.2')\ne",
    f"cw.trace_information_flow(model, {TEXT!r}, progress=False)",
]
KIND = "application/vnd.jupyter.widget-state+json"


@pytest.mark.parametrize("place", ["doc/tree", "notebooks"])
def test_views_are_saved_with_their_bytes_and_paint_again(lab, place) -> None:
    with lab.open(CELLS, place=place, height=1600) as notebook:
        notebook.run_all()
        ExplorerPage(notebook, 0).wait_for_tile()
        # The picture for the saved page follows the selection.
        notebook.page.wait_for_timeout(1500)
        states = notebook.save(widgets=True).metadata["widgets"][KIND]["state"].values()
        kept = [
            {tuple(part["path"]) for part in state.get("buffers", [])}
            for state in states
            if state["model_name"] == "AnyModel"
        ]
        saved = notebook.path.with_name(f"kept-{notebook.path.name}")
        saved.write_bytes(notebook.path.read_bytes())
        notebook.save(widgets=False)
    assert all(("picture_data",) in each for each in kept) and len(kept) == 2
    with lab.open(saved, place=place, height=1600) as notebook:
        page = ExplorerPage(notebook, 0)
        expect(page.part("head-name")).to_contain_text("1.2", timeout=20_000)
        assert page.colours("grid") > 3 and page.colours("matrix") > 3
        expect(notebook.view(1).locator("canvas").first).to_be_visible()
        page.click_head(0, 1)
        expect(page.part("head-name")).to_contain_text("0.1")
        notebook.screenshot(f"saved-{place.replace('/', '-')}")
