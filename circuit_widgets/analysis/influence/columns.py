"""Several prompts in common columns: aligned at the output that is read."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

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


def tokens_at(
    prompts: Sequence[InfluencedPrompt], effects: Float[Tensor, " prompt"], position: int
) -> list[tuple[str, int]]:
    """The tokens that prompts have in a column, with how many have each, the commonest first.

    Where some were measured, only those: a BOS of a shorter prompt is no token of a column.
    """
    places = [(prompt.tokens, position - prompt.start) for prompt in prompts]
    known = effects.isfinite().tolist()
    inside = [
        0 <= at < len(tokens) and (each or not any(known))
        for (tokens, at), each in zip(places, known, strict=True)
    ]
    found = Counter(tokens[at] for (tokens, at), here in zip(places, inside, strict=True) if here)
    # Of those that are as common the first by the alphabet: the order of prompts means nothing.
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def name_of(tokens: Sequence[tuple[str, int]]) -> str:
    """A token that all prompts share, or the commonest one with how many others there are."""
    if not tokens:
        return ""
    token, _ = tokens[0]
    if len(tokens) == 1:
        return token
    space = " " if token[:1] == " " else ""
    return f"{space}⟨{token.strip()} +{len(tokens) - 1}⟩"
