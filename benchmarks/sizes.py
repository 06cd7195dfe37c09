"""Bundles, and a saved notebook with one explorer in it."""

from __future__ import annotations

import gzip

from benchmarks.measure import size, table
from circuit_widgets.widgets.base import STATIC
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import Lab

TOY = """import circuit_widgets as cw
cw.explore(cw.load_model(), "blue dog seven river " * 30)"""
SMOL = """import circuit_widgets as cw
model = cw.load_model("SmolLM2-135M")
cw.explore(model, "Call me Ishmael. Some years ago, never mind how long precisely. " * 20)"""


def saved(cell: str) -> int:
    """Bytes of a notebook, saved with the widget's state."""
    lab = Lab()
    try:
        with lab.open([cell], width=1400, height=1200) as notebook:
            notebook.run(0)
            page = ExplorerPage(notebook, 0)
            page.wait_for_tile()
            page.wait("session.status.value.state === 'idle'", timeout=120)
            notebook.page.wait_for_timeout(1500)
            notebook.save(widgets=True)
            return notebook.path.stat().st_size
    finally:
        lab.close()


def run() -> str:
    """The section of the report."""
    rows = []
    for path in sorted(STATIC.glob("*.js")):
        data = path.read_bytes()
        rows.append([path.name, f"{size(len(data))} ({size(len(gzip.compress(data)))} gzipped)"])
    rows.append(["saved notebook, explorer of the toy, 121 tokens", size(saved(TOY))])
    try:
        rows.append(["saved notebook, explorer of SmolLM2-135M, 301 tokens", size(saved(SMOL))])
    except AssertionError:
        rows.append(["saved notebook, explorer of SmolLM2-135M", "not here (make smollm2)"])
    return table(["", "bytes"], rows)


if __name__ == "__main__":
    print(run())
