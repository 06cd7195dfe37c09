"""Reads a view's topic as the page does: blocks, with numbers in the buffers of their names."""

from __future__ import annotations

from typing import Any

import numpy as np

TYPES = {"float32": ("<f4", 1), "int32": ("<i4", 1), "head": ("<i4", 2), "flag": ("u1", 1)}


class Told:
    """What a view is told."""

    def __init__(self, view: Any) -> None:
        self.topic, self.data = view.topic, view.topic_data
        self.scalars = self.topic["scalars"]

    def block(self, name: str) -> dict[str, Any]:
        """A block's message."""
        return next(block for block in self.topic["blocks"] if block["name"] == name)

    def column(self, table: str, name: str, part: str | None = None) -> np.ndarray:
        """A column's values; `part` is "nodes" or "edges" of a graph."""
        block = self.block(table)
        info = block if part is None else block[part]
        column = next(column for column in info["columns"] if column["name"] == name)
        if column["type"] == "text":
            return np.array(column["texts"], dtype=object)
        kind, width = TYPES[column["type"]]
        found = np.frombuffer(self.data[table], kind, info["rows"] * width, column["offset"])
        return found.reshape(-1, width) if width > 1 else found

    def matrix(self, name: str) -> np.ndarray:
        """A matrix's values."""
        block = self.block(name)
        shape = block["rows"]["n"], block["cols"]["n"]
        return np.frombuffer(self.data[name], "<f4").reshape(shape)
