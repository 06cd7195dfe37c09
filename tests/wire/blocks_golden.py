"""Writes tests/golden/blocks.json: one topic with a block of every kind, which the views read too.

Run again with `.venv/bin/python -m tests.wire.blocks_golden` after a change that is meant.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import torch

from circuit_widgets.wire import packing
from circuit_widgets.wire.blocks import PicturesBlock, TilePart

FILE = Path(__file__).parents[1] / "golden" / "blocks.json"


def topic() -> Any:
    """A table with every type of column, a matrix, a graph and one picture."""
    pairs = packing.table(
        "pairs",
        [
            packing.heads("sender", ["0.1", None, (2, 3)], "sender"),
            packing.numbers("value", [0.5, None, -1.25], "effect", unit="nats"),
            packing.numbers(
                *("low", [0.25, None, -2.0], "low"),
                about="90 % interval",
                role="low",
                of="value",
            ),
            packing.flags("sure", [True, False, True], "significant"),
            packing.whole("count", [7, None, 0], "count"),
            packing.positions("at", [0, 5, None], "position"),
            packing.texts("word", ["a", "<b>", ""], "word"),
            packing.numbers("q", [0.01, 0.5, None], "q", role="q", of="value"),
        ],
        title="Pairs",
        sort="value",
    )
    grid = packing.matrix(
        "grid",
        torch.tensor([[1.0, float("nan")], [-0.5, 0.0], [0.25, 2.0]]),
        packing.head_axis(["0.0", "0.1", "1.0"], "head"),
        packing.position_axis(2, "position"),
        title="Grid",
        signed=True,
        least=-2.0,
        most=2.0,
    )
    routes = packing.graph(
        "routes",
        [packing.texts("label", ["x", "y", "z"], "node"), packing.whole("layer", [0, 1, 1], "")],
        [
            packing.whole("source", [0, 0], "from"),
            packing.whole("target", [1, 2], "to"),
            packing.numbers("weight", [0.75, 0.25], "share"),
        ],
        title="Routes",
    )
    block = PicturesBlock("small", (0, 2, 0, 2), "max", 256, [TilePart((0, 1), 2, 2, 0.5, 0, 4)])
    data = bytes([255, 0, 51, 102]) + torch.tensor([1.0, 0.5]).numpy().tobytes()
    return packing.topic(
        "fake",
        {"position": 4, "target": "dog", "screen": float("nan"), "signed": True, "none": None},
        pairs,
        grid,
        routes,
        packing.pictures(block, data),
    )


def written() -> dict[str, Any]:
    """What the file holds."""
    message, buffers = topic()
    return {
        "topic": msgspec.to_builtins(message),
        "buffers": {name: base64.b64encode(data).decode() for name, data in buffers.items()},
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(written(), indent=1) + "\n")
