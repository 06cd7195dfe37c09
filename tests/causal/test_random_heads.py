"""Random heads and paths: whom they leave out, and when they cannot."""

from __future__ import annotations

from circuit_widgets.causal.random_heads import others, random_paths
from circuit_widgets.heads import Head

A, B = Head(0, 2), Head(3, 1)


def test_others_are_free_heads_of_earlier_layers() -> None:
    drawn = others((3, 4), [Head(0, 0), Head(1, 3)], 99, seed=4, before=2)
    assert len(set(drawn)) == 6 and all(head.layer < 2 for head in drawn)
    assert not {Head(0, 0), Head(1, 3)} & set(drawn)
    assert others((3, 4), [], 5, seed=4) == others((3, 4), [], 5, seed=4)
    assert others((3, 4), [], 5, seed=4) != others((3, 4), [], 5, seed=5)


def test_a_path_is_compared_with_its_own_ends() -> None:
    paths = random_paths(A, B, 8, [], seed=0)
    assert len(paths) == len(set(paths)) == 8
    assert [a for a, _ in paths[:4]] == [A] * 4 and [b for _, b in paths[4:]] == [B] * 4
    assert all(b.layer == 3 and b != B for _, b in paths[:4])
    assert all(a.layer == 0 and a != A for a, _ in paths[4:])


def test_known_pairs_are_left_out_while_two_others_are_there() -> None:
    known = [frozenset((A, Head(3, at))) for at in range(7) if at != 5]
    paths = random_paths(A, B, 8, known, seed=0)
    assert {b.index for a, b in paths if a == A} == {5, 7}
    # Two heads a layer, one path known: one is too few, so all are taken.
    paths = random_paths(Head(0, 0), Head(1, 0), 2, [frozenset((Head(0, 0), Head(1, 1)))], seed=0)
    assert paths == [(Head(0, 0), Head(1, 1)), (Head(0, 1), Head(1, 0))]
