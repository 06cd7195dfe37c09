"""What is found in models without training, and in one text: nothing that has a name."""

from __future__ import annotations

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.patterns.detect import detect_attention_patterns
from circuit_widgets.attention.random_attention import random_attention
from circuit_widgets.attention.shapes import PatternScores
from circuit_widgets.heads import Head
from circuit_widgets.statistics.intervals import highest_of
from tests import tiny

# Weights of the size that models begin with, and larger ones.
SMALL, LARGE = 0.1, 1.0


def untrained(name: str, size: float):
    if name == "toy":
        return cw.load_model("toy-induction", step=0)
    model = tiny.make(name)
    model.load_state_dict({name: tensor * size for name, tensor in model.state_dict().items()})
    return model


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("name", [*tiny.MAKERS, "toy"])
def test_no_head_of_an_untrained_model_has_a_class(name: str, size: float) -> None:
    texts = [tiny.ids(12, seed=seed)[0] % 40 + 1 for seed in range(4)]
    found = detect_attention_patterns(
        untrained(name, size), [ids.tolist() for ids in texts], length=12, progress=False
    )
    assert set(found.labels().values()) == {"other"}, found


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("name", ["bloom", "mpt", "falcon"])
def test_biases_by_distance_make_no_class(name: str, size: float) -> None:
    """ALiBi: of 16 heads the first gives four fifths of its attention to two tokens, untrained."""
    model = tiny.alibi(name, n_heads=16)
    for weight in model.parameters():
        weight.data *= size
    texts = [(tiny.ids(12, seed=seed)[0] % 40 + 1).tolist() for seed in range(4)]
    found = detect_attention_patterns(model, texts, length=12, progress=False)
    assert set(found.labels().values()) == {"other"}, found
    assert float(found.score("diagonal").value.amax()) > 0.69


def test_one_text_makes_heads_unsure_and_says_so() -> None:
    model = cw.load_model()
    texts = ["blue dog seven river", "two green dog sky"]
    one = detect_attention_patterns(model, texts[0], progress=False)
    assert one.labels()[Head(0, 1)] == "unsure" and one.labels()[Head(1, 2)] == "induction"
    assert one.holds("diagonal") == [] and "n = 1 prompt" in repr(one)
    assert repr(one).splitlines()[0].endswith("9 sequences (1 prompt and 8 of random tokens)")
    assert set(one.to_frame()["n"]) == {1, 8}
    two = detect_attention_patterns(model, texts, progress=False)
    assert two.labels()[Head(0, 1)] == "diagonal" and "n = 2 prompts" in repr(two)


def test_labels_are_the_same_in_any_order_and_batch() -> None:
    model = cw.load_model()
    texts = ["blue dog seven river", "two green dog sky", "the river seven", "blue sky two dog"]
    labels = [
        detect_attention_patterns(model, some, batch=batch, progress=False).labels()
        for some, batch in ((texts, 8), (texts[::-1], 8), (texts, 1))
    ]
    assert labels[0] == labels[1] == labels[2]


def test_the_bound_holds_for_the_highest_of_random_heads() -> None:
    """Of models of 36 random heads about one in twenty has a head above it."""
    n, n_heads = 16, 36
    known = scores(random_attention(n))
    bound = highest_of(known.T, n_heads, 0.95)
    generator = torch.Generator().manual_seed(5)
    above = torch.zeros(len(known))
    models = 400
    for _ in range(models):
        some = torch.randint(known.shape[1], (n_heads,), generator=generator)
        above += (known[:, some].amax(1) > bound).float()
    assert (above / models).max() < 0.12


def scores(pattern: torch.Tensor) -> torch.Tensor:
    """[score, head]."""
    reducer = PatternScores(torch.arange(pattern.shape[-1])[None], 1, pattern.shape[1])
    reducer.see(0, pattern)
    return reducer.values[:, 0, 0]
