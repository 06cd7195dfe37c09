"""A notebook saved with the state of its widgets, opened by a kernel that knows nothing of them."""

from __future__ import annotations

import json
from pathlib import Path

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


@pytest.fixture(scope="module")
def from_elsewhere(lab) -> Path:
    """A notebook as a colleague gets it: nobody has trusted it, and its kernel is not here."""
    with lab.open(CELLS, height=1600) as notebook:
        notebook.run_all()
        ExplorerPage(notebook, 0).wait_for_tile()
        notebook.page.wait_for_timeout(1500)
        notebook.save(widgets=True)
        saved = json.loads(notebook.path.read_text(encoding="utf-8"))
        # Its signature was over all that is in it.
        saved["metadata"]["kernelspec"] = {
            "name": "circuits-of-a-colleague",
            "display_name": "Python (circuits)",
            "language": "python",
        }
        path = notebook.path.with_name("elsewhere.ipynb")
        path.write_text(json.dumps(saved), encoding="utf-8")
        notebook.save(widgets=False)
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_notebook_from_elsewhere_shows_pictures_until_it_is_trusted(
    lab, from_elsewhere, theme
) -> None:
    with lab.open(from_elsewhere, height=1600, theme=theme) as notebook:
        for cell in (0, 1):
            picture = notebook.output(cell).locator("img")
            expect(picture).to_be_visible()
            box = picture.bounding_box()
            assert box is not None and box["width"] > 300
            expect(notebook.view(cell)).to_have_count(0)
        notebook.screenshot(f"saved-untrusted-{theme}")
        notebook.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:trust')")
        notice = ExplorerPage(notebook, 0).part("notice")
        expect(notice).to_contain_text("There is no kernel here", timeout=20_000)
        page = ExplorerPage(notebook, 0)
        assert page.colours("grid") > 3 and page.colours("matrix") > 3
        expect(notebook.view(1).locator("canvas").first).to_be_visible()
        notebook.screenshot(f"saved-trusted-{theme}")
