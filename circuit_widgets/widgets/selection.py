"""What is selected: one object that views share, and that Python reads and sets."""

from __future__ import annotations

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
        self._limits: tuple[int, int, int] | None = None
        super().__init__(**kwargs)

    def limit(self, n_layers: int, n_heads: int, n_tokens: int) -> None:
        """What can be selected from now on; a position the text no longer has is dropped."""
        self._limits = None
        with self.hold_trait_notifications():
            self.layer = min(self.layer, n_layers - 1)
            self.head = min(self.head, n_heads - 1)
            if self.query is not None and self.query >= n_tokens:
                self.query = n_tokens - 1
            if self.key is not None and self.key >= n_tokens:
                self.key = None
        self._limits = (n_layers, n_heads, n_tokens)

    def set(self, head: Any = None, *, query: Any = ..., key: Any = ...) -> None:
        """Select, in one step, any of: a head ("5.1", (5, 1), `Head`), a query, a key."""
        with self.hold_trait_notifications():
            if head is not None:
                limits = self._limits or (None, None, None)
                parsed = Head.parse(head, limits[0], limits[1])
                self.layer, self.head = parsed.layer, parsed.index
            if query is not ...:
                self.query = query
            if key is not ...:
                self.key = key

    @traitlets.validate("layer", "head", "query", "key")
    def _in_range(self, proposal: Any) -> int | None:
        name, value = proposal["trait"].name, proposal["value"]
        if value is None or self._limits is None:
            return value
        most = dict(zip(("layer", "head", "query"), self._limits, strict=True))
        limit = most.get(name, self._limits[2])
        if not 0 <= value < limit:
            raise ValueError(f"{name} {value} is out of range: accepted are 0 to {limit - 1}")
        return value

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
