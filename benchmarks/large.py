"""A large model's shape on a long text: 48 layers x 25 heads x 1,024 tokens, random weights."""

from __future__ import annotations

import gc
import time

from benchmarks.clicks import clicks
from benchmarks.measure import size, spread, table
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import Lab

LAYERS, HEADS, TOKENS = 48, 25, 1024
SET_UP = f"""
import time, torch
import circuit_widgets as cw
from tests import tiny
model = tiny.native(
    n_layers={LAYERS}, n_heads={HEADS}, d_model=400, d_head=16, n_ctx={TOKENS}, d_vocab=97
)
ids = torch.randint(1, 90, (1, {TOKENS}), generator=torch.Generator().manual_seed(0))
"""
SHOW = """
started = time.perf_counter()
explorer = cw.explore(model, ids, probe=False, memory=2**28)
made = time.perf_counter() - started
explorer
"""


def memory() -> tuple[int, int]:
    """Bytes the store holds, and the most this process grew by while a text was read."""
    import torch

    from benchmarks.measure import peak_growth
    from circuit_widgets.live.reading import read
    from circuit_widgets.prompts.tokens import tokenize
    from tests import tiny

    model = tiny.native(
        n_layers=LAYERS, n_heads=HEADS, d_model=400, d_head=16, n_ctx=TOKENS, d_vocab=97
    )
    ids = torch.randint(1, 90, (1, TOKENS), generator=torch.Generator().manual_seed(0))
    gc.collect()
    with peak_growth() as most:
        reading = read(model, tokenize(model, ids), 0, 2**28, str)
    return reading.store.nbytes, most[0]


def run() -> str:
    """The section of the report."""
    held, most = memory()
    everything = LAYERS * HEADS * TOKENS * TOKENS * 4
    lab = Lab()
    try:
        with lab.open([SET_UP, SHOW], width=1400, height=1200) as notebook:
            notebook.run(0)
            started = time.perf_counter()
            notebook.run(1)
            page = ExplorerPage(notebook, 1)
            page.wait_for_tile()
            painted = time.perf_counter() - started
            made = float(notebook.python("made"))
            plain = float(
                notebook.python(
                    "started = time.perf_counter()\n"
                    "with torch.no_grad(): model(ids)\n"
                    "print(time.perf_counter() - started)"
                )
            )
            clicks(page, pause=50, count=10)
            click = spread(clicks(page, pause=1000, count=30))
    finally:
        lab.close()
    rows = [
        ["first paint in JupyterLab, the model's run included", f"{painted:.1f} s"],
        ["of which the model's run, with overviews and scores of every head", f"{made:.1f} s"],
        ["the plain forward pass", f"{plain:.1f} s"],
        ["click to paint, uncached, one every second (median / p95)", click],
        ["what the store holds (overviews of every head, and 256 MiB of layers)", size(held)],
        ["the most the process grew by while it read the text", size(most)],
        ["all patterns in float32 would be", size(everything)],
    ]
    return table([f"{LAYERS} layers x {HEADS} heads x {TOKENS:,} tokens", ""], rows)


if __name__ == "__main__":
    print(run())
