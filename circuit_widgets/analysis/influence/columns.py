"""Several prompts in common columns: aligned at the output that is read."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class InfluencedPrompt:
    """One of several prompts that a `SelfInfluence` is a mean over.

    Attributes:
        tokens, ids: Its text, with what the model added.
        start: The column of its first token in the result, whose `position` is that of the output.
        position: The same output's position in this text.
        target_token, against_token: What was read there; the second is None without a pair.
        fewest, most: Replacements or draws at its positions.
    """

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    start: int
    position: int
    target_token: str
    against_token: str | None
    fewest: int
    most: int


class Columns:
    """The columns of some prompts, and which tokens they have there as prompts come in.

    Attributes:
        place: The column of the output that is read.

    >>> columns = Columns(places=[2, 3], lengths=[3, 5])
    >>> columns.place, columns.placed(torch.tensor([1.0, 2.0, 3.0]), 2)
    (3, tensor([nan, 1., 2., 3., nan]))
    """

    def __init__(self, places: Sequence[int], lengths: Sequence[int]) -> None:
        self.place = max(places)
        after = max(length - place for length, place in zip(lengths, places, strict=True))
        self._n = self.place + after
        self._tokens: list[Counter[str]] = [Counter() for _ in range(self._n)]
        self._measured: list[Counter[str]] = [Counter() for _ in range(self._n)]
        self._ids: list[set[int]] = [set() for _ in range(self._n)]

    def placed(self, values: Float[Tensor, "*rest pos"], place: int) -> Float[Tensor, "*rest n"]:
        """Values by position of a text that is read at `place`, in the columns."""
        row = torch.full((*values.shape[:-1], self._n), math.nan)
        start = self.place - place
        row[..., start : start + values.shape[-1]] = values
        return row

    def count(self, prompt: InfluencedPrompt, effects: Float[Tensor, " n"]) -> None:
        """Note a prompt's tokens; `effects` are NaN where nothing was measured."""
        known = effects.isfinite().tolist()
        inside = range(prompt.start, prompt.start + len(prompt.tokens))
        for at in range(self._n):
            self._ids[at].add(prompt.ids[at - prompt.start] if at in inside else -1)
            if at in inside:
                token = prompt.tokens[at - prompt.start]
                self._tokens[at][token] += 1
                if known[at]:
                    self._measured[at][token] += 1

    def names(self) -> tuple[str, ...]:
        """A token that all prompts share, or the commonest one with how many others there are."""
        columns = zip(self._measured, self._tokens, strict=True)
        return tuple(_name(commonest(measured or tokens)) for measured, tokens in columns)

    def ids(self) -> tuple[int, ...]:
        """That of a token that all prompts share, else -1."""
        return tuple(next(iter(ids)) if len(ids) == 1 else -1 for ids in self._ids)


def tokens_at(
    prompts: Sequence[InfluencedPrompt], effects: Float[Tensor, " prompt"], position: int
) -> list[tuple[str, int]]:
    """The tokens that prompts have in a column, with how many have each, the commonest first.

    Where some were measured, only those: a BOS of a shorter prompt is no token of a column.
    """
    tokens: Counter[str] = Counter()
    measured: Counter[str] = Counter()
    for prompt, known in zip(prompts, effects.isfinite().tolist(), strict=True):
        at = position - prompt.start
        if 0 <= at < len(prompt.tokens):
            tokens[prompt.tokens[at]] += 1
            if known:
                measured[prompt.tokens[at]] += 1
    return commonest(measured or tokens)


def commonest(tokens: Counter[str]) -> list[tuple[str, int]]:
    """The commonest first; of those that are as common the first by the alphabet.

    So the order of prompts means nothing.
    """
    return sorted(tokens.items(), key=lambda item: (-item[1], item[0]))


def _name(tokens: Sequence[tuple[str, int]]) -> str:
    if not tokens:
        return ""
    token, _ = tokens[0]
    if len(tokens) == 1:
        return token
    # Without a space inside: a page sets words apart where no token has one.
    space = " " if token[:1] == " " else ""
    return f"{space}⟨{token.strip()}⟩+{len(tokens) - 1}"
