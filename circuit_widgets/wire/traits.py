"""What a first screen is made of: the structured traits of every view."""

from __future__ import annotations

from typing import Literal

import msgspec

from circuit_widgets.wire.parts import HeadIndex, Index, Message, Pooling, Side, TilePart, Window


# --- traits: a first screen from these alone -----------------------------------------------------
class Status(Message, frozen=True):
    """What the kernel is doing for this view."""

    state: Literal["idle", "running", "partial", "failed"]
    message: str
    done: Index
    total: Index


class Score(Message, frozen=True):
    """One score for every head.

    Planes of [layer, head] float32 lie one after the other in the `score_data` trait: `value` and,
    where they exist, `control`, `low`, `high` (indices of planes; null where there is none).
    NaN is a head that has not been computed.
    """

    name: str
    label: str
    about: str
    # What it was measured on, in two words; scores of one group stand together.
    group: str
    # Where the definition is from.
    source: str
    chance: float | None
    least: float
    most: float
    value: Index
    control: Index | None
    low: Index | None
    high: Index | None
    # What low and high are, in words: "95 % interval".
    interval: str
    # What the low end has to be above: the high end of the control.
    bar: Index | None


class ScoresInfo(Message, frozen=True):
    planes: Index
    scores: list[Score]


class Run(Message, frozen=True):
    """A prompt, and what changes the model while it reads it: hook points with the user's hooks.

    A view of a result has one run, whose tokens are those that the result was found on.
    """

    id: Index
    model: str
    n_layers: Index
    n_heads: Index
    tokens: list[str]
    prompt: str
    interventions: list[str]
    has_bos: bool
    seconds: float | None
    live: bool
    # What was changed inside the model, in words; "" for the model as it is.
    label: str = ""
    # Of each layer of a pruned model, the heads that are left, by their index in the whole model.
    kept: list[list[Index]] = msgspec.field(default_factory=list)


class Runs(Message, frozen=True):
    """The runs that a view can show, and which one it shows."""

    current: Index
    all: list[Run]


class NextToken(Message, frozen=True):
    token: str
    id: Index
    probability: float


class NextReply(Message, frozen=True, tag_field="kind", tag="next"):
    """The likeliest next tokens after `position`, and what the text really has there."""

    position: Index
    tokens: list[NextToken]
    actual: NextToken | None


class Picture(Message, frozen=True):
    """The matrix in the saved picture: the `picture_data` trait laid out as one tile."""

    run: Index
    window: Window
    pooling: Pooling
    side: Side
    tile: TilePart
    next: NextReply | None


class SelectedHead(Message, frozen=True):
    """Apart from `SelectedCell`: a cell that moves the query does not undo a click on a head.

    `source` and `seq`: who selected, and that one's how-manieth selection it is. By them a page
    knows its own earlier selection, which comes back late, from news.
    """

    layer: Index
    head: Index
    source: str = "kernel"
    seq: Index = 0


class SelectedCell(Message, frozen=True):
    """A query and a key of the matrix; as `SelectedHead`."""

    query: Index | None
    key: Index | None
    source: str = "kernel"
    seq: Index = 0


class SelectedEdge(Message, frozen=True):
    """A pair of heads, the earlier one first, or none; as `SelectedHead`."""

    sender: HeadIndex | None
    receiver: HeadIndex | None
    source: str = "kernel"
    seq: Index = 0
