"""A view that a notebook showed: its state, its scores, its topic, and tiles of the live model."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from circuit_widgets.heads import Head
from circuit_widgets.testing.kernel import Kernel, Widget
from circuit_widgets.testing.told import Told, planes
from circuit_widgets.wire.parts import MAX_SIDE, Pooling, Window

CLIENT = "testing"


class NoAnswer(LookupError):
    """Why a view has no such tile or number, in its own words."""


@dataclasses.dataclass(frozen=True)
class Tile:
    """One head's attention as the page gets it: pooled, and in 255 levels.

    Attributes:
        data: A byte for each cell. Where the window begins at key 0, the first token is not in it.
        scale: What 255 stands for.
        first: The first token's column, apart; None where the window begins behind it.
        values: `data` as attention, with the first token's column where it has a cell of its own.
    """

    data: UInt8[np.ndarray, "row col"]
    scale: float
    first: Float[np.ndarray, " row"] | None
    pooled: bool

    @property
    def values(self) -> Float[np.ndarray, "row col"]:
        """Attention, to 1/255 of `scale`."""
        found = self.data.astype(np.float32) * np.float32(self.scale / 255)
        if self.first is not None:
            found[:, 0] = np.maximum(found[:, 0], self.first) if self.pooled else self.first
        return found


class RunView:
    """A view after the notebook ran.

    Attributes:
        state: Its traits, as a page would have them now; binary ones are bytes.
    """

    _ids = itertools.count(1)

    def __init__(self, kernel: Kernel, id: str) -> None:
        self._kernel, self._id = kernel, id

    def __repr__(self) -> str:
        return f"<RunView of {self.run['model']!r}, {self.status['state']}>"

    @property
    def _widget(self) -> Widget:
        return self._kernel.widgets[self._id]

    @property
    def state(self) -> dict[str, Any]:
        """Its traits."""
        return self._widget.state

    @property
    def status(self) -> dict[str, Any]:
        """`state`, one of "idle", "running", "partial" and "failed", and a sentence."""
        return self.state["status"]

    @property
    def run(self) -> dict[str, Any]:
        """The model, the text and its tokens, on show."""
        runs = self.state["runs"]
        return next(run for run in runs["all"] if run["id"] == runs["current"])

    @property
    def tokens(self) -> list[str]:
        """The tokens of the text on show."""
        return self.run["tokens"]

    @property
    def selected(self) -> tuple[int, int]:
        """Layer and head of the selected head."""
        at = self.state["selected_head"]
        return at["layer"], at["head"]

    @property
    def told(self) -> Told:
        """The topic's tables and matrices."""
        return Told(self.state["topic"], self.state["topic_data"])

    def score(self, name: str, part: str = "value") -> Float[np.ndarray, "layer head"]:
        """A score of every head; `part` is "value", "control", "low" or "high".

        Raises:
            KeyError: There is no such score, or it has no such part.
        """
        info = self.state["scores"]
        known = {score["name"]: score for score in info["scores"]}
        if name not in known:
            raise KeyError(f"there is no score {name!r}; there are {', '.join(known)}")
        plane = known[name][part]
        if plane is None:
            raise KeyError(f"the score {name!r} has no {part}")
        shape = self.run["n_layers"], self.run["n_heads"]
        return planes(info, self.state["score_data"], shape)[plane]

    def tile(
        self,
        head: Any,
        *,
        side: int = MAX_SIDE,
        pooling: Pooling = "max",
        window: Window | None = None,
        timeout: float = 60,
    ) -> Tile:
        """A head's attention, asked of the kernel as the page asks for it when a head is clicked.

        Args:
            head: "1.2", (1, 2) or a `Head`.
            side: Cells a side at most; a longer text is pooled.
            pooling: "max" or "mean" of what a cell covers.
            window: Queries and keys, [from, to) both; None: all.
            timeout: Seconds to wait.

        Raises:
            NoAnswer: The view has no live model, or no such head.
        """
        window = self._whole() if window is None else window
        question = {"kind": "tiles", "heads": [self._head(head)], "also": [], "pooling": pooling}
        body, data = self._ask({**question, "window": window, "side": side}, timeout)
        part = body["tiles"][0]
        rows, cols = part["rows"], part["cols"]
        bytes_ = np.frombuffer(data, np.uint8, rows * cols, part["offset"]).reshape(rows, cols)
        at = part["first"]
        first = None if at is None else np.frombuffer(data, "<f4", rows, at)
        return Tile(bytes_, part["scale"], first, pooled=rows < window[1] - window[0])

    def attention(self, head: Any, *, timeout: float = 60) -> Float[np.ndarray, "query key"]:
        """A head's exact attention, as the page gets it for what is hovered.

        Raises:
            NoAnswer: The view has no live model, or no such head.
        """
        n = len(self.tokens)
        found = np.zeros((n, n), np.float32)
        at = 0
        while at < n:
            window = (at, min(at + 64, n), 0, n)
            question = {"kind": "cells", "head": self._head(head), "window": window}
            body, data = self._ask(question, timeout)
            q0, q1, k0, k1 = body["window"]
            part = np.frombuffer(data, "<f4", (q1 - q0) * (k1 - k0))
            found[q0:q1, k0:k1] = part.reshape(q1 - q0, k1 - k0)
            at = max(q1, at + 1)
        return found

    def _head(self, head: Any) -> tuple[int, int]:
        at = Head.parse(head, self.run["n_layers"], self.run["n_heads"])
        return at.layer, at.index

    def _whole(self) -> Window:
        n = len(self.tokens)
        return (0, n, 0, n)

    def _ask(self, question: dict[str, Any], timeout: float) -> tuple[dict[str, Any], bytes]:
        if not self.run["live"]:
            raise NoAnswer("this view has no live model to ask")
        id = next(self._ids)
        request = {"id": id, "run": self.run["id"], **question}
        self._kernel.ask(self._id, {"client": CLIENT, "requests": [request]})

        def answer() -> tuple[dict[str, Any], list[bytes]] | None:
            for content, buffers in self._widget.messages:
                if content.get("client") == CLIENT and content.get("id") == id:
                    return content, buffers
            return None

        content, buffers = self._kernel.wait_for(answer, timeout)
        if content["kind"] == "error":
            raise NoAnswer(content["message"])
        return content["body"], buffers[0] if buffers else b""
