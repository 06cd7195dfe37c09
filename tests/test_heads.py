"""How people write a head."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets.heads import Head


@pytest.mark.parametrize(
    "written", ["5.1", "5,1", " 5 . 1 ", "L5H1", "l5h1", "L5 H1", (5, 1), [5, 1], Head(5, 1)]
)
def test_every_way_to_write_a_head(written) -> None:
    assert Head.parse(written, 30, 9) == Head(5, 1)
    assert str(Head.parse(written)) == "5.1"
    assert Head.parse(str(Head.parse(written))) == Head(5, 1)


def test_integers_of_torch_are_integers() -> None:
    at = torch.tensor([5, 1])
    head = Head.parse((at[0], at[1]))  # type: ignore[arg-type]
    assert head == Head(5, 1) and type(head.layer) is int


def test_heads_sort_and_hash() -> None:
    assert sorted([Head(2, 0), Head(0, 10), Head(0, 9)]) == [Head(0, 9), Head(0, 10), Head(2, 0)]
    assert len({Head(1, 2), Head.parse("1.2")}) == 1


@pytest.mark.parametrize("written", ["", "5", "5.1.2", "-5.1", "five", "H1L5", "5.1x", "٥"])
def test_text_that_is_no_head(written: str) -> None:
    with pytest.raises(ValueError, match=r'accepted is "layer\.head" as in "5\.1"'):
        Head.parse(written)


@pytest.mark.parametrize(
    "written", [5, 5.1, None, (5,), (5, 1, 2), (5.0, 1), (True, 1), ("5", "1")]
)
def test_what_is_no_head(written) -> None:
    with pytest.raises(TypeError, match="a head cannot be"):
        Head.parse(written)


def test_heads_that_are_not_there() -> None:
    with pytest.raises(
        ValueError, match=r"no head 30\.1; accepted are layers 0 to 29, heads 0 to 8"
    ):
        Head.parse("30.1", 30, 9)
    with pytest.raises(
        ValueError, match=r"no head 5\.9; accepted are layers 0 to 29, heads 0 to 8"
    ):
        Head.parse((5, 9), 30, 9)
    with pytest.raises(ValueError, match="negative; accepted are layers from 0"):
        Head.parse((-1, 0), 30, 9)
