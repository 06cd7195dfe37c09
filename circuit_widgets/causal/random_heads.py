"""Heads and paths drawn at random: what an effect is compared with."""

from __future__ import annotations

from collections.abc import Collection

import torch

from circuit_widgets.heads import Head

# Random senders, and as many random receivers, that a path is compared with.
_NULLS = 4


def others(
    shape: tuple[int, int], taken: Collection[Head], n: int, seed: int, before: int | None = None
) -> list[Head]:
    """Up to `n` random heads that are not `taken`, of the layers before `before`."""
    layers = shape[0] if before is None else before
    free = [Head(layer, head) for layer in range(layers) for head in range(shape[1])]
    free = [head for head in free if head not in set(taken)]
    order = torch.randperm(len(free), generator=torch.Generator().manual_seed(seed)).tolist()
    return [free[at] for at in order[:n]]


def _random_paths(
    sender: Head, receiver: Head, n_heads: int, together: set[frozenset[Head]], seed: int
) -> list[tuple[Head, Head]]:
    """From the sender to other heads of the receiver's layer, and from others of its own to it.

    Not those that are in question themselves, unless too few are left.
    """
    generator = torch.Generator().manual_seed(seed)
    sides = []
    for fixed, moved in ((sender, receiver), (receiver, sender)):
        others = [Head(moved.layer, index) for index in range(n_heads) if index != moved.index]
        free = [head for head in others if frozenset((fixed, head)) not in together]
        order = torch.randperm(n_heads, generator=generator).tolist()
        sides.append((others, free, order))
    if sum(len(free) for _, free, _ in sides) < 2:
        sides = [(others, others, order) for others, _, order in sides]
    (_, receivers, first), (_, senders, second) = sides
    receivers = [head for _, head in sorted(zip(first, receivers, strict=False))][:_NULLS]
    senders = [head for _, head in sorted(zip(second, senders, strict=False))][:_NULLS]
    return [(sender, head) for head in receivers] + [(head, receiver) for head in senders]
