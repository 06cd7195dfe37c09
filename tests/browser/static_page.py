"""A page without a kernel in the browser: from a file or from a server, with no network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Route

from tests.browser.lab import SHOTS, Lab

ADDRESS = "http://127.0.0.1:1/page.html"


class StaticPage:
    """One open page. `page` is Playwright's own."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    @property
    def elsewhere(self) -> list[str]:
        """Addresses that were asked for, besides the page itself and what is inside it."""
        inside = ("file:", "data:", "blob:", "about:", ADDRESS)
        return [url for url in self.requests if not url.startswith(inside)]

    def view(self, cell: int = 0, nth: int = 0) -> Locator:
        """The root element of a view; `cell` is as a notebook has it."""
        return self.page.locator(".cw-root").nth(cell + nth)

    def screenshot(self, name: str) -> Path:
        """A picture of the page."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        self.page.screenshot(path=path, full_page=True)
        return path


@contextmanager
def opened(
    lab: Lab,
    source: str | Path,
    *,
    policy: str | None = None,
    theme: Any = "light",
    width: int = 1366,
    height: int = 900,
    script: bool = True,
) -> Iterator[StaticPage]:
    """A page's text, from a server that may send a policy; or a file."""
    assert lab._browser is not None
    context = lab._browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        java_script_enabled=script,
        offline=isinstance(source, Path),
    )
    shown = StaticPage(context.new_page())

    def serve(route: Route) -> None:
        if route.request.url != ADDRESS:
            return route.abort()
        headers = {} if policy is None else {"Content-Security-Policy": policy}
        return route.fulfill(
            body=str(source), content_type="text/html; charset=utf-8", headers=headers
        )

    try:
        if isinstance(source, Path):
            shown.page.goto(source.as_uri())
        else:
            shown.page.route("**/*", serve)
            shown.page.goto(ADDRESS)
        yield shown
    finally:
        context.close()
