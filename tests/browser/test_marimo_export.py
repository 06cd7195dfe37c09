"""A page that `marimo export html` wrote: views paint from what it kept, and no kernel is there.

The page takes marimo's own scripts from a CDN. Here each of these requests is answered with the
same file of the installed marimo, and everything else is blocked.
"""

from __future__ import annotations

import mimetypes
import subprocess
import sys
from pathlib import Path
from typing import Any

import marimo
from playwright.sync_api import Route, expect

from tests.browser.lab import SHOTS
from tests.browser.processes import ROOT
from tests.browser.test_hosts_live import MARIMO, NOISE, MarimoPage
from tests.browser.watched import Watched

CDN = f"https://cdn.jsdelivr.net/npm/@marimo-team/frontend@{marimo.__version__}/dist/"
STATIC = Path(marimo.__file__).parent / "_static"


def _from_package(route: Route) -> None:
    file = STATIC / route.request.url.removeprefix(CDN).split("?")[0]
    if not file.is_file():
        route.abort()
        return
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    route.fulfill(path=file, content_type=kind, headers={"access-control-allow-origin": "*"})


def _exported(folder: Path) -> Path:
    notebook, page = folder / "tutorial.py", folder / "tutorial.html"
    notebook.write_text(MARIMO)
    environment = {"PATH": "", "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    environment |= {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "MARIMO_SKIP_UPDATE_CHECK": "1"}
    subprocess.run(
        [sys.executable, "-m", "marimo", "export", "html", str(notebook), "-o", str(page), "-f"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return page


def test_views_paint_and_answer_a_click(lab, tmp_path) -> None:
    path = _exported(tmp_path)
    page: Any = lab.new_page(height=2000)
    watched = Watched(page, NOISE)
    try:
        page.route(f"{CDN}**", _from_package)
        page.goto(path.as_uri())
        roots = page.locator(".cw-root")
        expect(roots).to_have_count(2, timeout=60_000)
        explorer, flow = (MarimoPage(page, roots.nth(n)) for n in range(2))
        expect(explorer.part("notice")).to_contain_text("There is no kernel here", timeout=30_000)
        assert explorer.colours("grid") > 3 and explorer.colours("matrix") > 3
        # No exact row was kept: the bars are what the picture says.
        expect(explorer.part("looks").first).to_contain_text("seven")
        expect(flow.root.locator("canvas").first).to_be_visible()
        explorer.click_head(0, 1)
        expect(explorer.part("head-name")).to_contain_text("0.1")
        # Of that head nothing was kept, and no other's picture stands under its name.
        expect(explorer.part("looks").first).not_to_contain_text("seven")
        page.wait_for_timeout(500)
        page.screenshot(path=SHOTS / "marimo-export.png", full_page=True)
        assert watched.errors == []
        assert [url for url in watched.elsewhere if not url.startswith((CDN, "file:"))] == []
    finally:
        page.context.close()
