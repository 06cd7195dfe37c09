"""Heads and sets of heads drawn at random: what an effect is compared with."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Collection

import torch

from circuit_widgets.heads import Head


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
    *,
    shared: bool = False,
) -> list[tuple[Head, ...]]:
    """Up to `n` random sets with as many heads in each layer as `heads`, and none of these.

    taken: other heads that are in question too, and in no set. All sets are different; where a
    layer has not enough other heads there is none.
    shared: What is in question is the choice of `heads`, and not what they do: any choice of as
    many is as good, so sets may have some of them, but not all.

    >>> sorted(matched_sets((1, 3), [Head(0, 0)], 8, seed=0))
    [(Head(layer=0, index=1),), (Head(layer=0, index=2),)]
    >>> matched_sets((1, 1), [Head(0, 0)], 8, seed=0)
    []
    >>> sorted(matched_sets((1, 3), [Head(0, 0), Head(0, 1)], 8, seed=0, shared=True))[0]
    (Head(layer=0, index=0), Head(layer=0, index=2))
    """
    wanted = Counter(head.layer for head in set(heads))
    out = {*taken} if shared else {*heads, *taken}
    choices = {
        layer: [Head(layer, at) for at in range(shape[1]) if Head(layer, at) not in out]
        for layer in sorted(wanted)
    }
    there_are = math.prod(math.comb(len(choices[layer]), wanted[layer]) for layer in choices)
    generator, chosen = random.Random(seed), tuple(sorted(set(heads)))
    if there_are <= 4 * n:
        each = [itertools.combinations(choices[layer], wanted[layer]) for layer in choices]
        every = [tuple(itertools.chain(*parts)) for parts in itertools.product(*each)]
        every = [one for one in every if one != chosen]
        return generator.sample(every, min(n, len(every)))
    found: dict[tuple[Head, ...], None] = {}
    while len(found) < n:
        parts = (sorted(generator.sample(choices[at], wanted[at])) for at in choices)
        one = tuple(itertools.chain(*parts))
        if one != chosen:
            found.setdefault(one)
    return list(found)
