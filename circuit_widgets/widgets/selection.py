"""What is selected: one object that views share, and that Python reads and sets."""

from __future__ import annotations

import weakref
from typing import Any

import traitlets

from circuit_widgets.heads import Head


class Selection(traitlets.HasTraits):
    """The selected head, query and key.

    Give one to several views and they follow each other; its traits work with `ipywidgets.link`.
    `query` and `key` are positions in the text, or None.
    """

    layer = traitlets.Int(0)
    head = traitlets.Int(0)
    query = traitlets.Int(None, allow_none=True)
    key = traitlets.Int(None, allow_none=True)

    def __init__(self, **kwargs: Any) -> None:
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
            if self.query is not None and self.query >= n_tokens:
                self.query = max(0, n_tokens - 1)
            if self.key is not None and self.key >= n_tokens:
                self.key = None
        self._limits[view] = (n_layers, n_heads, n_tokens)

    def forget(self, view: object) -> None:
        """A view is closed: it limits nothing any more."""
        self._limits.pop(view, None)

    def set(self, head: Any = None, *, query: Any = ..., key: Any = ...) -> None:
        """Select, in one step, any of: a head ("5.1", (5, 1), `Head`), a query, a key.

        Raises:
            ValueError: Not in the model or not in the text; nothing has changed then.
        """
        change: dict[str, int | None] = {}
        if head is not None:
            limits = self._least()
            parsed = Head.parse(head, limits.get("layer"), limits.get("head"))
            change = {"layer": parsed.layer, "head": parsed.index}
        if query is not ...:
            change["query"] = query
        if key is not ...:
            change["key"] = key
        for name, value in change.items():
            self._check(name, value)
        with self.hold_trait_notifications():
            for name, value in change.items():
                setattr(self, name, value)

    def _least(self) -> dict[str, int]:
        """How many layers, heads and positions every view has."""
        if not self._limits:
            return {}
        layers, heads, tokens = (min(of) for of in zip(*self._limits.values(), strict=True))
        return {"layer": layers, "head": heads, "query": tokens, "key": tokens}

    def _check(self, name: str, value: object) -> None:
        if value is None and name in ("query", "key"):
            return
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}: accepted is a whole number from 0")
        limit = self._least().get(name)
        if limit == 0:
            raise ValueError(f"{name} {value} cannot be selected: there is no text here")
        if value < 0 or (limit is not None and value >= limit):
            accepted = "from 0" if limit is None else f"0 to {limit - 1}"
            raise ValueError(f"{name} {value} is out of range: accepted is {accepted}")

    @traitlets.validate("layer", "head", "query", "key")
    def _in_range(self, proposal: Any) -> int | None:
        self._check(proposal["trait"].name, proposal["value"])
        return proposal["value"]

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
