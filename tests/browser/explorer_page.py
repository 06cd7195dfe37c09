"""A view in the browser, in a user's words: click a head, point at a cell, read what it says."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.lab import Notebook


class ExplorerPage:
    """One output that shows an explorer (or a view of scores)."""

    def __init__(self, notebook: Notebook, cell: int, nth: int = 0) -> None:
        self.notebook = notebook
        self.root = notebook.view(cell, nth)

    def part(self, name: str) -> Locator:
        """An element by its `data-cw` name."""
        return self.root.locator(f"[data-cw={name}]")

    def session(self, expression: str) -> Any:
        """Evaluate JavaScript over `session`, the state behind the view."""
        return self.root.evaluate(
            f"host => {{ const session = host.session; return {expression}; }}"
        )

    # --- what it shows ---

    def facts(self) -> tuple[int, int, int]:
        """Layers, heads, tokens."""
        layers, heads, tokens = self.session(
            "[session.text.value.n_layers, session.text.value.n_heads,"
            " session.text.value.tokens.length]"
        )
        return layers, heads, tokens

    def head(self) -> str:
        return self.part("head-name").inner_text()

    def colours(self, canvas: str) -> int:
        """How many colours a canvas has: 1 is a blank one."""
        return self.part(canvas).evaluate(
            """canvas => {
                const { width, height } = canvas;
                const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
                return new Set(new Uint32Array(pixels.buffer)).size;
            }"""
        )

    def picture(self, canvas: str) -> str:
        """A canvas as it is, to be compared."""
        return self.part(canvas).evaluate("canvas => canvas.toDataURL()")

    def wait_for_picture(self, canvas: str, wanted: Callable[[str], bool]) -> None:
        """Wait until a canvas is as it is wanted."""
        until = time.monotonic() + 15
        while not wanted(self.picture(canvas)):
            assert time.monotonic() < until, f"the {canvas} does not change as it should"
            time.sleep(0.05)

    def wait_for_tile(self) -> dict[str, Any]:
        """The selected head's tile, once it is the head's own and unpooled or pooled as it came."""
        self.wait("session.tile.value !== null")
        return self.session(
            """(() => {
                const { rows, cols, scale, data, first } = session.tile.value;
                return { rows, cols, scale, data: [...data], first: first && [...first] };
            })()"""
        )

    def row(self, query: int) -> list[float]:
        """Exact attention of a query in the selected head, when it has come."""
        self.wait(f"session.tiles.value.row(session.head.value, {query}) !== null")
        return self.session(f"[...session.tiles.value.row(session.head.value, {query})]")

    def wait(self, condition: str, timeout: float = 30) -> None:
        """Wait until a JavaScript condition over `session` holds."""
        handle = self.root.element_handle()
        self.notebook.page.wait_for_function(
            f"host => {{ const session = host.session; return {condition}; }}",
            arg=handle,
            timeout=timeout * 1000,
        )

    def expect_python(self, expression: str, value: object, timeout: float = 15) -> None:
        """Wait until Python has a value; the view's own changes travel behind each other."""
        until = time.monotonic() + timeout
        while (found := self.notebook.python(expression)) != repr(value):
            assert time.monotonic() < until, f"{expression} is {found}, expected {value!r}"
            time.sleep(0.05)

    # --- what a user does ---

    def frame(self, canvas: str) -> list[float]:
        """What a canvas says of its cells: the first one's corner, and a size."""
        part = self.part(canvas)
        expect(part).to_have_attribute("data-frame", re.compile("."))
        return [float(v) for v in (part.get_attribute("data-frame") or "").split(",")]

    def click_head(self, layer: int, head: int) -> None:
        canvas = self.part("grid")
        canvas.scroll_into_view_if_needed()
        x0, y0, across, down = self.frame("grid")
        canvas.click(position={"x": x0 + (head + 0.4) * across, "y": y0 + (layer + 0.4) * down})

    def point_at(self, query: int, key: int) -> None:
        """Move the pointer onto a cell of the whole matrix."""
        canvas = self.part("matrix")
        canvas.scroll_into_view_if_needed()
        x, y, width, height = self.frame("matrix")
        tokens = self.facts()[2]
        across, down = (key + 0.5) * width / tokens, (query + 0.5) * height / tokens
        canvas.hover(position={"x": x + across, "y": y + down})

    def run(self, prompt: str) -> None:
        """Type a prompt and press Enter."""
        box = self.part("prompt")
        box.fill(prompt)
        box.press("Enter")

    def expect_tokens(self, tokens: int) -> None:
        """Wait for a run of so many tokens to be on show."""
        expect(self.part("facts")).to_contain_text(f"{tokens} tokens", timeout=30_000)


def opened(lab: Any, cells: Sequence[str]) -> Iterator[ExplorerPage]:
    """The view that the second cell shows, on a laptop; a fixture yields from it.

    Its page has no error, and asks nobody else for anything.
    """
    with lab.open(cells, width=1366, height=768) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 1)
        expect(page.root).to_be_visible()
        yield page
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []
