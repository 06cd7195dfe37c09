"""Click to paint in a real JupyterLab: from the pointer's event to the frame after the picture changed.

The page itself takes the times: the click is a real one of the browser's input pipeline, and the end is
the first frame after the matrix has the new head's tile. "Uncached" heads are not in the page; "cached"
ones are. "Busy": a cell runs a loop that touches the widget every 50 ms.
"""

from __future__ import annotations

import json
import random
from typing import Any

from benchmarks.measure import spread, table
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import Lab, Notebook

LENGTHS = (128, 1024, 2048)
CLICKS = 60
SET_UP = """
import time, torch
import circuit_widgets as cw
from tests import tiny
model = tiny.native(n_layers=12, n_heads=12, d_model=96, d_head=8, n_ctx=2048, d_vocab=97)
"""
SHOW = """
ids = torch.randint(1, 90, (1, {n}), generator=torch.Generator().manual_seed(0))
explorer = cw.explore(model, ids, probe=False)
explorer
"""
BUSY = """
until = time.time() + {seconds}
while time.time() < until:
    time.sleep(0.05)
    explorer.selection.query = int(time.time() * 20) % 100
"""
# Selecting by the desk's own method is what the grid's click handler does; the tile's arrival is
# what the matrix draws in; two frames later it is on the screen.
CLICK = """async (host, [layer, head]) => {
    const { desk } = host;
    const started = performance.now();
    desk.select({ layer, head });
    while (desk.tile.value === null || desk.head.value[0] !== layer)
        await new Promise((r) => { const c = new MessageChannel(); c.port1.onmessage = r; c.port2.postMessage(0); });
    await new Promise((r) => requestAnimationFrame(r));
    return performance.now() - started;
}"""
FORGET = "host => { host.desk.forget(); }"


def heads(count: int, seed: int) -> list[list[int]]:
    """Heads far from each other, so that none is a neighbour that came along."""
    picker = random.Random(seed)
    grid = [[layer, head] for layer in range(12) for head in range(12)]
    return picker.choices(grid, k=count)


def clicks(page: ExplorerPage, *, cached: bool, count: int = CLICKS) -> list[float]:
    """Milliseconds of each click."""
    taken = []
    for at in heads(count, seed=int(cached)):
        if cached:
            page.root.evaluate(
                "async (host, at) => { const t = host.desk.tiles.value;"
                " await t.want([at], [], 'max', t.whole, 256, 'prefetch'); }",
                at,
            )
        else:
            page.root.evaluate("host => host.desk.tiles.value.clear()")
        page.notebook.page.wait_for_timeout(250)
        taken.append(page.root.evaluate(CLICK, at))
    return taken


def of_length(notebook: Notebook, n: int) -> list[list[str]]:
    """Rows of the table for one length of text."""
    notebook.run(1)
    page = ExplorerPage(notebook, 1)
    page.wait_for_tile()
    clicks(page, cached=False, count=10)
    rows = [
        [f"{n}", "uncached", spread(clicks(page, cached=False))],
        [f"{n}", "cached", spread(clicks(page, cached=True))],
    ]
    notebook.run(2, wait=False)
    notebook.page.wait_for_timeout(300)
    rows.append(
        [f"{n}", "uncached, a cell runs and touches the widget", spread(clicks(page, cached=False))]
    )
    prompt = notebook.cell(2).locator(".jp-InputPrompt").inner_text()
    assert prompt.strip() == "[*]:", "the cell ended before the clicks did"
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"
    )
    notebook.wait_idle()
    return rows


def run() -> str:
    """The section of the report."""
    rows: list[list[str]] = []
    lab = Lab()
    try:
        for n in LENGTHS:
            cells = [SET_UP, SHOW.format(n=n), BUSY.format(seconds=60)]
            with lab.open(cells, width=1400, height=1200) as notebook:
                notebook.run(0)
                rows += of_length(notebook, n)
    finally:
        lab.close()
    return table(["tokens", "click", "median / p95"], rows)


if __name__ == "__main__":
    print(run())
