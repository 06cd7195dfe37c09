"""Every message and every structured trait between the kernel and a view, declared once.

`contract.py` turns this file into `js/src/contract.gen.ts`; golden fixtures are read by both test
suites. A message has a type or it does not exist. Requests come from a view and carry an id that is
unique within their client, and the id of the run (a prompt, and what is changed inside the model
while it reads it) that they speak about.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from circuit_widgets.wire.blocks import BlockTopic
from circuit_widgets.wire.parts import MAX_SIDE as MAX_SIDE
from circuit_widgets.wire.parts import ClientName, HeadIndex, Id, Index, Message, Side, Window
from circuit_widgets.wire.parts import Pooling as Pooling
from circuit_widgets.wire.parts import TilePart as TilePart
from circuit_widgets.wire.traits import NextReply as NextReply
from circuit_widgets.wire.traits import NextToken as NextToken
from circuit_widgets.wire.traits import Picture as Picture
from circuit_widgets.wire.traits import Run as Run
from circuit_widgets.wire.traits import Runs as Runs
from circuit_widgets.wire.traits import Score as Score
from circuit_widgets.wire.traits import ScoresInfo as ScoresInfo
from circuit_widgets.wire.traits import SelectedCell as SelectedCell
from circuit_widgets.wire.traits import SelectedEdge as SelectedEdge
from circuit_widgets.wire.traits import SelectedHead as SelectedHead
from circuit_widgets.wire.traits import Status as Status

# The server's TCP stack holds a smaller reply back for a delayed ACK, about 40 ms; one of this size
# leaves at once. `make bench` measures it (benchmarks/latency.py). Over a slow line it is the
# filling that takes longer: then the page says so (`Hello`).
FLUSH_BYTES = 128 * 1024
# The server closes the socket on a browser message over 10 MiB; nothing a view says is near this.
MAX_TEXT = 1_000_000
MAX_NAME = 64
MAX_REQUESTS = 64
MAX_HEADS = 64


# --- from a view -------------------------------------------------------------------------------
class Tiles(Message, frozen=True, tag_field="kind", tag="tiles"):
    """Heads' matrices in one window, pooled to at most `side` cells a side.

    `also` lists heads worth having next; the kernel adds those that it need not compute anything
    for, as long as they fit the room that a prompt reply has anyway.
    """

    id: Id
    run: Index
    heads: Annotated[list[HeadIndex], msgspec.Meta(min_length=1, max_length=MAX_HEADS)]
    also: Annotated[list[HeadIndex], msgspec.Meta(max_length=MAX_HEADS)]
    pooling: Pooling
    window: Window
    side: Side


class Cells(Message, frozen=True, tag_field="kind", tag="cells"):
    """Exact float32 values of one head in a window; the reply may hold more rows than asked."""

    id: Id
    run: Index
    head: HeadIndex
    window: Window


class Column(Message, frozen=True, tag_field="kind", tag="column"):
    """Exact float32 attention that one key receives from every query of one head."""

    id: Id
    run: Index
    head: HeadIndex
    key: Index


class Next(Message, frozen=True, tag_field="kind", tag="next"):
    """The model's most likely next tokens after a position."""

    id: Id
    run: Index
    position: Index


class RunPrompt(Message, frozen=True, tag_field="kind", tag="run"):
    """Run the model on a new prompt; the traits follow when it is done."""

    id: Id
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class TryFix(Message, frozen=True, tag_field="kind", tag="fix"):
    """Try one fix of one part of the model on a case; the topic follows when it is done."""

    id: Id
    case: Index
    # As Python names it: "1.2", "0.mlp".
    part: Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
    fix: Annotated[str, msgspec.Meta(max_length=MAX_NAME)]


class AddCase(Message, frozen=True, tag_field="kind", tag="case"):
    """Diagnose another prompt, with what should follow it; the topic follows when it is done."""

    id: Id
    prompt: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
    expected: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Stop(Message, frozen=True, tag_field="kind", tag="stop"):
    """Stop the analysis or the run; results so far are kept, marked as partial."""

    id: Id


class Cancel(Message, frozen=True, tag_field="kind", tag="cancel"):
    """Forget a request that has not been answered yet."""

    id: Id
    target: Id


class Hello(Message, frozen=True, tag_field="kind", tag="hello"):
    """Is anybody there? Answered at once, whatever the kernel is doing.

    fill: whether this answer, and those after it, are filled up to `FLUSH_BYTES`. The page measures
    which comes back sooner.
    """

    id: Id
    fill: bool = True


class Ack(Message, frozen=True, tag_field="kind", tag="ack"):
    """A push has been drawn; the kernel may send the next one."""

    id: Id
    seq: Index


Request = Tiles | Cells | Column | Next | RunPrompt | TryFix | AddCase | Stop | Cancel | Hello | Ack


class Batch(Message, frozen=True):
    """What one animation frame of one client asks for."""

    client: ClientName
    requests: Annotated[list[Request], msgspec.Meta(min_length=1, max_length=MAX_REQUESTS)]


# --- from the kernel ---------------------------------------------------------------------------
class TilesReply(Message, frozen=True, tag_field="kind", tag="tiles"):
    window: Window
    pooling: Pooling
    side: Side
    tiles: list[TilePart]


class CellsReply(Message, frozen=True, tag_field="kind", tag="cells"):
    """Row-major float32 of `window` at the start of the buffer."""

    head: HeadIndex
    window: Window


class ColumnReply(Message, frozen=True, tag_field="kind", tag="column"):
    """float32, one a query, at the start of the buffer."""

    head: HeadIndex
    key: Index
    queries: Index


class DoneReply(Message, frozen=True, tag_field="kind", tag="done"):
    """The request was carried out; there is nothing more to say."""


Body = TilesReply | CellsReply | ColumnReply | NextReply | DoneReply
Reason = Literal["invalid", "stale", "busy", "missing", "failed"]


class Ok(Message, frozen=True, tag_field="kind", tag="ok"):
    client: ClientName
    id: Id
    run: Index
    body: Body


class Fail(Message, frozen=True, tag_field="kind", tag="error"):
    """Why a request got no answer, as a sentence for the user. id 0: it could not be read."""

    client: str
    id: Index
    reason: Reason
    message: str


class Push(Message, frozen=True, tag_field="kind", tag="push"):
    """How far the kernel is: scores and topic, with their bytes in the buffers of these names.

    `version` orders it among what the traits say: what is older than them is not shown. The scores'
    planes are in the buffer "scores", a block's numbers in that of its own name.
    """

    seq: Index
    version: Index
    status: Status
    scores: ScoresInfo | None
    topic: BlockTopic | None
    buffers: list[str]


Reply = Ok | Fail | Push


# msgspec works a type out at its first use, and a second thread that comes to it meanwhile reads
# what is not there yet: a crash of the kernel, with msgspec 0.22. So one thread does it here.
for _type in [*Message.__subclasses__()]:
    msgspec.json.Decoder(_type)
