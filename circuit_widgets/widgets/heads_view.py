"""A view of the heads of one model: its traits, its channel, its selection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import traitlets

from circuit_widgets.heads import Head
from circuit_widgets.widgets.base import View
from circuit_widgets.widgets.score_planes import HeadScore, pack_scores
from circuit_widgets.widgets.selection import Selection
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Channel, Source

log = logging.getLogger("circuit_widgets")

IDLE = m.Status("idle", "", 0, 0)
OPTIONS = m.Options(score="", first="dim", scale="head", pooling="max")


class HeadsView(View):
    """What a first screen needs as traits; everything else is asked for through the channel."""

    _channel: Channel | None = None

    text = traitlets.Dict().tag(sync=True)
    status = traitlets.Dict(msgspec.to_builtins(IDLE)).tag(sync=True)
    scores = traitlets.Dict(msgspec.to_builtins(m.ScoresInfo(0, []))).tag(sync=True)
    score_data = traitlets.Bytes(b"").tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)
    picture_data = traitlets.Bytes(b"").tag(sync=True)
    selected_head = traitlets.Dict(msgspec.to_builtins(m.SelectedHead(0, 0))).tag(sync=True)
    selected_cell = traitlets.Dict(msgspec.to_builtins(m.SelectedCell(None, None))).tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    topic = traitlets.Dict().tag(sync=True)
    topic_data = traitlets.Bytes(b"").tag(sync=True)

    def __init__(self, text: m.Text, selection: Any = None, options: m.Options = OPTIONS) -> None:
        # Before anything is opened: what is out of range leaves nothing behind.
        if isinstance(selection, Selection):
            self._selection = selection
        else:
            self._selection = Selection()
            if selection is not None:
                self._selection.set(Head.parse(selection, text.n_layers, text.n_heads))
        super().__init__(text=msgspec.to_builtins(text), options=msgspec.to_builtins(options))

    # --- selection ---

    @property
    def selection(self) -> Selection:
        """What is selected. Set it to a head ("5.1", (5, 1), `Head`) or to a shared `Selection`."""
        return self._selection

    @selection.setter
    def selection(self, value: Selection | Head | str | tuple[int, int]) -> None:
        if isinstance(value, Selection):
            self._leave_selection()
            self._selection = value
            self._join_selection()
        else:
            self._selection.set(value)

    def _join_selection(self) -> None:
        text = msgspec.convert(self.text, m.Text)
        self._selection.limit(self, text.n_layers, text.n_heads, len(text.tokens))
        self._selection.observe(self._selection_moved, ["layer", "head", "query", "key"])
        self._selection_moved()

    def _leave_selection(self) -> None:
        self._selection.unobserve(self._selection_moved, ["layer", "head", "query", "key"])
        self._selection.forget(self)

    def _selection_moved(self, _: object = None) -> None:
        at = self._selection
        with self.hold_sync():
            self.selected_head = msgspec.to_builtins(m.SelectedHead(at.layer, at.head))
            self.selected_cell = msgspec.to_builtins(m.SelectedCell(at.query, at.key))

    @traitlets.validate("selected_head")
    def _readable_head(self, proposal: Any) -> dict[str, Any]:
        return _converted(proposal["value"], m.SelectedHead)

    @traitlets.validate("selected_cell")
    def _readable_cell(self, proposal: Any) -> dict[str, Any]:
        return _converted(proposal["value"], m.SelectedCell)

    @traitlets.observe("selected_head")
    def _head_selected_in_the_view(self, change: Any) -> None:
        new = m.SelectedHead(**change["new"])
        self._take(lambda: self._selection.set((new.layer, new.head)))

    @traitlets.observe("selected_cell")
    def _cell_selected_in_the_view(self, change: Any) -> None:
        new = m.SelectedCell(**change["new"])
        self._take(lambda: self._selection.set(query=new.query, key=new.key))

    def _take(self, select: Callable[[], None]) -> None:
        try:
            select()
        except ValueError as error:
            log.info("a selection of the view was not taken: %s", error)
            self._selection_moved()

    @traitlets.validate("options")
    def _readable_options(self, proposal: Any) -> dict[str, Any]:
        return _converted(proposal["value"], m.Options)

    # --- what is shown ---

    def _show_scores(self, scores: Iterable[HeadScore]) -> None:
        """Scores of all heads, for good."""
        info, data = pack_scores(scores)
        with self.hold_sync():
            self.scores = msgspec.to_builtins(info)
            self.score_data = data

    def _show_progress(
        self,
        status: m.Status,
        scores: Iterable[HeadScore],
        topic: m.Topic | None = None,
        topic_data: bytes = b"",
    ) -> None:
        """Scores, or else a topic's data, on the way: as fast as the view draws them."""
        info, data = pack_scores(scores)
        if info.planes:
            self._push(status, scores=info, topic=topic, data=data)
        else:
            self._push(status, topic=topic, data=topic_data)

    def _show_topic(self, topic: m.Topic, data: bytes = b"") -> None:
        """What this topic shows besides scores, for good."""
        with self.hold_sync():
            self.topic = msgspec.to_builtins(topic)
            self.topic_data = data

    def _show_status(self, status: m.Status, *, on_the_way: bool = False) -> None:
        # The push comes first: it takes the place of one that waits and says less.
        self._push(status)
        if not on_the_way:
            self.status = msgspec.to_builtins(status)

    def _push(self, status: m.Status, **shown: Any) -> None:
        if self._channel is not None:
            self._channel.push(status, **shown)

    # --- the wire ---

    def _source(self) -> Source:
        """Who answers the view."""
        raise NotImplementedError

    def _receive(self, content: object, buffers: list[memoryview]) -> None:
        if self._channel is not None:
            self._channel.receive(content, buffers)

    def open(self) -> None:
        """Open the wire to the front end; a closed view can be opened again."""
        if self._channel is None:
            self._channel = Channel(self._source(), self.send)
            self._join_selection()
        super().open()

    def close(self) -> None:
        """Release the front end's side. Showing the view again opens it again."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            self._leave_selection()
        super().close()


def _converted(value: object, kind: Callable[..., Any]) -> dict[str, Any]:
    try:
        return msgspec.to_builtins(msgspec.convert(value, kind))
    except msgspec.ValidationError as error:
        raise traitlets.TraitError(f"{value!r} is not accepted: {error}") from None
