"""A tokenizer of whole words and digits, for tasks that are written in words."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets.prompts.tasks import docstring, greater_than, ioi
from tests.prompts.test_tokens import bridge, saved

WORDS = (
    *(f" {name}" for name in ioi.NAMES),
    *ioi.OPENERS,
    *(*ioi.GOING, *ioi.PLACES, *ioi.GIVING, *ioi.OBJECTS, *greater_than.NOUNS),
    *(*docstring.WORDS, *docstring.DESCRIPTIONS, *map(str.strip, docstring.DESCRIPTIONS)),
    *(" and", " to", " the", " a", " they", " lasted", " from", " year", "year", "The", "the"),
    *("def", "(self", "):", ",", ":", '"""', '\n    """', "\n\n    :param", "\n    :param"),
)


def reading(folder: Path, digits: int = 2, words: tuple[str, ...] = WORDS) -> TransformerBridge:
    """A tiny model whose tokens are these words and numbers of so many digits, with a space or not.

    It has a BOS, and an unknown token for all else.
    """
    numbers = [
        before + "".join(number)
        for n in range(1, digits + 1)
        for number in itertools.product("0123456789", repeat=n)
        for before in ("", " ")
    ]
    tokens = [*dict.fromkeys(["<unk>", "<s>", *words, *numbers])]
    core = Tokenizer(models.WordLevel({token: at for at, token in enumerate(tokens)}, "<unk>"))
    marks = "|".join(re.escape(mark) for mark in sorted(WORDS[-7:], key=len, reverse=True))
    pattern = Regex(rf"{marks}|\(self| ?[A-Za-z]+| ?[0-9]{{1,{digits}}}|[^A-Za-z0-9]")
    core.pre_tokenizer = pre_tokenizers.Split(pattern, "isolated")
    special = {"bos_token": "<s>", "eos_token": "<s>", "unk_token": "<unk>", "pad_token": "<s>"}
    tokenizer: Any = saved(core, folder, **special)
    return bridge(tokenizer, len(tokens), max_position_embeddings=64)
