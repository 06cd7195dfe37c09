"""What is read: frozen, checked at once, its target resolved in one place."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from circuit_widgets.prompts.readout import readout
from tests import tiny


def test_the_target_is_the_one_asked_for_then_what_follows_then_the_likeliest() -> None:
    model, logits = tiny.make("native"), torch.tensor([0.0, 9.0, 1.0])
    ids = [5, 6, 7, 8]
    assert readout(model, ids, 1, 3).target(logits) == 3
    assert readout(model, ids, 1).target(logits) == 7
    assert readout(model, ids).given is None and readout(model, ids).target(logits) == 1


def test_it_is_frozen_and_a_continued_text_is_another_readout() -> None:
    model = tiny.make("native")
    before = readout(model, [5, 6, 7], generate=2)
    assert (before.position, before.given, before.n_prompt) == (3, None, 3)
    after = before.continued(torch.tensor([5, 6, 7, 1, 2]))
    assert (after.position, after.given, after.read.tolist()) == (3, 2, [5, 6, 7, 1])
    assert before.ids.tolist() == [5, 6, 7]
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.given = 4  # type: ignore[misc]


@pytest.mark.smollm2
def test_a_target_whose_space_is_forgotten_is_told_of(smollm2, recwarn) -> None:
    text = "When Mary and John went to the shop, John gave a bag to"
    with pytest.warns(UserWarning, match="'Mary' is another token than ' Mary', which the text"):
        at = readout(smollm2, text, target="Mary")
    assert at.given != readout(smollm2, text, target=" Mary").given
    recwarn.clear()
    readout(smollm2, text, target=" Mary")
    readout(smollm2, "Mary had a lamb, and", target="Mary")
    assert not [w for w in recwarn if "another token" in str(w.message)]
