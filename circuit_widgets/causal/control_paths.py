"""Other paths that a path is compared with."""

from __future__ import annotations

import random

from circuit_widgets.heads import Head

# An interval for one more path takes some; more say little more.
LEAST, MOST = 4, 8


def control_paths(
    sender: Head, receiver: Head, shape: tuple[int, int], seed: int
) -> list[tuple[Head, Head]]:
    """Up to `MOST` paths over as many layers, different ones, without the two heads.

    Those between the nearest layers first. They are drawn by the path's own heads, so that what a
    path is compared with does not depend on which other paths are in question.

    Args:
        sender: A head of an earlier layer than the receiver's.
        receiver: Who hears it.
        shape: Layers, and heads of a layer.
        seed: Of the choice among paths that are equally near.

    >>> [f"{a} -> {b}" for a, b in control_paths(Head(0, 0), Head(1, 1), (2, 2), seed=0)]
    ['0.1 -> 1.0']
    """
    n_layers, n_heads = shape
    apart = receiver.layer - sender.layer
    found = []
    for layer in range(n_layers - apart):
        found += [
            (Head(layer, one), Head(layer + apart, other))
            for one in range(n_heads)
            for other in range(n_heads)
        ]
    taken = {sender, receiver}
    free = [path for path in found if not taken & set(path)]
    # Text, because it seeds the same everywhere.
    generator = random.Random(f"{seed} {sender} {receiver}")
    generator.shuffle(free)
    return sorted(free, key=lambda path: abs(path[0].layer - sender.layer))[:MOST]
