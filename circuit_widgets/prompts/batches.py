"""Several prompts for one model: checked, then batched by length, so that nothing is padded."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Int
from torch import Tensor

from circuit_widgets.arguments import shown
from circuit_widgets.prompts.tokens import Tokens, tokenize

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Prompts:
    """One prompt or several, as text or ids: "a b", ["a b", "c"], [3, 1, 4], [[3, 1], [4, 1, 5]].

    Attributes:
        tokens: One for each prompt, in the order they were given.

    Raises:
        TypeError: Not prompts.
        ValueError: None at all, or one that cannot be read, with its number.
    """

    def __init__(self, model: TransformerBridge, prompts: Any, *, least: int = 2) -> None:
        listed = _listed(prompts)
        if not listed:
            raise ValueError("there are no prompts; give one text, or a list of them")
        self.tokens: list[Tokens] = []
        for at, prompt in enumerate(listed):
            where = f"prompt {at}: " if len(listed) > 1 else ""
            try:
                tokens = tokenize(model, prompt)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{where}{error}") from error
            if tokens.ids.shape[1] < least:
                n = tokens.ids.shape[1]
                raise ValueError(
                    f"{where}{shown(tokens.text)} is {n} token{'' if n == 1 else 's'}; "
                    f"accepted are prompts of {least} tokens or more"
                )
            self.tokens.append(tokens)

    @classmethod
    def of(cls, tokens: Sequence[Tokens]) -> Prompts:
        """Prompts that are read already."""
        made = cls.__new__(cls)
        made.tokens = list(tokens)
        return made

    def __len__(self) -> int:
        return len(self.tokens)

    def different(self) -> Prompts:
        """Without those that have the ids of an earlier one: they say nothing new."""
        once = copy.copy(self)
        first = dict(zip(reversed(self.ids), reversed(self.tokens), strict=True))
        kept = set(map(id, first.values()))
        once.tokens = [tokens for tokens in self.tokens if id(tokens) in kept]
        return once

    @property
    def ids(self) -> tuple[tuple[int, ...], ...]:
        """Of each prompt, as provenance keeps them."""
        return tuple(tuple(tokens.ids[0].tolist()) for tokens in self.tokens)

    @property
    def n_tokens(self) -> int:
        """Of all prompts together."""
        return sum(tokens.ids.shape[1] for tokens in self.tokens)

    def described(self) -> str:
        """The first one's text, and how many there are more."""
        first = self.tokens[0].text
        return f"{first} and {len(self) - 1} more" if len(self) > 1 else first

    def batches(self, most: int) -> Iterator[tuple[list[int], Int[Tensor, "batch pos"]]]:
        """Prompts of one length together, at most `most`; which they are, and their ids."""
        for chosen in of_one_length([tokens.ids.shape[1] for tokens in self.tokens], most):
            yield chosen, torch.cat([self.tokens[at].ids for at in chosen])


def of_one_length(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Which prompts go through the model together: those of one length, at most `most`.

    >>> [*of_one_length([5, 7, 5, 5], 2)]
    [[0, 2], [3], [1]]
    """
    by_length: dict[int, list[int]] = {}
    for at, length in enumerate(lengths):
        by_length.setdefault(length, []).append(at)
    for same in by_length.values():
        for start in range(0, len(same), most):
            yield same[start : start + most]


def are_several(prompts: Any) -> bool:
    """Whether these are a list of prompts, also of a single one, and not one text or its ids.

    >>> are_several("a b"), are_several([3, 1]), are_several(["a b"]), are_several([[3, 1], [4]])
    (False, False, True, True)
    """
    if getattr(prompts, "ndim", 0):
        # [1, pos] is one prompt, as a model takes it.
        return prompts.ndim == 2 and len(prompts) > 1
    return isinstance(prompts, (list, tuple)) and any(
        isinstance(item, (str, list, tuple)) or getattr(item, "ndim", 0) for item in prompts
    )


def _listed(prompts: Any) -> Sequence[Any]:
    if isinstance(prompts, str):
        return [prompts]
    if isinstance(prompts, Tensor):
        return [prompts] if prompts.ndim == 1 else list(prompts)
    try:
        listed = list(prompts)
    except TypeError:
        raise TypeError(
            f"prompts cannot be {type(prompts).__name__}; accepted are a text, a list of texts, "
            "ids, or a list of ids"
        ) from None
    if listed and all(isinstance(item, int) and not isinstance(item, bool) for item in listed):
        return [listed]
    return listed
