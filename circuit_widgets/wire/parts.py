"""What messages are made of."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MAX_SIDE = 1024
Index = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Id = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
ClientName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Side = Annotated[int, msgspec.Meta(ge=1, le=MAX_SIDE)]
Pooling = Literal["max", "mean"]
# [layer, head]
HeadIndex = tuple[Index, Index]
# [query from, query to, key from, key to), in tokens
Window = tuple[Index, Index, Index, Index]


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base: immutable, and an unknown field is an error, so that a typing mistake is seen."""


class TilePart(Message, frozen=True):
    """One head's tile inside a buffer.

    At `offset`: rows x cols uint8, value = byte * scale / 255, without the first token's column;
    then, where the window starts at key 0, `rows` float32 of that column at `first`.
    """

    head: HeadIndex
    rows: Index
    cols: Index
    scale: float
    offset: Index
    first: Index | None
