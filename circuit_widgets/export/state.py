"""A view's traits as a page carries them: JSON, then the bytes of what is binary."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from circuit_widgets.export.replays import Replayed
from circuit_widgets.widgets.heads_view import HeadsView
from circuit_widgets.widgets.sharing import packed
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.blocks import BlockTopic, PicturesBlock
from circuit_widgets.wire.controls import Control, Frame, ParamValues
from circuit_widgets.wire.page import BakedRun, PageTraits, PageView, Span

# Every head is among the tiles: those that a view carries for a page without them are not needed.
PICTURES = "pictures"


class Bytes:
    """Binary traits one after the other, each at a multiple of four bytes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, data: bytes) -> Span:
        """Where these bytes lie now."""
        span = Span(len(self.data), len(data))
        self.data += data
        self.data += bytes(-len(self.data) % 4)
        return span


@dataclass(frozen=True)
class Linked:
    """By what a view is linked with others of its page; "" by nothing."""

    heads: str = ""
    cells: str = ""


def pack_state(
    view: HeadsView,
    baked: Sequence[BakedRun],
    others: Sequence[Replayed],
    linked: Linked,
) -> str:
    """A view's state, deflated, in base64. `others`: other runs that a reader can show."""
    data = Bytes()
    traits = _traits(view, [other.run for other in others], data, live=bool(baked))
    runs = [
        msgspec.structs.replace(
            other.traits,
            score_data=data.add(other.score_data),
            picture_data=data.add(other.picture_data),
        )
        for other in others
    ]
    page = PageView(view._bundle, traits, list(baked), runs, linked.heads, linked.cells)
    told = msgspec.json.encode(page)
    told += b" " * (-len(told) % 4)
    return packed(struct.pack("<I", len(told)) + told + bytes(data.data))


def _traits(view: HeadsView, others: Sequence[m.Run], data: Bytes, live: bool) -> PageTraits:
    def read(name: str, kind: Any) -> Any:
        return msgspec.convert(getattr(view, name), kind)

    runs = read("runs", m.Runs)
    # On the page "live" is: there are matrices to ask for.
    shown = [msgspec.structs.replace(run, live=live) for run in [*runs.all, *others]]
    topic = msgspec.convert(view.topic, BlockTopic) if view.topic else None
    if topic is not None and live:
        topic = msgspec.structs.replace(topic, blocks=[b for b in topic.blocks if not _is_extra(b)])
    named = {block.name for block in topic.blocks} if topic is not None else set()
    return PageTraits(
        runs=m.Runs(runs.current, shown),
        status=_at_rest(read("status", m.Status)),
        scores=read("scores", m.ScoresInfo),
        score_data=data.add(view.score_data),
        picture=msgspec.convert(view.picture, m.Picture) if view.picture else None,
        picture_data=data.add(view.picture_data),
        selected_head=read("selected_head", m.SelectedHead),
        selected_cell=read("selected_cell", m.SelectedCell),
        selected_edge=read("selected_edge", m.SelectedEdge),
        controls=read("controls", list[Control]),
        param_values=read("param_values", ParamValues),
        frame=read("frame", Frame),
        topic=topic,
        topic_data={n: data.add(b) for n, b in view.topic_data.items() if n in named},
    )


def _is_extra(block: Any) -> bool:
    return isinstance(block, PicturesBlock) and block.name == PICTURES


def _at_rest(status: m.Status) -> m.Status:
    """On a page nothing goes on."""
    if status.state != "running":
        return status
    so_far = f": {status.done} of {status.total}" if status.total else ""
    return m.Status("partial", f"Saved while it was being computed{so_far}.", 0, 0)
