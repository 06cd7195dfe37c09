"""A word that the model does not know is said to be unknown, wherever it is read."""

from __future__ import annotations

import warnings

import pytest

import circuit_widgets as cw
from circuit_widgets.prompts.tokens import tokenize
from circuit_widgets.prompts.unknown_words import about_unknown_words, unknown_words
from tests import tiny
from tests.prompts.test_tokens import byte_level


@pytest.fixture(scope="module")
def toy():
    return cw.load_model()


def test_unknown_words_and_the_closest(toy) -> None:
    assert unknown_words(toy, "Blue dogz \u84dd seven \u84dd") == {"dogz": ["dog"], "\u84dd": []}
    assert unknown_words(toy, "blue dog") == {} and unknown_words(toy, "blue <unk>") == {}


def test_one_is_warned_and_told_where_the_words_are(toy) -> None:
    with pytest.warns(
        UserWarning, match=r"does not know \u201cdogz\u201d \(closest: dog\).*model\.words"
    ):
        tokenize(toy, "blue dogz")
    with pytest.warns(UserWarning, match="and 3 more words; it reads them as <unk>"):
        cw.compute_self_influence(toy, "q w e r t y u i blue dog", draws=2, progress=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tokenize(toy, "blue dog"), tokenize(toy, [3, 1, 4]), tokenize(toy, "dogz", warn=False)


def test_the_toy_lists_its_words(toy) -> None:
    assert "dog" in toy.words and len(toy.words) == 253
    assert all(about_unknown_words(toy, word) is None for word in toy.words)


def test_the_explorer_says_so_where_it_is_typed(toy) -> None:
    with pytest.warns(UserWarning, match="dogz"):
        explorer = cw.explore(toy, "blue dogz seven", probe=False)
    assert (
        explorer.status["state"] == "partial" and "\u201cdogz\u201d" in explorer.status["message"]
    )
    explorer.run("blue dog seven")
    assert explorer.status["state"] == "idle"
    explorer.close()


def test_bytes_know_every_word(tmp_path) -> None:
    model = tiny.make("gpt2")
    assert unknown_words(model, "anything") == {}
    model.tokenizer = byte_level(tmp_path)
    assert unknown_words(model, "dogz \u84dd") == {}
