"""Other notebooks with a kernel: results and explorers are views there, and a click is answered."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import SHOTS
from tests.browser.watched import Watched, marimo

TEXT = "blue dog seven river blue dog"
MARIMO = f"""
import marimo

app = marimo.App()


@app.cell
def _():
    import circuit_widgets as cw

    model = cw.load_model()
    explorer = cw.explore(model, {TEXT!r}, selection="1.2")
    explorer
    return cw, explorer, model


@app.cell
def _(cw, model):
    flow = cw.trace_information_flow(model, {TEXT!r}, progress=False)
    flow
    return


if __name__ == "__main__":
    app.run()
"""
# Its own, in an empty notebook as well: a setting and a command that it looks for in vain.
JUPYTER_NOTEBOOK = re.compile(r"\(reading 'schema'\)|Command '[\w:-]+' not registered")
# marimo's own: fonts and a web manifest that a blocked network lacks, a web socket that ends.
NOISE = r"manifest|favicon|net::ERR_NAME_NOT_RESOLVED|ERR_BLOCKED"


def test_jupyter_notebook(lab) -> None:
    cells = [
        f"import circuit_widgets as cw\nmodel = cw.load_model()\n"
        f"e = cw.explore(model, {TEXT!r})\ne",
        f"cw.trace_information_flow(model, {TEXT!r}, progress=False)",
    ]
    with lab.open(cells, place="notebooks", height=1400) as notebook:
        notebook.run_all()
        explorer = ExplorerPage(notebook, 0)
        explorer.click_head(0, 1)
        expect(explorer.part("head-name")).to_contain_text("0.1")
        assert notebook.python("e.selection.as_head") == "Head(layer=0, index=1)"
        assert explorer.colours("matrix") > 3
        expect(notebook.view(1).locator("canvas").first).to_be_visible()
        notebook.screenshot("notebook-7-light")
        notebook.set_theme("dark")
        notebook.screenshot("notebook-7-dark")
        errors = [error for error in notebook.errors if not JUPYTER_NOTEBOOK.search(error)]
        assert errors == [] and notebook.requests_elsewhere == []


class MarimoPage(ExplorerPage):
    """A view that stands in a page of marimo's."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.notebook: Any = SimpleNamespace(page=page)
        self.root = root


def test_marimo(lab, tmp_path) -> None:
    file = tmp_path / "tutorial.py"
    file.write_text(MARIMO)
    page = lab.new_page(height=2000)
    watched = Watched(page, NOISE)
    try:
        with marimo(file, tmp_path) as url:
            page.goto(url)
            roots = page.locator(".cw-root")
            expect(roots).to_have_count(2, timeout=90_000)
            explorer, flow = (MarimoPage(page, roots.nth(n)) for n in range(2))
            expect(explorer.part("head-name")).to_contain_text("1.2")
            assert explorer.colours("grid") > 3
            expect(flow.root.locator("canvas").first).to_be_visible()
            # The kernel answers a click with another head's tile, and a prompt with another run.
            explorer.click_head(0, 1)
            expect(explorer.part("head-name")).to_contain_text("0.1")
            first = explorer.wait_for_tile()
            assert first["rows"] == len(TEXT.split()) + 1
            explorer.run("red cat two red cat")
            explorer.expect_tokens(6)
            # marimo's own theme counts, not the system's.
            page.emulate_media(color_scheme="dark")
            expect(explorer.root).to_have_attribute("data-cw-theme", "light")
            page.screenshot(path=SHOTS / "marimo-light.png", full_page=True)
            page.evaluate("document.body.dataset.theme = document.body.className = 'dark'")
            expect(explorer.root).to_have_attribute("data-cw-theme", "dark")
            page.screenshot(path=SHOTS / "marimo-dark.png", full_page=True)
            assert watched.errors == []
    except BaseException:
        page.screenshot(path=SHOTS / "FAILED-marimo.png")
        print(watched.errors, watched.elsewhere, (tmp_path / "marimo.log").read_text()[-3000:])
        raise
    finally:
        page.context.close()
