"""Click to paint in a real JupyterLab: from the click handler to the frame after the drawing.

The page itself takes the times: from the call that the grid's click handler makes to the first
frame after the matrix was drawn from the new head's tile. "Uncached" heads are not in the page,
"cached" ones are. In the last rows a cell runs meanwhile: a loop that moves the widget's selection
every 50 ms.
"""

from __future__ import annotations

import random

from benchmarks.measure import spread, table
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import Lab, Notebook

LENGTHS = (128, 1024, 2048)
CLICKS = 40
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
# The matrix is drawn when the tile arrives; the next frame puts it on the screen.
CLICK = """async (host, [layer, head]) => {
    const { session } = host;
    const started = performance.now();
    session.select({ layer, head });
    await new Promise((done) => {
        let stop = () => {};
        stop = session.tile.subscribe((tile) => {
            const at = session.head.peek();
            if (tile && at[0] === layer && at[1] === head)
                queueMicrotask(() => { stop(); done(); });
        });
    });
    await new Promise((frame) => requestAnimationFrame(frame));
    return performance.now() - started;
}"""
# At rest: the exact numbers of the last head have come, and nothing is being computed.
AT_REST = """host => {
    const { session } = host;
    return session.tiles.value.row(session.head.value, session.query.value) !== null;
}"""


def heads(page: ExplorerPage, count: int, seed: int) -> list[list[int]]:
    """Heads by chance, hardly ever neighbours that came along."""
    layers, of_each, _ = page.facts()
    picker = random.Random(seed)
    return [[picker.randrange(layers), picker.randrange(of_each)] for _ in range(count)]


def clicks(
    page: ExplorerPage, *, cached: bool = False, pause: int | None = None, count: int = CLICKS
) -> list[float]:
    """Milliseconds of each click: from rest, or one every `pause` ms whatever is still going on."""
    taken = []
    for at in heads(page, count, seed=int(cached)):
        if pause is None:
            page.notebook.page.wait_for_function(AT_REST, arg=page.root.element_handle())
            page.notebook.page.wait_for_timeout(250)
        else:
            page.notebook.page.wait_for_timeout(pause)
        if cached:
            page.root.evaluate(
                "async (host, at) => { const t = host.session.tiles.value;"
                " await t.want([at], [], 'max', t.whole, 256, 'prefetch'); }",
                at,
            )
        else:
            page.root.evaluate("host => host.session.tiles.value.clear()")
        taken.append(page.root.evaluate(CLICK, at))
    return taken


def of_length(notebook: Notebook, n: int) -> list[list[str]]:
    """Rows of the table for one length of text."""
    notebook.run(1)
    page = ExplorerPage(notebook, 1)
    page.wait_for_tile()
    clicks(page, pause=50)  # warm
    rows = [
        [f"{n}", "uncached", spread(clicks(page))],
        [f"{n}", "uncached, one every 250 ms", spread(clicks(page, pause=250))],
        [f"{n}", "cached", spread(clicks(page, cached=True, pause=250))],
    ]
    notebook.run(2, wait=False)
    notebook.page.wait_for_timeout(300)
    busy = spread(clicks(page, pause=250))
    rows.append([f"{n}", "uncached, every 250 ms, while a cell runs and touches the widget", busy])
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
