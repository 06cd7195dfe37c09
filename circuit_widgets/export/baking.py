"""What is computed ahead of a page's readers: heads' matrices as tiles, as many as have room."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from circuit_widgets.live.reading import Reading, pack
from circuit_widgets.live.store import OVERVIEW_SIDE, Missing
from circuit_widgets.live.tiles import Quantised, stride
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.blocks import PicturesBlock
from circuit_widgets.wire.channel import Refused
from circuit_widgets.wire.page import BakedRun
from circuit_widgets.wire.parts import MAX_SIDE

Head = tuple[int, int]
# Predictions after a position: as many as a view shows.
N_SHOWN = 6
# Bytes of a tile's description, deflated.
_DESCRIBED = 48
# The first token's column is float32 in a tile; these bits are more than a picture shows.
_KEPT_BITS = torch.tensor(-(1 << 12), dtype=torch.int32)


@dataclass(frozen=True)
class Tiles:
    """Heads' matrices of one run.

    Attributes:
        run: What the page says about it.
        data: The tiles' bytes, block after block.
        kept: How many heads have a matrix.
        asked: How many were asked for.
        finer: How many of a long text's have a cell a pair of tokens besides.
        size: Bytes of base64 that they take, about.
    """

    run: BakedRun
    data: bytes
    kept: int
    asked: int
    finer: int
    size: int


def bake(
    reading: Reading,
    heads: Sequence[Head],
    room: int,
    absent: str,
    after: list[m.NextReply],
) -> Tiles:
    """As many heads as fit `room` bytes of base64, the first first.

    Every head whole and pooled as the view shows it; then, where a text is longer than a tile, the
    first heads with a cell a pair, so that zooming and exact rows work there.

    Args:
        reading: The run.
        heads: Which, the best first.
        room: Bytes of the page.
        absent: Why a head is not there, for the reader.
        after: What is `predicted` of the run.
    """
    whole = reading.store.whole
    pooled = stride(whole, OVERVIEW_SIDE) > 1
    rough, spent = _fitting(reading, heads, OVERVIEW_SIDE, room)
    fine: list[tuple[Head, Quantised]] = []
    if pooled and reading.n_tokens <= MAX_SIDE and len(rough) == len(heads):
        fine, also = _fitting(reading, heads, MAX_SIDE, room - spent)
        spent += also
    blocks, data = [], bytearray()
    for side, tiles in ((OVERVIEW_SIDE, rough), (MAX_SIDE, fine)):
        if not tiles:
            continue
        buffer = bytearray()
        parts = [pack(tile, head, buffer) for head, tile in tiles]
        blocks.append(PicturesBlock(f"tiles.{side}", whole, "max", side, parts))
        data += buffer
    run = BakedRun(reading.run_id, blocks, after, absent)
    return Tiles(run, bytes(data), len(rough), len(heads), len(fine), spent)


def smallest(reading: Reading, head: Head) -> int:
    """Bytes of base64 that one head needs."""
    for _, _, size in _sized(reading, [head], OVERVIEW_SIDE):
        return size
    return 0


def _fitting(
    reading: Reading, heads: Sequence[Head], side: int, room: int
) -> tuple[list[tuple[Head, Quantised]], int]:
    """Tiles up to the first that has no room, and the bytes of base64 they take."""
    kept: list[tuple[Head, Quantised]] = []
    spent = 0
    for head, tile, size in _sized(reading, heads, side):
        if spent + size > room:
            break
        kept.append((head, tile))
        spent += size
    return kept, spent


def _sized(
    reading: Reading, heads: Sequence[Head], side: int
) -> Iterator[tuple[Head, Quantised, int]]:
    store = reading.store
    for layer, index in heads:
        try:
            tile = store.tile(layer, index, store.whole, side, "max")
        except Missing:
            continue  # its attention is NaN: the view says so where the head is selected
        tile = _rounded(tile)
        buffer = bytearray()
        pack(tile, (layer, index), buffer)
        # Alone it deflates a little worse than among others: what fits by this, fits.
        size = math.ceil(len(zlib.compress(bytes(buffer), 9)) * 4 / 3)
        yield (layer, index), tile, size + _DESCRIBED


def _rounded(tile: Quantised) -> Quantised:
    """The first token's column to 11 bits after the leading one: a relative error below 0.03 %."""
    if tile.first is None:
        return tile
    bits = tile.first.contiguous().view(torch.int32)
    return replace(tile, first=(bits & _KEPT_BITS).view(torch.float32))


def predicted(reading: Reading) -> list[m.NextReply]:
    """What is predicted after every position, rounded to what is shown."""
    found = []
    for position in range(reading.n_tokens):
        try:
            reply, _ = reading.answer(m.Next(1, reading.run_id, position))
        except Refused:
            continue  # the model's probabilities are NaN
        assert isinstance(reply, m.NextReply)
        actual = None if reply.actual is None else _short(reply.actual)
        found.append(m.NextReply(position, [_short(t) for t in reply.tokens[:N_SHOWN]], actual))
    return found


def _short(token: m.NextToken) -> m.NextToken:
    return m.NextToken(token.token, token.id, float(f"{token.probability:.4g}"))
