"""What a view is told, read as the page reads it: scores, and blocks of a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# Of a column: numpy's type, and how many of them a row has.
TYPES = {"float32": ("<f4", 1), "int32": ("<i4", 1), "head": ("<i4", 2), "flag": ("u1", 1)}


class Told:
    """A topic's blocks, with numbers in the buffers of their names.

    topic, data: the traits `topic` and `topic_data` of a view.
    """

    def __init__(self, topic: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.topic, self.data = topic, data
        self.scalars = topic["scalars"]

    def block(self, name: str) -> dict[str, Any]:
        """A block's message.

        Raises:
            KeyError: There is none of that name; the sentence lists those that there are.
        """
        blocks = {block["name"]: block for block in self.topic["blocks"]}
        if name not in blocks:
            raise KeyError(f"there is no block {name!r}; there are {', '.join(blocks)}")
        return blocks[name]

    def column(self, table: str, name: str, part: str | None = None) -> np.ndarray:
        """A column's values; `part` is "nodes" or "edges" of a graph.

        Raises:
            KeyError: There is no such table or column.
        """
        block = self.block(table)
        info = block if part is None else block[part]
        columns = {column["name"]: column for column in info["columns"]}
        if name not in columns:
            raise KeyError(f"{table!r} has no column {name!r}; it has {', '.join(columns)}")
        column = columns[name]
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


def planes(info: Mapping[str, Any], data: Any, shape: tuple[int, int]) -> np.ndarray:
    """The planes [plane, layer, head] of the traits `scores` and `score_data`."""
    return np.frombuffer(data, "<f4").reshape(info["planes"], *shape)
