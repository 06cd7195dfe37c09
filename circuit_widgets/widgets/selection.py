"""What is selected: one object that views share, and that Python reads and sets."""

from __future__ import annotations

import weakref
from typing import Any

import traitlets

from circuit_widgets import arguments
from circuit_widgets.heads import Head
from circuit_widgets.widgets.base import refuse_unknown

NAMES = ("layer", "head", "query", "key", "edge")


class Selection(traitlets.HasTraits):
    """The selected head, query, key and edge.

    Give one to several views and they follow each other; its traits work with `ipywidgets.link`.
    `query` and `key` are positions in the text, or None. A view of a shorter text shows its own
    last position where they are beyond it. `edge` is a pair of heads, each (layer, head), or None.

    >>> selection = Selection("1.2", query=6)
    >>> selection.layer, selection.head, selection.query
    (1, 2, 6)
    """

    layer = traitlets.Int(0)
    head = traitlets.Int(0)
    query = traitlets.Int(None, allow_none=True)
    key = traitlets.Int(None, allow_none=True)
    edge = traitlets.Any(None, allow_none=True)

    def __init__(self, at: Any = None, /, **kwargs: Any) -> None:
        """Nothing selected but a head.

        Args:
            at: A head as people write it: "5.1", (5, 1), a `Head`.
            **kwargs: layer, head (its index), query, key, edge.

        Raises:
            TypeError: A keyword that there is not.
            ValueError: Text that names no head, or a position that is none.
        """
        refuse_unknown(
            "Selection", {n: v for n, v in kwargs.items() if n not in NAMES}, list(NAMES)
        )
        if at is not None:
            parsed = Head.parse(at)
            kwargs = {"layer": parsed.layer, "head": parsed.index, **kwargs}
        # Of each view that shows it: layers, heads, tokens.
        self._limits: weakref.WeakKeyDictionary[object, tuple[int, int, int]]
        self._limits = weakref.WeakKeyDictionary()
        super().__init__(**kwargs)

    def limit(self, view: object, n_layers: int, n_heads: int, n_tokens: int) -> None:
        """What a view can show from now on. A position its text does not have is moved."""
        self._limits.pop(view, None)
        with self.hold_trait_notifications():
            self.layer = min(self.layer, n_layers - 1)
            self.head = min(self.head, n_heads - 1)
            longest = max([n_tokens, *(tokens for _, _, tokens in self._limits.values())])
            if self.query is not None and self.query >= longest:
                self.query = max(0, longest - 1)
            if self.key is not None and self.key >= longest:
                self.key = None
        self._limits[view] = (n_layers, n_heads, n_tokens)

    def forget(self, view: object) -> None:
        """A view is closed: it limits nothing any more."""
        self._limits.pop(view, None)

    def set(self, head: Any = None, *, query: Any = ..., key: Any = ..., edge: Any = ...) -> None:
        """Select, in one step, any of: a head ("5.1", (5, 1), `Head`), a query, a key, an edge.

        Raises:
            ValueError: Not in the model or not in the text; nothing has changed then.
        """
        change: dict[str, Any] = {}
        limits = self._least()
        if head is not None:
            parsed = Head.parse(head, limits.get("layer"), limits.get("head"))
            change = {"layer": parsed.layer, "head": parsed.index}
        if query is not ...:
            change["query"] = query
        if key is not ...:
            change["key"] = key
        if edge is not ...:
            change["edge"] = edge and _ends(edge, limits.get("layer"), limits.get("head"))
        change = {name: self._checked(name, value) for name, value in change.items()}
        with self.hold_trait_notifications():
            for name, value in change.items():
                setattr(self, name, value)

    def _least(self) -> dict[str, int]:
        """How many layers and heads every view has, and how many positions the longest text."""
        if not self._limits:
            return {}
        layers, heads, tokens = zip(*self._limits.values(), strict=True)
        longest = max(tokens)
        return {"layer": min(layers), "head": min(heads), "query": longest, "key": longest}

    def _checked(self, name: str, value: Any) -> Any:
        if name == "edge" or (value is None and name in ("query", "key")):
            return value
        limit = self._least().get(name)
        if limit == 0:
            raise ValueError(f"{name} {value} cannot be selected: there is no text here")
        if limit is None:
            return arguments.whole(name, value)
        return arguments.place(name, value, limit)

    @traitlets.validate("layer", "head", "query", "key")
    def _in_range(self, proposal: Any) -> int | None:
        return self._checked(proposal["trait"].name, proposal["value"])

    @traitlets.validate("edge")
    def _edge_of_heads(self, proposal: Any) -> Any:
        limits, edge = self._least(), proposal["value"]
        return None if edge is None else _ends(edge, limits.get("layer"), limits.get("head"))

    @property
    def as_head(self) -> Head:
        """The selected head."""
        return Head(self.layer, self.head)

    def __repr__(self) -> str:
        positions = [
            f"{name}={value}"
            for name, value in (("query", self.query), ("key", self.key))
            if value is not None
        ]
        return f"<Selection {', '.join([f'head {self.as_head}', *positions])}>"


def _ends(edge: Any, n_layers: int | None, n_heads: int | None) -> tuple[tuple[int, int], ...]:
    """Two heads as (layer, head) each."""
    if isinstance(edge, str) or len(edge) != 2:
        raise ValueError(f"edge is {edge!r}; accepted are two heads, or None")
    heads = [Head.parse(end, n_layers, n_heads) for end in edge]
    return tuple((head.layer, head.index) for head in heads)
