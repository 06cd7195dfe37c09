"""A view on a page that has no kernel: its traits, and what was computed ahead of the reader.

A page holds, for each view, one of these as JSON before the bytes of its binary traits, and one
block of bytes with the tiles. Both are deflated.
"""

from __future__ import annotations

import msgspec

from circuit_widgets.wire.blocks import BlockTopic, PicturesBlock
from circuit_widgets.wire.controls import Control, Frame, ParamValues
from circuit_widgets.wire.parts import Index, Message
from circuit_widgets.wire.traits import (
    NextReply,
    Picture,
    Runs,
    ScoresInfo,
    SelectedCell,
    SelectedEdge,
    SelectedHead,
    Status,
)


class Span(Message, frozen=True):
    """Where a binary trait lies among the view's bytes."""

    offset: Index
    length: Index


class PageTraits(Message, frozen=True):
    """What a first screen is made of; as the traits of a widget. None: there is none."""

    runs: Runs
    status: Status
    scores: ScoresInfo
    score_data: Span
    picture: Picture | None
    picture_data: Span
    selected_head: SelectedHead
    selected_cell: SelectedCell
    selected_edge: SelectedEdge
    controls: list[Control]
    param_values: ParamValues
    frame: Frame
    topic: BlockTopic | None
    topic_data: dict[str, Span]


class BakedRun(Message, frozen=True):
    """What the page has of one run: heads' matrices, and what is predicted after each position.

    The pictures lie one after the other among the view's tiles. `absent` says why a head is not
    among them.
    """

    run: Index
    pictures: list[PicturesBlock]
    next: list[NextReply]
    absent: str


class RunTraits(Message, frozen=True):
    """What changes when another run is shown: its scores, and its selected head's matrix."""

    run: Index
    scores: ScoresInfo
    score_data: Span
    picture: Picture | None
    picture_data: Span


class PageView(Message, frozen=True):
    """One view of a page.

    `bundle`: which view. `heads`, `cells`: views with the same name here select heads, and cells,
    together. `others`: what there is to see besides the run that is shown first.
    """

    bundle: str
    traits: PageTraits
    baked: list[BakedRun]
    others: list[RunTraits]
    heads: str
    cells: str


# msgspec is not safe for two first uses at once; see messages.py.
msgspec.json.Decoder(PageView)
