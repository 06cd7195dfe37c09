"""Each prompt has its own position, target and corrupt counterpart."""

from __future__ import annotations

import pytest

from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.each import corrupt_of, places_of, targets_of
from circuit_widgets.prompts.targets import Target
from tests import tiny


def test_one_for_all_or_one_for_each() -> None:
    model = tiny.make("native")
    prompts = Prompts(model, [[5, 6, 7, 8], [1, 2, 3]])
    assert places_of(prompts, -1) == [3, 2] and places_of(prompts, [1, -2]) == [1, 1]
    assert targets_of(model, prompts, (3, 4)) == [Target(3, 4)] * 2
    each = targets_of(model, prompts, [3, 4])
    assert each == [Target(3), Target(4)] == targets_of(model, prompts, each)
    for positions, said in (
        ([1], "1 positions and 2 prompts"),
        ([1, 3], "prompt 1: position is 3"),
    ):
        with pytest.raises(ValueError, match=said):
            places_of(prompts, positions)
    with pytest.raises(ValueError, match="some targets are pairs and some are not"):
        targets_of(model, prompts, [3, (4, 5)])


def test_a_corrupt_prompt_is_as_long_as_its_clean_one() -> None:
    model = tiny.make("native")
    prompts = Prompts(model, [[5, 6, 7, 8], [1, 2, 3]])
    assert corrupt_of(model, prompts, [[5, 5, 5, 5], [1, 1, 1]]).ids == ((5, 5, 5, 5), (1, 1, 1))
    with pytest.raises(ValueError, match="prompt 1 has 3 tokens and its corrupt one 4"):
        corrupt_of(model, prompts, [[5, 5, 5, 5], [1, 1, 1, 1]])
