"""What an analysis costs beside the plain forward pass on the same tokens."""

from __future__ import annotations

import gc
from typing import Any

import torch

from benchmarks.measure import in_turn, peak_growth, size, table
from circuit_widgets import capture
from circuit_widgets.analysis._repeats import Probe
from circuit_widgets.analysis.induction import identify_induction_heads
from circuit_widgets.models import load_model

N, LENGTH, BATCH = 8, 24, 4


def _plain(model: Any, tokens: list[torch.Tensor]) -> None:
    with torch.no_grad():
        for batch in tokens:
            model(batch)


def cost(model: Any, rounds: int) -> list[str]:
    """Seconds of the plain passes and of the analysis, and their ratio."""
    probe = Probe(model, LENGTH, 0, None)
    batches = [probe.pairs(n) for n in (1, *_sizes(N - 1, BATCH))]

    def analysis() -> None:
        identify_induction_heads(model, n_sequences=N, length=LENGTH, batch=BATCH, progress=False)

    found = in_turn({"plain": lambda: _plain(model, batches), "analysis": analysis}, rounds)
    ratio = found["analysis"] / found["plain"]
    return [f"{found['plain']:.2f} s", f"{found['analysis']:.2f} s", f"{ratio:.2f} x"]


def _sizes(total: int, most: int) -> list[int]:
    return [most] * (total // most) + ([total % most] if total % most else [])


def growth(n_layers: int) -> int:
    """Peak bytes of an analysis on a model of so many layers, beyond the model itself."""
    from tests import tiny

    model = tiny.native(n_layers=n_layers, n_heads=12, d_model=192, d_head=16, n_ctx=512)
    probe = Probe(model, 40, 0, False)
    tokens = probe.pairs(16)
    from circuit_widgets.analysis._repeats import Diagonals
    from circuit_widgets.analysis.induction import SCORES

    def once() -> None:
        reducer = Diagonals(probe.layout, tuple(SCORES), n_layers)
        capture.run(model, tokens, [reducer], logits=False)

    once()
    gc.collect()
    with peak_growth() as most:
        for _ in range(5):
            once()
    return most[0]


def run() -> str:
    """The section of the report."""
    toy = load_model()
    rows = [["toy-induction", *cost(toy, 15)]]
    try:
        smol = load_model("SmolLM2-135M")
    except Exception as error:
        rows.append(["SmolLM2-135M", "not here (make smollm2)", type(error).__name__, ""])
    else:
        rows.append(["SmolLM2-135M", *cost(smol, 7)])
    text = table(["model", "plain forward passes", "identify_induction_heads", "ratio"], rows)
    grown = [[f"{n} layers", size(growth(n))] for n in (6, 12, 24)]
    return text + "\n" + table(["12 heads, 32 sequences of 80 tokens", "peak memory"], grown)


if __name__ == "__main__":
    print(run())
