"""A view that follows a `Selection`, and that tells it what is selected on the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import traitlets

from circuit_widgets.heads import Head
from circuit_widgets.widgets.adjustable import Adjustable
from circuit_widgets.widgets.selection import NAMES, Selection
from circuit_widgets.wire import messages as m

log = logging.getLogger("circuit_widgets")

NO_HEAD = msgspec.to_builtins(m.SelectedHead(0, 0))
NO_CELL = msgspec.to_builtins(m.SelectedCell(None, None))
NO_EDGE = msgspec.to_builtins(m.SelectedEdge(None, None))


class Selecting(Adjustable):
    """The selected head, query, key and edge, as traits that the page sets too.

    A selection that is shared may be of a longer text than this view has: the view then shows its
    own last position, and the others keep theirs.
    """

    selected_head = traitlets.Dict(NO_HEAD).tag(sync=True)
    selected_cell = traitlets.Dict(NO_CELL).tag(sync=True)
    selected_edge = traitlets.Dict(NO_EDGE).tag(sync=True)
    _selection: Selection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Set on the thread that copies the selection into the traits, while it does.
        self._copying = threading.local()
        super().__init__(*args, **kwargs)

    @property
    def selection(self) -> Selection:
        """What is selected. Set it to a head ("5.1", (5, 1), `Head`) or to a shared `Selection`."""
        return self._selection

    @selection.setter
    def selection(self, value: Selection | Head | str | tuple[int, int]) -> None:
        if not isinstance(value, Selection):
            self._selection.set(value)
            return
        before = self._selection
        self._leave_selection()
        # What only this view has selected is not lost by joining.
        if value.query is None and before.query is not None:
            value.query = before.query
        self._selection = value
        self._join_selection()

    def _limits(self) -> tuple[int, int, int]:
        """How many layers, heads and tokens there are to select."""
        raise NotImplementedError

    def _join_selection(self) -> None:
        self._selection.limit(self, *self._limits())
        self._selection.observe(self._selection_moved, list(NAMES))
        self._selection_moved()

    def _leave_selection(self) -> None:
        self._selection.unobserve(self._selection_moved, list(NAMES))
        self._selection.forget(self)

    def _selection_moved(self, _: object = None) -> None:
        at, last = self._selection, max(0, self._limits()[2] - 1)
        query = None if at.query is None else min(at.query, last)
        key = None if at.key is None else min(at.key, last)
        sender, receiver = at.edge or (None, None)
        with self.hold_sync():
            self._tell("selected_head", m.SelectedHead(at.layer, at.head))
            self._tell("selected_cell", m.SelectedCell(query, key))
            self._tell("selected_edge", m.SelectedEdge(sender, receiver))

    def _tell(self, name: str, value: msgspec.Struct) -> None:
        """Set a trait, unless it says so already, whoever said it."""
        new, old = msgspec.to_builtins(value), getattr(self, name)
        if all(new[part] == old.get(part) for part in new if part not in ("source", "seq")):
            return
        self._copying.now = True
        try:
            setattr(self, name, new)
        finally:
            self._copying.now = False

    @traitlets.validate("selected_head")
    def _readable_head(self, proposal: Any) -> dict[str, Any]:
        return _converted(proposal["value"], m.SelectedHead)

    @traitlets.validate("selected_cell")
    def _readable_cell(self, proposal: Any) -> dict[str, Any]:
        return _converted(proposal["value"], m.SelectedCell)

    @traitlets.validate("selected_edge")
    def _readable_edge(self, proposal: Any) -> dict[str, Any]:
        return _converted(proposal["value"], m.SelectedEdge)

    @traitlets.observe("selected_head")
    def _head_selected_in_the_view(self, change: Any) -> None:
        new = msgspec.convert(change["new"], m.SelectedHead)
        self._take(lambda: self._selection.set((new.layer, new.head)))

    @traitlets.observe("selected_cell")
    def _cell_selected_in_the_view(self, change: Any) -> None:
        new = msgspec.convert(change["new"], m.SelectedCell)
        self._take(lambda: self._selection.set(query=new.query, key=new.key))

    @traitlets.observe("selected_edge")
    def _edge_selected_in_the_view(self, change: Any) -> None:
        new = msgspec.convert(change["new"], m.SelectedEdge)
        ends = (new.sender, new.receiver)
        edge = None if None in ends else ends
        self._take(lambda: self._selection.set(edge=edge))

    def _take(self, select: Callable[[], None]) -> None:
        """Select what a trait says, unless it was copied from the selection just now."""
        if getattr(self._copying, "now", False):
            return
        try:
            select()
        except ValueError as error:
            log.info("a selection of the view was not taken: %s", error)
            self._selection_moved()


def _converted(value: object, kind: Callable[..., Any]) -> dict[str, Any]:
    try:
        return msgspec.to_builtins(msgspec.convert(value, kind))
    except msgspec.ValidationError as error:
        raise traitlets.TraitError(f"{value!r} is not accepted: {error}") from None
