"""Which heads and positions an intervention is of: read and checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from circuit_widgets.heads import Head

HeadLike = Head | str | Sequence[int]
Positions = int | Iterable[int] | slice | None


def several(value: Any, single: tuple[type, ...] = ()) -> list[Any]:
    """One thing or several, as a list; a pair of numbers is one head.

    >>> several("5.1"), several((5, 1)), several(["5.1", (0, 2)])
    (['5.1'], [(5, 1)], ['5.1', (0, 2)])
    """
    if isinstance(value, (Head, str, *single)):
        return [value]
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(i, int) for i in value):
        return [value]
    try:
        return list(value)
    except TypeError:
        raise TypeError(f'{value!r} is no head; accepted is "5.1", or several such') from None


def by_layer(heads: HeadLike | Iterable[HeadLike]) -> dict[int, list[int] | None]:
    """The heads of each layer.

    >>> by_layer(["5.1", "0.2", "5.0"])
    {0: [2], 5: [0, 1]}
    """
    chosen: dict[int, list[int] | None] = {}
    for head in sorted({Head.parse(item) for item in several(heads)}):
        of_layer = chosen.setdefault(head.layer, [])
        assert of_layer is not None
        of_layer.append(head.index)
    return chosen


def check_heads(heads: Collection[int], layer: int, n_heads: int) -> list[int]:
    """The heads of a layer that has `n_heads`; one that is not there raises ValueError.

    >>> check_heads([0, 3], layer=1, n_heads=4)
    [0, 3]
    """
    return [Head.parse((layer, head), None, n_heads).index for head in heads]


def indices(positions: Positions, n: int, name: str, device: torch.device) -> Tensor:
    """Positions as a tensor of indices; one that is not there raises ValueError.

    >>> indices(slice(-2, None), 5, "query", torch.device("cpu"))
    tensor([3, 4])
    """
    if positions is None:
        chosen = list(range(n))
    elif isinstance(positions, slice):
        chosen = list(range(n))[positions]
    elif isinstance(positions, int):
        chosen = [positions]
    else:
        chosen = [int(position) for position in positions]
    for position in chosen:
        if not 0 <= position < n:
            raise ValueError(f"there is no {name} {position}; accepted are 0 to {n - 1}")
    return torch.tensor(chosen, dtype=torch.long, device=device)
