"""Look at every page of the built documentation in a browser that has no network.

    python -m scripts.check_docs docs/_build/html [page ...]

A page fails if it names a script, style or font elsewhere, asks for anything elsewhere, has an
error, or has a view that does not paint or does not answer a click. Every public name has to be on
the page of the API.
"""

from __future__ import annotations

import functools
import http.server
import re
import sys
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page, sync_playwright

from tests.browser.processes import find_chromium

ELSEWHERE = re.compile(
    r"""<(?:script|img|iframe)[^>]+src=["'](?:https?:)?//|<link[^>]+href=["'](?:https?:)?//"""
    r"""|@import\s+["'(]|url\(["']?https?:"""
)
# How long a view may take to paint, in ms: a slow machine under load.
PATIENCE = 20_000
# What can be clicked in a view, the first of these that there is.
TARGETS = '[data-cw="grid"], tbody tr, [data-cw="matrix"], .word, canvas'


def served(folder: Path) -> tuple[http.server.ThreadingHTTPServer, str]:
    """The folder on a free port of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/"


def looks(frame: Frame) -> str:
    """All that a view shows: its marks, its text and its canvases' pixels."""
    return frame.evaluate(
        """() => {
          const roots = [document, ...[...document.querySelectorAll('*')]
            .map((at) => at.shadowRoot).filter(Boolean)];
          return roots.flatMap((root) => [
            root.body?.innerText ?? [...root.children].map((at) => at.innerHTML).join(''),
            ...[...root.querySelectorAll('canvas')].map((at) => at.toDataURL()),
          ]).join('|');
        }"""
    )


def wrong_with_view(frame: Frame) -> str:
    """Why a view is no view; "" if it paints and answers."""
    drawn = frame.locator("canvas, table").first
    try:
        drawn.wait_for(state="visible", timeout=PATIENCE)
    except Exception:
        return "does not paint"
    before = looks(frame)
    targets = frame.locator(TARGETS)
    for at in range(min(targets.count(), 12)):
        target = targets.nth(at)
        box = target.bounding_box()
        if box is None or box["width"] < 4 or box["height"] < 4:
            continue
        # Not the middle: that may be what is selected already.
        for share in (0.6, 0.8, 0.2):
            x, y = box["width"] * share, box["height"] * share
            try:
                target.click(position={"x": x, "y": y}, timeout=3_000)
            except Exception:
                continue
            for _ in range(15):
                frame.wait_for_timeout(100)
                if looks(frame) != before:
                    return ""
    return "does not answer a click"


def wrong_with_page(page: Page, base: str, path: str, text: str) -> tuple[list[str], int]:
    """What is wrong with a page, and how many views it has."""
    wrong = [f"names {found[0][:60]}" for found in ELSEWHERE.finditer(text)]
    asked: list[str] = []
    page.on("request", lambda it: asked.append(it.url))
    page.on("pageerror", lambda it: wrong.append(f"error: {it}"))
    page.goto(base + path, wait_until="load")
    frames = page.locator("iframe")
    n_views = frames.count()
    for at in range(n_views):
        handle = frames.nth(at)
        handle.scroll_into_view_if_needed()
        inner = handle.element_handle()
        frame = inner.content_frame() if inner is not None else None
        why = "has no content" if frame is None else wrong_with_view(frame)
        if why:
            wrong.append(f"view {at + 1} of {n_views} {why}")
    local = ("data:", "blob:", "about:", base)
    wrong += [f"asked for {url[:80]}" for url in asked if not url.startswith(local)]
    return wrong, n_views


def unnamed(api: Path) -> list[str]:
    """Public names that the page of the API does not have."""
    import circuit_widgets

    text = api.read_text("utf-8")
    found = set(re.findall(r'id="circuit_widgets\.(\w+)', text))
    return [name for name in circuit_widgets.__all__ if name not in found]


def main(folder: Path, only: list[str]) -> int:
    """Check the pages of a folder; the exit status."""
    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html"))
    pages = only or [page for page in found if not page.startswith(("_static", "_modules"))]
    server, base = served(folder)
    status, views = 0, 0
    with sync_playwright() as playwright:
        # Everything but this machine is refused; no name resolves.
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        for path in pages:
            page = browser.new_page(viewport={"width": 1300, "height": 900})
            wrong, n = wrong_with_page(page, base, path, (folder / path).read_text("utf-8"))
            page.close()
            views += n
            status |= bool(wrong)
            for sentence in wrong:
                print(f"{path}: {sentence}")
        browser.close()
    if not only and (folder / "api.html").exists():
        for name in unnamed(folder / "api.html"):
            print(f"api.html: lacks {name}")
            status = 1
    server.shutdown()
    print(f"docs-check: {len(pages)} pages, {views} views, {'see above' if status else 'all well'}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
