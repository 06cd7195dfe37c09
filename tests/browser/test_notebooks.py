"""The example notebooks in a browser: nbval runs their cells, here their views are looked at."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

# The tour in Chinese has the cells of the English one, and SmolLM2 is seen in test_chinese.py.
SEEN_ELSEWHERE = ("00_tour_zh", "10_real_model")
NOTEBOOKS = [
    path
    for path in sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
    if path.stem not in SEEN_ELSEWHERE
]


def to_run(path: Path) -> list[int]:
    """All cells but the exercise's answer, whose output is collapsed: nbval runs that."""
    cells = nbformat.read(path, as_version=4).cells
    return [at for at, cell in enumerate(cells) if "hide-cell" not in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_view_of_a_notebook_paints(lab, path):
    with lab.open(path, width=1300, height=1000) as notebook:
        for index in to_run(path):
            notebook.run(index)
        cells = notebook.page.locator(".jp-Notebook .jp-Cell").count()
        shown = [cell for cell in range(cells) if notebook.output(cell).locator(".cw-root").count()]
        assert shown
        for cell in shown:
            page = ExplorerPage(notebook, cell)
            # A trace of many prompts is tables.
            expect(page.root.locator("canvas, table").first).to_be_visible()
            if page.part("grid").count():
                expect(page.part("head-name")).not_to_be_empty()
                assert page.colours("grid") > 3
            notebook.screenshot(f"{path.stem}-{cell}", page.root)
        notebook.screenshot(path.stem)
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []
