"""What a topic shows besides scores: blocks of a few kinds, with their numbers in named buffers.

A block's numbers are in the buffer of the block's own name, in the trait `topic_data` and in a push
alike. A new topic needs no new kind unless it shows something new.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from circuit_widgets.wire.parts import HeadIndex, Index, Message, Pooling, Side, TilePart, Window

# What a column is to the table's reader. low, high, null, p and q belong to an estimate.
Role = Literal[
    "label",
    "head",
    "position",
    "estimate",
    "low",
    "high",
    "null",
    "null_low",
    "null_high",
    "p",
    "q",
    "flag",
    "text",
    "count",
]
# float32: NaN is missing. int32: -1 is. head: int32 pairs of layer and head. flag: uint8.
ColumnType = Literal["float32", "int32", "head", "flag", "text"]
Scalar = float | str | bool | None


class TableColumn(Message, frozen=True):
    """One column of a table: `rows` values at `offset` of the buffer, or texts as they are.

    `of` names the estimate that an interval, a null, a p or a q belongs to.
    """

    name: str
    label: str
    about: str
    unit: str
    role: Role
    of: str | None
    type: ColumnType
    offset: Index | None
    texts: list[str] | None


class Sort(Message, frozen=True):
    """The order in which a table is shown first."""

    column: str
    descending: bool


class Table(Message, frozen=True, tag_field="kind", tag="table"):
    """Rows of typed columns."""

    name: str
    title: str
    about: str
    rows: Index
    columns: list[TableColumn]
    sort: Sort | None


class Axis(Message, frozen=True):
    """One side of a matrix: `n` positions of the text, heads, layers, or texts of its own."""

    label: str
    ticks: Literal["positions", "heads", "layers", "texts"]
    heads: list[HeadIndex] | None
    texts: list[str] | None
    n: Index


class Matrix(Message, frozen=True, tag_field="kind", tag="matrix"):
    """float32 [rows, cols], row by row, at `offset` of the buffer; NaN is missing."""

    name: str
    title: str
    about: str
    rows: Axis
    cols: Axis
    unit: str
    signed: bool
    least: float
    most: float
    offset: Index


class Graph(Message, frozen=True, tag_field="kind", tag="graph"):
    """Nodes and edges in one buffer; an edge's `source` and `target` are row numbers of nodes."""

    name: str
    title: str
    about: str
    nodes: Table
    edges: Table


class PicturesBlock(Message, frozen=True, tag_field="kind", tag="pictures"):
    """Heads' matrices that are there without a kernel."""

    name: str
    window: Window
    pooling: Pooling
    side: Side
    tiles: list[TilePart]


Block = Table | Matrix | Graph | PicturesBlock


class BlockTopic(Message, frozen=True):
    """All that a topic's view shows besides scores: a few values by name, and blocks."""

    kind: str
    scalars: dict[str, Scalar]
    blocks: list[Block]


# msgspec is not safe for two first uses at once; see messages.py.
msgspec.json.Decoder(BlockTopic)
