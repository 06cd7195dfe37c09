"""One attention head of a model, by layer and index."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

V = TypeVar("V")
_WRITTEN = re.compile(r"\s*(?:[Ll](\d+)\s*[Hh](\d+)|(\d+)\s*[.,]\s*(\d+))\s*")


@dataclass(frozen=True, order=True)
class Head:
    """A head; heads sort by layer, then by index. Both count from 0.

    >>> Head.parse("5.1") == Head(5, 1), str(Head(5, 1))
    (True, '5.1')
    """

    layer: int
    index: int

    def __str__(self) -> str:
        return f"{self.layer}.{self.index}"

    @classmethod
    def parse(
        cls,
        value: Head | str | Sequence[int],
        n_layers: int | None = None,
        n_heads: int | None = None,
    ) -> Head:
        """A head as people write it: "5.1", "5,1", "L5H1", "l5h1", (5, 1), [5, 1] or a `Head`.

        Args:
            value: What was written.
            n_layers: How many layers there are; None does not ask.
            n_heads: How many heads a layer has; None does not ask.

        Raises:
            TypeError: Neither text nor a pair.
            ValueError: Text that names no head, or a head that is not there.
        """
        layer, index = _pair(value)
        if layer < 0 or index < 0:
            raise ValueError(f"head {value!r} is negative; accepted are {_limits(None, None)}")
        if (n_layers is not None and layer >= n_layers) or (
            n_heads is not None and index >= n_heads
        ):
            raise ValueError(
                f"there is no head {layer}.{index}; accepted are {_limits(n_layers, n_heads)}"
            )
        return cls(layer, index)


def parse_heads(value: Any, n_layers: int, n_heads: int) -> list[Head]:
    """One head or several, each once and in the order given; None is all heads of the model.

    Raises:
        TypeError, ValueError: As `Head.parse`; no head at all.

    >>> parse_heads("5.1", 6, 2), len(parse_heads(None, 6, 2)), parse_heads(["0.1", (0, 1)], 6, 2)
    ([Head(layer=5, index=1)], 12, [Head(layer=0, index=1)])
    """
    if value is None:
        return [Head(layer, index) for layer in range(n_layers) for index in range(n_heads)]
    try:
        return [Head.parse(value, n_layers, n_heads)]
    except TypeError:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise
    given = [Head.parse(one, n_layers, n_heads) for one in value]
    if not given:
        raise ValueError("there are no heads; give at least one, or None for all")
    return list(dict.fromkeys(given))


class PerHead(dict[Head, V]):
    """One value for each head; a head may be written as everywhere: "5.1", "L5H1", (5, 1), Head.

    >>> labels = PerHead({Head(5, 1): "induction"})
    >>> labels["5.1"], labels[5, 1], "L5H1" in labels, labels.get("0.0")
    ('induction', 'induction', True, None)
    """

    def __missing__(self, key: Any) -> V:
        head = Head.parse(key)
        if head == key or not super().__contains__(head):
            raise KeyError(f"there is no head {head} here")
        return self[head]

    def __contains__(self, key: object) -> bool:
        try:
            return super().__contains__(Head.parse(key))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return False

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a head, or `default`."""
        return self[key] if key in self else default  # noqa: SIM401 (keys are parsed)


def _pair(value: Any) -> tuple[int, int]:
    if isinstance(value, Head):
        return value.layer, value.index
    if isinstance(value, str):
        match = _WRITTEN.fullmatch(value)
        if match is None:
            raise ValueError(
                f'{value!r} is not a head; accepted is "layer.head" as in "5.1", or "L5H1"'
            )
        layer, index = (int(digits) for digits in match.groups() if digits is not None)
        return layer, index
    try:
        layer, index = value
        if not isinstance(layer, bool) and not isinstance(index, bool):
            # numpy's and torch's integers too, but no 5.7.
            return operator.index(layer), operator.index(index)
    except (TypeError, ValueError):
        pass
    raise TypeError(
        f'a head cannot be {value!r}; accepted are "5.1", "L5H1", (5, 1) and Head(5, 1)'
    )


def _limits(n_layers: int | None, n_heads: int | None) -> str:
    parts = [
        f"{name} from 0" if n is None else f"{name} 0 to {n - 1}"
        for name, n in (("layers", n_layers), ("heads", n_heads))
    ]
    return ", ".join(parts)
