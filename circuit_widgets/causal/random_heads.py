"""Heads and paths drawn at random: what an effect is compared with."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Collection, Sequence

import torch

from circuit_widgets.heads import Head

# Random senders, and as many random receivers, that a path is compared with.
_NULLS = 4


def others(
    shape: tuple[int, int], taken: Collection[Head], n: int, seed: int, before: int | None = None
) -> list[Head]:
    """Up to `n` random heads that are not `taken`, of the layers before `before`.

    >>> others((2, 2), [Head(0, 0)], 2, seed=0, before=1)
    [Head(layer=0, index=1)]
    """
    layers = shape[0] if before is None else before
    free = [Head(layer, head) for layer in range(layers) for head in range(shape[1])]
    free = [head for head in free if head not in set(taken)]
    order = torch.randperm(len(free), generator=torch.Generator().manual_seed(seed)).tolist()
    return [free[at] for at in order[:n]]


def matched_sets(
    shape: tuple[int, int],
    heads: Collection[Head],
    n: int,
    seed: int,
    taken: Collection[Head] = (),
) -> list[tuple[Head, ...]]:
    """Up to `n` random sets with as many heads in each layer as `heads`, and none of these.

    taken: other heads that are in question too, and in no set. All sets are different; where a
    layer has not enough other heads there is none.

    >>> sorted(matched_sets((1, 3), [Head(0, 0)], 8, seed=0))
    [(Head(layer=0, index=1),), (Head(layer=0, index=2),)]
    >>> matched_sets((1, 1), [Head(0, 0)], 8, seed=0)
    []
    """
    wanted = Counter(head.layer for head in set(heads))
    out = {*heads, *taken}
    choices = {
        layer: [Head(layer, at) for at in range(shape[1]) if Head(layer, at) not in out]
        for layer in sorted(wanted)
    }
    there_are = math.prod(math.comb(len(choices[layer]), wanted[layer]) for layer in choices)
    generator = random.Random(seed)
    if there_are <= 4 * n:
        each = [itertools.combinations(choices[layer], wanted[layer]) for layer in choices]
        every = [tuple(itertools.chain(*parts)) for parts in itertools.product(*each)]
        return generator.sample(every, min(n, len(every)))
    found: dict[tuple[Head, ...], None] = {}
    while len(found) < n:
        parts = (sorted(generator.sample(choices[at], wanted[at])) for at in choices)
        found.setdefault(tuple(itertools.chain(*parts)))
    return list(found)


def random_paths(
    sender: Head, receiver: Head, n_heads: int, known: Collection[frozenset[Head]], seed: int
) -> list[tuple[Head, Head]]:
    """Paths from the sender to other heads of the receiver's layer, and from others to it.

    known: pairs that may be real paths; they are left out, unless too few others are there.

    >>> [f"{a} -> {b}" for a, b in random_paths(Head(0, 0), Head(1, 1), 2, [], seed=0)]
    ['0.0 -> 1.0', '0.1 -> 1.1']
    """
    receivers, senders = _neighbours(receiver, n_heads), _neighbours(sender, n_heads)
    free_receivers = [head for head in receivers if frozenset((sender, head)) not in known]
    free_senders = [head for head in senders if frozenset((receiver, head)) not in known]
    # An interval takes two.
    if len(free_receivers) + len(free_senders) >= 2:
        receivers, senders = free_receivers, free_senders
    generator = torch.Generator().manual_seed(seed)
    chosen = [_some(heads, n_heads, generator) for heads in (receivers, senders)]
    return [(sender, head) for head in chosen[0]] + [(head, receiver) for head in chosen[1]]


def _neighbours(head: Head, n_heads: int) -> list[Head]:
    """The other heads of its layer."""
    return [Head(head.layer, index) for index in range(n_heads) if index != head.index]


def _some(heads: Sequence[Head], n_heads: int, generator: torch.Generator) -> list[Head]:
    """Up to `_NULLS` of them; each layer's draw takes as many random numbers, whoever is left."""
    order = torch.randperm(n_heads, generator=generator).tolist()
    return [head for _, head in sorted(zip(order, heads, strict=False))][:_NULLS]
