"""Many ways to change a run, and in which passes they are tried."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from circuit_widgets import capture


@dataclasses.dataclass(frozen=True, eq=False)
class Variants:
    """n ways to change a layer, and the edits that some of them are, row after row."""

    layer: int
    n: int
    edits: Callable[[Sequence[int]], list[capture.Intervention]]


def grouped(
    variants: Sequence[Variants], most: int
) -> Iterator[list[tuple[Variants, Sequence[int]]]]:
    """Variants in groups of so many: [(variants of a layer, which of them)].

    >>> ways = [Variants(layer, 2, lambda _: []) for layer in (0, 1)]
    >>> [[(each.layer, some) for each, some in group] for group in grouped(ways, 3)]
    [[(0, range(0, 2)), (1, range(0, 1))], [(1, range(1, 2))]]
    """
    group, left = [], most
    for each in variants:
        start = 0
        while start < each.n:
            some = range(start, min(start + left, each.n))
            group.append((each, some))
            start, left = some.stop, left - len(some)
            if not left:
                yield group
                group, left = [], most
    if group:
        yield group
