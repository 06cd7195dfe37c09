"""A large model's shape on a long text: 48 layers x 25 heads x 1,024 tokens, random weights.

Opening the explorer and the plain forward pass are timed by turns in one process, three of each.
"""

from __future__ import annotations

import gc
import statistics
import time

import torch

import circuit_widgets as cw
from benchmarks.clicks import clicks
from benchmarks.measure import in_turn, peak_growth, size, spread, table
from circuit_widgets.live.reading import read
from circuit_widgets.prompts.tokens import tokenize
from tests import tiny
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import Lab

LAYERS, HEADS, TOKENS = 48, 25, 1024
BUDGET = 2**28
SET_UP = f"""
import time, torch
import circuit_widgets as cw
from tests import tiny
model = tiny.native(
    n_layers={LAYERS}, n_heads={HEADS}, d_model=400, d_head=16, n_ctx={TOKENS}, d_vocab=97
)
ids = torch.randint(1, 90, (1, {TOKENS}), generator=torch.Generator().manual_seed(0))
"""
SHOW = f"""
explorer = cw.explore(model, ids, probe=False, memory={BUDGET})
explorer
"""


def in_this_process() -> list[list[str]]:
    """What reading the text costs: time beside the plain pass, and memory."""
    model = tiny.native(
        n_layers=LAYERS, n_heads=HEADS, d_model=400, d_head=16, n_ctx=TOKENS, d_vocab=97
    )
    ids = torch.randint(1, 90, (1, TOKENS), generator=torch.Generator().manual_seed(0))

    def plain() -> None:
        with torch.no_grad():
            model(ids)

    def opened() -> None:
        cw.explore(model, ids, probe=False, memory=BUDGET).close()
        gc.collect()

    taken = in_turn({"plain": plain, "open": opened, "plain again": plain}, rounds=3)
    pass_ = statistics.mean([taken["plain"], taken["plain again"]])
    gc.collect()
    with peak_growth() as most:
        reading = read(model, tokenize(model, ids), 0, BUDGET, str)
    everything = LAYERS * HEADS * TOKENS * TOKENS * 4
    return [
        ["the plain forward pass", f"{pass_:.1f} s"],
        ["opening the explorer, with overviews and scores of every head", f"{taken['open']:.1f} s"],
        ["of plain forward passes", f"{taken['open'] / pass_:.2f}"],
        [
            f"what the store holds (overviews of every head, and {BUDGET >> 20} MiB of layers)",
            size(reading.store.nbytes),
        ],
        ["the most the process grew by while it read the text", size(most[0])],
        ["all patterns in float32 would be", size(everything)],
    ]


def in_jupyterlab() -> list[list[str]]:
    """What a user waits for."""
    lab = Lab()
    try:
        with lab.open([SET_UP, SHOW], width=1400, height=1200) as notebook:
            notebook.run(0)
            started = time.perf_counter()
            notebook.run(1)
            page = ExplorerPage(notebook, 1)
            page.wait_for_tile()
            painted = time.perf_counter() - started
            clicks(page, pause=50, count=10)
            click = spread(clicks(page, pause=1000, count=30))
    finally:
        lab.close()
    return [
        ["first paint in JupyterLab, the model's first run included", f"{painted:.1f} s"],
        ["click to paint, uncached, one every second (median / p95)", click],
    ]


def run() -> str:
    """The section of the report."""
    head = [f"{LAYERS} layers x {HEADS} heads x {TOKENS:,} tokens", ""]
    return table(head, [*in_this_process(), *in_jupyterlab()])


if __name__ == "__main__":
    print(run())
