"""A view of the heads of one model: its traits, its channel, what it shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
import traitlets

from circuit_widgets import arguments
from circuit_widgets.heads import Head
from circuit_widgets.live.reading import Reading
from circuit_widgets.results.result import part
from circuit_widgets.widgets.opening import Opening
from circuit_widgets.widgets.score_planes import HeadScore, pack_scores
from circuit_widgets.widgets.selecting import Selecting
from circuit_widgets.widgets.selection import Selection
from circuit_widgets.wire import controls as c
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.blocks import BlockTopic
from circuit_widgets.wire.channel import Channel, Source
from circuit_widgets.wire.pusher import SCORES, Shown

IDLE = m.Status("idle", "", 0, 0)
# A topic's message and its buffers; None where there is nothing to say yet.
TopicData = tuple[BlockTopic, dict[str, bytes]] | None

FIRST = [
    c.option("show", "show"),
    c.option("dim", "dim"),
    c.option("hide", "hide"),
]
SCALE = [
    c.option("head", "this head", "Colours end at this head's own maximum"),
    c.option("shared", "all heads", "The same colours for every head, up to 1"),
]
POOLING = [
    c.option("max", "strongest", "Each cell: the strongest of those it covers"),
    c.option("mean", "mean", "Each cell: the mean over its causal pairs"),
]
DIRECTION = [c.option("from", "attends to"), c.option("to", "is attended to by")]


def shared_controls(scores: Iterable[HeadScore], score: str = "") -> list[c.Control]:
    """What every view of heads can adjust. `score`: of the grid at first."""
    known = [c.option(score.name, score.label, score.about) for score in scores]
    return [
        c.choice(
            "score", "Colour heads by", known, value=score or (known[0].value if known else "")
        ),
        c.choice("first", "First token", FIRST, value="dim"),
        c.choice("scale", "Colours", SCALE),
        c.choice("pooling", "Pooling", POOLING),
        c.choice("direction", "Direction", DIRECTION),
    ]


def _first(choices: list[c.ControlChoice]) -> str:
    return choices[0].value if choices else ""


class HeadsView(Selecting):
    """What a first screen needs as traits; everything else is asked for through the channel."""

    _channel: Channel | None = None

    runs = traitlets.Dict().tag(sync=True)
    # Of what the traits say; a push that is older is not shown.
    version = traitlets.Int(0).tag(sync=True)
    status = traitlets.Dict(msgspec.to_builtins(IDLE)).tag(sync=True)
    scores = traitlets.Dict(msgspec.to_builtins(m.ScoresInfo(0, []))).tag(sync=True)
    score_data = traitlets.Bytes(b"").tag(sync=True)
    picture = traitlets.Dict().tag(sync=True)
    picture_data = traitlets.Bytes(b"").tag(sync=True)
    topic = traitlets.Dict().tag(sync=True)
    # Bytes by the name of the block.
    topic_data = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        run: m.Run,
        controls: Iterable[c.Control],
        opening: Opening,
        selection: Any = None,
    ) -> None:
        self._versions = itertools.count(1)
        asked = opening.selection if opening.selection is not None else selection
        # Before anything is opened: what is out of range leaves nothing behind.
        if isinstance(asked, Selection):
            self._selection = asked
        else:
            self._selection = Selection()
            if asked is not None:
                self._selection.set(Head.parse(asked, run.n_layers, run.n_heads))
        n = len(run.tokens)
        for name in ("query", "key"):
            value = getattr(opening, name)
            if value is not None:
                # A view that fills in has no text yet.
                at = arguments.place(name, value, n) if n else arguments.whole(name, value)
                self._selection.set(**{name: at})
        super().__init__(controls, opening, runs=_alone(run))

    @property
    def run_shown(self) -> m.Run:
        """The run on show."""
        runs = msgspec.convert(self.runs, m.Runs)
        return next(run for run in runs.all if run.id == runs.current)

    def _limits(self) -> tuple[int, int, int]:
        run = self.run_shown
        return run.n_layers, run.n_heads, len(run.tokens)

    @property
    def reading(self) -> Reading | None:
        """The run whose attention is shown; None: the view has no text, or its model is gone."""
        return None

    @property
    def kind(self) -> str:
        """What this view is, in a word or two."""
        return self._bundle.capitalize()

    @property
    def shown_score(self) -> dict[str, Any]:
        """What the page is told of the score that the grid shows; {}: there is none."""
        named = (one for one in self.scores["scores"] if one["name"] == self.params["score"])
        return next(named, {})

    @property
    def grid_scores(self) -> dict[tuple[int, int], float]:
        """The score that the grid of heads shows, of those heads that have one."""
        run, size = self.run_shown, self.run_shown.n_layers * self.run_shown.n_heads
        if not self.shown_score:
            return {}
        at = self.shown_score["value"] * size * 4
        plane = np.frombuffer(self.score_data, "<f4", size, at).reshape(-1, run.n_heads)
        return {
            (int(layer), int(head)): float(plane[layer, head])
            for layer, head in zip(*np.nonzero(np.isfinite(plane)), strict=True)
        }

    # --- without a kernel ---

    def to_html(self, path: Any = None, **wishes: Any) -> Any:
        """This view as a page of its own, in one file that needs no kernel and no network.

        Args:
            path: Of the file. None: the page's text.
            **wishes: budget ("1 MB"), title, bake, theme; see `circuit_widgets.export.page`.
        """
        return part("export", "pages", "page")(self, path, **wishes)

    def render_static(self, **wishes: Any) -> str:
        """This view as an iframe for any page: HTML that needs no kernel and no network.

        Args:
            **wishes: budget, height, script, title; see `circuit_widgets.export.render_static`.
        """
        return part("export", "frames", "render_static")(self, **wishes)

    # --- what is shown ---

    @contextmanager
    def _one_message(self) -> Iterator[None]:
        """What is set within is sent together, and is newer than whatever was pushed before."""
        with self.hold_sync():
            yield
            self.version = next(self._versions)
        if self._channel is not None:
            self._channel.drop_push(self.version)

    def _show_run(self, run: m.Run) -> None:
        self.runs = _alone(run)

    def _show_scores(self, scores: Iterable[HeadScore]) -> None:
        """Scores of all heads, for good."""
        info, data = pack_scores(scores)
        with self._one_message():
            self.scores = msgspec.to_builtins(info)
            self.score_data = data

    def _show_topic(self, topic: TopicData) -> None:
        """What this topic shows besides scores, for good."""
        if topic is None:
            return
        with self._one_message():
            self.topic = msgspec.to_builtins(topic[0])
            self.topic_data = topic[1]

    def _show_progress(
        self, status: m.Status, scores: Iterable[HeadScore], topic: TopicData = None
    ) -> None:
        """Scores and topic on the way: as fast as the view draws them."""
        info, data = pack_scores(scores)
        told, buffers = (None, {}) if topic is None else topic
        if info.planes:
            buffers = {SCORES: data, **buffers}
        self._push(status, info if info.planes else None, told, buffers)

    def _show_status(self, status: m.Status, *, on_the_way: bool = False) -> None:
        # The push comes first: it takes the place of one that waits and says less.
        self._push(status)
        if not on_the_way:
            self.status = msgspec.to_builtins(status)

    def _push(
        self,
        status: m.Status,
        scores: m.ScoresInfo | None = None,
        topic: BlockTopic | None = None,
        buffers: dict[str, bytes] | None = None,
    ) -> None:
        if self._channel is not None:
            version = next(self._versions)
            self._channel.push(Shown(version, status, scores, topic, buffers or {}))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and what is shown where no widget is: words, and a small picture."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return part("export", "cells", "with_stills")(self, data, metadata)

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


def _alone(run: m.Run) -> dict[str, Any]:
    return msgspec.to_builtins(m.Runs(run.id, [run]))
