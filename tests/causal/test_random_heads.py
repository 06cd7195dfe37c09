"""Random heads: whom they leave out."""

from __future__ import annotations

from circuit_widgets.causal.random_heads import others
from circuit_widgets.heads import Head


def test_others_are_free_heads_of_earlier_layers() -> None:
    drawn = others((3, 4), [Head(0, 0), Head(1, 3)], 99, seed=4, before=2)
    assert len(set(drawn)) == 6 and all(head.layer < 2 for head in drawn)
    assert not {Head(0, 0), Head(1, 3)} & set(drawn)
    assert others((3, 4), [], 5, seed=4) == others((3, 4), [], 5, seed=4)
    assert others((3, 4), [], 5, seed=4) != others((3, 4), [], 5, seed=5)
