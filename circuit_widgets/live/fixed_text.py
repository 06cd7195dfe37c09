"""A text that a view shows with the model behind it, and that cannot be changed there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from circuit_widgets.live.reading import Reading, pack
from circuit_widgets.live.session import Session
from circuit_widgets.live.store import OVERVIEW_SIDE, Missing
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.blocks import PicturesBlock
from circuit_widgets.wire.channel import Question, Refused, Wish
from circuit_widgets.wire.packing import Packed

MEMORY = 2**28
# Of pictures that are saved with a page.
PICTURE_BYTES = 120_000


class FixedText:
    """Answers about one text, as soon as there is one. Implements what a `Channel` asks."""

    run_id = 0

    def __init__(self, stop: Callable[[], None]) -> None:
        self.stop = stop
        self._session: Session | None = None

    def read(self, model: Any, prompt: str | Sequence[int]) -> Reading:
        """Run the model on a text, on this thread."""
        session = Session(model, MEMORY, NOBODY)
        reading = session.read_now(prompt)
        self._session = session
        return reading

    @property
    def tokens(self) -> list[str]:
        """The tokens of the text; none where there is none."""
        return [] if self._session is None else list(self._session.reading.tokens.strings)

    @property
    def reading(self) -> Reading | None:
        """The run of the text; None where there is none."""
        return None if self._session is None else self._session.reading

    @property
    def live(self) -> bool:
        """Whether there is a model that can be asked."""
        return self._session is not None

    def has_run(self, run: int) -> bool:
        return run == self.run_id

    def is_cheap(self, question: Question) -> bool:
        return self._session is None or self._session.is_cheap(question)

    def answer(self, question: Question) -> tuple[m.Body, bytes]:
        if self._session is None:
            raise Refused("missing", "this view has no text; explore(model, prompt) shows one")
        return self._session.answer(question)

    def run(self, text: str) -> None:
        raise Refused("missing", "this view has no prompt; explore(model, prompt) has one")

    def wish(self, wish: Wish) -> None:
        raise Refused("missing", "this view has no cases; that of analyze_failures has some")

    def pictures(self, heads: Iterable[tuple[int, int]]) -> list[Packed]:
        """Matrices of some heads for a page without a kernel: as many as have room, in a block."""
        if self._session is None:
            return []
        store = self._session.reading.store
        parts: list[m.TilePart] = []
        buffer = bytearray()
        for layer, head in dict.fromkeys(heads):
            if parts and len(buffer) * (len(parts) + 1) / len(parts) > PICTURE_BYTES:
                break
            try:
                tile = store.tile(layer, head, store.whole, OVERVIEW_SIDE, "max")
            except Missing:
                continue
            parts.append(pack(tile, (layer, head), buffer))
        block = PicturesBlock("pictures", store.whole, "max", OVERVIEW_SIDE, parts)
        return [Packed(block, bytes(buffer))]

    def open(self) -> None:
        """Read the text again where it was let go of."""
        if self._session is not None:
            self._session.reopen()

    def close(self) -> None:
        """Let go of what was kept."""
        if self._session is not None:
            self._session.close()


class _Nobody:
    """The text never changes, so there is nothing to be told."""

    def reading_changed(self, reading: Reading) -> None: ...
    def status_changed(self, status: m.Status) -> None: ...


NOBODY = _Nobody()
