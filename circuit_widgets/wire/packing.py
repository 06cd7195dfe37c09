"""Blocks made of tensors and lists: one call a column, one a block, one a topic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch

from circuit_widgets.heads import Head
from circuit_widgets.wire.blocks import (
    Axis,
    Block,
    BlockTopic,
    Graph,
    Matrix,
    PicturesBlock,
    Role,
    Scalar,
    Sort,
    Table,
    TableColumn,
)

Number = float | int | None
AnyHead = Head | str | Sequence[int]


class Made(NamedTuple):
    """A column and its bytes; where they lie is settled by the block."""

    column: TableColumn
    data: bytes
    rows: int


class Packed(NamedTuple):
    """A block and the bytes of the buffer of its name."""

    block: Block
    data: bytes


def numbers(
    name: str,
    values: Iterable[Number] | torch.Tensor,
    label: str,
    *,
    about: str = "",
    unit: str = "",
    role: Role = "estimate",
    of: str | None = None,
) -> Made:
    """A column of float32; None is missing."""
    if isinstance(values, torch.Tensor):
        array = values.detach().float().cpu().contiguous().numpy()
    else:
        array = np.array([np.nan if value is None else value for value in values], np.float32)
    column = TableColumn(name, label, about, unit, role, of, "float32", 0, None)
    return Made(column, array.astype("<f4").tobytes(), len(array))


def whole(
    name: str,
    values: Iterable[int | None],
    label: str,
    *,
    about: str = "",
    unit: str = "",
    role: Role = "count",
    of: str | None = None,
) -> Made:
    """A column of whole numbers from 0; None is missing."""
    array = np.array([-1 if value is None else value for value in values], "<i4")
    column = TableColumn(name, label, about, unit, role, of, "int32", 0, None)
    return Made(column, array.tobytes(), len(array))


def positions(name: str, values: Iterable[int | None], label: str, *, about: str = "") -> Made:
    """A column of positions in the text; None is missing."""
    return whole(name, values, label, about=about, role="position")


def heads(name: str, values: Iterable[AnyHead | None], label: str, *, about: str = "") -> Made:
    """A column of heads, however they are named; None is missing."""
    places = [(-1, -1) if value is None else place(value) for value in values]
    array = np.array(places, "<i4").reshape(-1, 2)
    column = TableColumn(name, label, about, "", "head", None, "head", 0, None)
    return Made(column, array.tobytes(), len(array))


def flags(name: str, values: Iterable[bool], label: str, *, about: str = "") -> Made:
    """A column of yes and no."""
    array = np.array([bool(value) for value in values], "u1")
    column = TableColumn(name, label, about, "", "flag", None, "flag", 0, None)
    return Made(column, array.tobytes(), len(array))


def texts(
    name: str,
    values: Iterable[str],
    label: str,
    *,
    about: str = "",
    role: Role = "text",
) -> Made:
    """A column of texts, which travel as they are."""
    shown = list(values)
    column = TableColumn(name, label, about, "", role, None, "text", None, shown)
    return Made(column, b"", len(shown))


def table(
    name: str,
    columns: Sequence[Made],
    *,
    title: str,
    about: str = "",
    sort: str | None = None,
    descending: bool = True,
) -> Packed:
    """A table of columns of one length, sorted by one of them where it is first shown."""
    block, data = _table(name, columns, title, about, sort, descending, 0)
    return Packed(block, data)


def matrix(
    name: str,
    values: torch.Tensor,
    rows: Axis,
    cols: Axis,
    *,
    title: str,
    about: str = "",
    unit: str = "",
    signed: bool = False,
    least: float = 0.0,
    most: float = 1.0,
) -> Packed:
    """A matrix of float32 [rows, cols]."""
    if tuple(values.shape) != (rows.n, cols.n):
        raise ValueError(f"{name}: {tuple(values.shape)} values for {rows.n} x {cols.n} cells")
    data = values.detach().float().cpu().contiguous().numpy().astype("<f4").tobytes()
    return Packed(Matrix(name, title, about, rows, cols, unit, signed, least, most, offset=0), data)


def graph(
    name: str, nodes: Sequence[Made], edges: Sequence[Made], *, title: str, about: str = ""
) -> Packed:
    """A graph; the edges' columns `source` and `target` are row numbers of nodes."""
    node_table, node_data = _table("nodes", nodes, "", "", None, True, 0)
    edge_table, edge_data = _table("edges", edges, "", "", None, True, len(node_data))
    return Packed(Graph(name, title, about, node_table, edge_table), node_data + edge_data)


def position_axis(n: int, label: str) -> Axis:
    return Axis(label, "positions", None, None, n)


def layer_axis(n: int, label: str) -> Axis:
    return Axis(label, "layers", None, None, n)


def head_axis(places: Iterable[AnyHead], label: str) -> Axis:
    at = [place(head) for head in places]
    return Axis(label, "heads", at, None, len(at))


def text_axis(shown: Sequence[str], label: str) -> Axis:
    return Axis(label, "texts", None, list(shown), len(shown))


def topic(
    kind: str, scalars: Mapping[str, Scalar], *blocks: Packed
) -> tuple[BlockTopic, dict[str, bytes]]:
    """The message of a topic and its buffers by name."""
    names = [packed.block.name for packed in blocks]
    if len(set(names)) < len(names):
        raise ValueError(f"two blocks of one name: {', '.join(names)}")
    # JSON has no NaN.
    told: dict[str, Scalar] = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in scalars.items()
    }
    message = BlockTopic(kind, told, [packed.block for packed in blocks])
    return message, {packed.block.name: packed.data for packed in blocks}


def pictures(block: PicturesBlock, data: bytes) -> Packed:
    return Packed(block, data)


def place(head: AnyHead) -> tuple[int, int]:
    """A head's layer and index."""
    at = Head.parse(head)
    return at.layer, at.index


def _table(
    name: str,
    columns: Sequence[Made],
    title: str,
    about: str,
    sort: str | None,
    descending: bool,
    start: int,
) -> tuple[Table, bytes]:
    lengths = {made.rows for made in columns}
    if len(lengths) > 1:
        raise ValueError(f"{name}: columns of {sorted(lengths)} rows")
    placed: list[TableColumn] = []
    data = b""
    for column, values, _ in columns:
        if column.offset is not None:
            column = msgspec.structs.replace(column, offset=start + len(data))
            # Whatever comes next lies at a multiple of four bytes.
            data += values + bytes(-len(values) % 4)
        placed.append(column)
    order = None if sort is None else Sort(sort, descending)
    return Table(name, title, about, lengths.pop() if lengths else 0, placed, order), data
