"""Memory of scoring edges against length and layers: what a process grows by at its peak.

GPT-2's topology with random weights: heads of 16 in a width of 192, 12 a layer, 4 prompts, answers
read at the last token. Each number is of a process of its own, which has loaded the model and run
it once before. "exact" is 12 edges, whose number costs time and no memory. By position every edge
has a score at every position.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measure import peak_growth, size, table

WAYS = ("eap", "eap by position", "eap-ig-inputs", "exact")
SIZES = ((4, 32), (8, 32), (16, 32), (8, 64), (8, 128))


def _grown(way: str, n_layers: int, length: int) -> int:
    """Bytes, in this process."""
    import torch
    import transformers
    from torch import Tensor

    from circuit_widgets import capture
    from circuit_widgets.causal.first_order import FirstOrder
    from circuit_widgets.causal.nodes import nodes_of
    from circuit_widgets.causal.patching import Patching
    from tests import tiny

    config = transformers.GPT2Config(
        n_layer=n_layers, n_head=12, n_embd=192, vocab_size=97, n_positions=256, bos_token_id=0
    )
    model = tiny.of_config(config)
    nodes = nodes_of(model)
    clean, corrupt = tiny.ids(length, 4, seed=1), tiny.ids(length, 4, seed=2)
    capture.run(model, clean)

    def score(logits: Tensor) -> Tensor:
        return logits[:, -1, 5] - logits[:, -1, 7]

    some = nodes.allowed.nonzero()
    some = some[torch.randperm(len(some), generator=torch.Generator().manual_seed(0))[:12]]
    with peak_growth() as most:
        if way == "exact":
            Patching(model, nodes, clean, corrupt, score).edges([(*map(int, e),) for e in some])
        else:
            name, _, placed = way.partition(" ")
            edges = FirstOrder(model, nodes, clean, corrupt, score)
            edges.scores(name, by_position=bool(placed))
    return most[0]


def _measured(way: str, n_layers: int, length: int) -> int:
    """The same, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", way, str(n_layers), str(length)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


def run() -> str:
    """The section's table."""
    rows = []
    for n_layers, length in SIZES:
        found = [size(_measured(way, n_layers, length)) for way in WAYS]
        rows.append([f"{n_layers} layers, {length} tokens", *found])
    return table(["", *WAYS], rows)


if __name__ == "__main__":
    print(_grown(sys.argv[1], *map(int, sys.argv[2:])) if len(sys.argv) > 1 else run())
