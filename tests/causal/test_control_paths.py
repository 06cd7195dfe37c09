"""Control paths: as long as the one in question, different, and free of its heads."""

from __future__ import annotations

from circuit_widgets.causal.control_paths import MOST, control_paths
from circuit_widgets.heads import Head

A, B = Head(1, 2), Head(3, 1)


def test_they_span_as_many_layers_and_leave_both_heads_out() -> None:
    paths = control_paths(A, B, (6, 4), seed=0)
    assert len(paths) == len(set(paths)) == MOST
    assert all(receiver.layer - sender.layer == 2 for sender, receiver in paths)
    assert not {A, B} & {head for path in paths for head in path}
    # 9 such paths are between the same layers.
    assert {sender.layer for sender, _ in paths} == {1}


def test_the_nearest_layers_come_first() -> None:
    paths = control_paths(Head(2, 0), Head(3, 0), (6, 2), seed=0)
    far = [abs(sender.layer - 2) for sender, _ in paths]
    assert far == sorted(far) and far[0] == 0 and far[-1] > 0


def test_a_path_draws_its_own() -> None:
    assert control_paths(A, B, (6, 9), 0) == control_paths(A, B, (6, 9), 0)
    assert control_paths(A, B, (6, 9), 0) != control_paths(A, B, (6, 9), 1)
    assert control_paths(A, B, (6, 9), 0) != control_paths(A, Head(3, 2), (6, 9), 0)


def test_a_small_model_has_few_or_none() -> None:
    assert len(control_paths(Head(0, 0), Head(1, 0), (2, 2), 0)) == 1
    assert control_paths(Head(0, 0), Head(1, 0), (2, 1), 0) == []
