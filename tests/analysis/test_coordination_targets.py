"""Heads are compared on what the user asks for: a pair of targets is their logit difference."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw


def test_a_pair_of_targets_is_what_the_heads_are_compared_on() -> None:
    model = cw.load_model()
    words = model.words[:16]
    texts = [" ".join([*words[at : at + 6], *words[at : at + 3]]) for at in range(8)]
    asked = [(words[at + 3], words[at]) for at in range(8)]
    ids = {
        text: [int(model.to_tokens(word)[0, -1]) for word in pair]
        for text, pair in zip(texts, asked, strict=True)
    }
    by_first = {int(model.to_tokens(text)[0, 1]): pair for text, pair in ids.items()}

    def difference(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        pairs = torch.tensor([by_first[int(row[1])] for row in tokens])
        rows = torch.arange(len(logits))
        return logits[rows, -1, pairs[:, 0]] - logits[rows, -1, pairs[:, 1]]

    quick = {"n_permutations": 100, "pairs": 1, "batch": 3, "progress": False}
    found = cw.analyze_head_coordination(model, texts, target=asked, **quick)
    same = cw.analyze_head_coordination(model, texts, metric=difference, **quick)
    assert torch.allclose(found.value, same.value, atol=1e-5, equal_nan=True)
    made = found.provenance.parameters
    assert made["position"] == (9,) * 8 and "logit difference" in made["metric"]
    assert same.provenance.parameters["metric"] == "difference"
    # Each prompt counts once, with what is asked of it.
    twice = cw.analyze_head_coordination(model, texts * 2, target=asked * 2, **quick)
    assert torch.allclose(found.value, twice.value, atol=1e-5, equal_nan=True)


def test_two_things_cannot_be_measured_at_once() -> None:
    model = cw.load_model()
    with pytest.raises(ValueError, match="pass one of them"):
        cw.analyze_head_coordination(
            model, "blue dog blue dog", target="dog", metric=lambda logits, ids: logits[:, -1, 3]
        )
