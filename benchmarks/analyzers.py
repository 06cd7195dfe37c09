"""What an analysis costs beside the plain forward pass on the same tokens."""

from __future__ import annotations

import gc
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

from benchmarks.measure import in_turn, peak_growth, size, table
from circuit_widgets import capture
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.attention.diagonals import SCORES, Diagonals
from circuit_widgets.models import load_model
from circuit_widgets.prompts.repeats import Probe

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
        identify_induction_heads(
            model,
            n_sequences=N,
            length=LENGTH,
            batch=BATCH,
            copying=False,
            ablation=0,
            pairs=False,
            progress=False,
        )

    found = in_turn({"plain": lambda: _plain(model, batches), "analysis": analysis}, rounds)
    ratio = found["analysis"] / found["plain"]
    return [f"{found['plain']:.2f} s", f"{found['analysis']:.2f} s", f"{ratio:.2f} x"]


def _sizes(total: int, most: int) -> list[int]:
    return [most] * (total // most) + ([total % most] if total % most else [])


def growth(n_layers: int, cached: bool) -> int:
    """Peak bytes of one pass on a model of so many layers, beyond the model: with the analysis'
    reducer, or with every pattern kept as `run_with_cache` does. In a process of its own.
    """
    from tests import tiny

    model = tiny.native(
        n_layers=n_layers, n_heads=12, d_model=192, d_head=16, n_ctx=512, d_vocab=400
    )
    probe = Probe(model, 96, 0, False)
    tokens = probe.pairs(8)
    capture.run(model, tokens[:1, :8], [], logits=False)
    gc.collect()
    with peak_growth() as most:
        if cached:
            names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(n_layers)]
            model.run_with_cache(tokens, names_filter=names)
        else:
            reducer = Diagonals(probe.layout, tuple(SCORES), n_layers)
            capture.run(model, tokens, [reducer], logits=False)
    return most[0]


def _alone(n_layers: int, cached: bool) -> str:
    """`growth` in a fresh process: what one run has left behind does not help the next."""
    # glibc gives what is freed back at once, so that resident memory is what is in use.
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "65536"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return size(pool.submit(growth, n_layers, cached).result())


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
    grown = [[f"{n} layers", _alone(n, False), _alone(n, True)] for n in (6, 12, 24)]
    header = ["12 heads, 16 sequences of 192 tokens: peak memory", "the analysis", "run_with_cache"]
    return text + "\n" + table(header, grown)


if __name__ == "__main__":
    print(run())
