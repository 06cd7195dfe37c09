"""One text, a position in it and a token whose probability is read there: checked."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from jaxtyping import Int
from torch import Tensor

from circuit_widgets import arguments, models
from circuit_widgets.prompts.tokens import show_token, tokenize

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Asked:
    """What is asked about which text.

    Attributes:
        ids: The text's, on the CPU; with `generate` still without what the model will add.
        n_prompt: How many tokens were given.
        position: Whose output is read, in the text as it will be.
        target: The token read there; None until the model has said its own likeliest one.
        first: The first position that may be replaced: 1 behind a BOS, else 0.

    Raises:
        TypeError: Neither text nor ids.
        ValueError: One token, a position or a target that is not there, a text that gets longer
            than the context.
    """

    def __init__(
        self,
        model: TransformerBridge,
        tokens: Any,
        position: int | None,
        target: int | str | None,
        generate: int = 0,
    ) -> None:
        read = tokenize(model, tokens)
        self.ids: Int[Tensor, " pos"] = read.ids[0].cpu()
        self.n_prompt = n = len(self.ids)
        self.first = int(read.has_bos)
        if n < 2:
            raise ValueError(
                f"the prompt {read.text!r} is 1 token; accepted are prompts of 2 tokens or more"
            )
        self.generate = generate = arguments.whole("generate", generate)
        longest = models.n_context(model)
        if n + generate > longest:
            raise ValueError(
                f"{n} tokens and {generate} more are {n + generate}, and the model's context is "
                f"{longest}: generate up to {longest - n}"
            )
        if generate and (position is not None or target is not None):
            raise ValueError(
                "generate reads every token that the model adds; leave out position and target"
            )
        self.position = n + generate - 2 if generate else _position(position, n, self.first)
        self.target = _target(model, target)
        if self.target is None:
            self.fill_target()

    def fill_target(self) -> None:
        """The token that follows in the text, if one does."""
        if self.position + 1 < len(self.ids):
            self.target = int(self.ids[self.position + 1])

    @property
    def read(self) -> Int[Tensor, " pos"]:
        """The text up to the position that is read."""
        return self.ids[: self.position + 1]

    @property
    def sources(self) -> list[int]:
        """The positions that may be replaced, from the last backwards."""
        return list(range(self.position, self.first - 1, -1))

    def strings(self, model: TransformerBridge) -> tuple[str, ...]:
        """The text's tokens as they are shown."""
        return tuple(show_token(model, id) for id in self.ids.tolist())


def _position(position: Any, n: int, first: int) -> int:
    if position is None:
        return n - 1
    try:
        at = operator.index(position)
    except TypeError:
        at = -1
    if isinstance(position, bool) or not 0 <= at < n:
        raise ValueError(f"position is {position!r}; accepted are positions 0 to {n - 1}")
    if at < first:
        raise ValueError(
            f"position {at} is the BOS token, and nothing comes before it; accepted are positions "
            f"{first} to {n - 1}"
        )
    return at


def _target(model: TransformerBridge, target: Any) -> int | None:
    if target is None:
        return None
    if isinstance(target, str):
        tokenizer = getattr(model, "tokenizer", None)
        if tokenizer is None:
            raise ValueError("this model has no tokenizer; pass the target as an id, as in 7")
        ids = tokenizer(target, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            parts = ", ".join(repr(show_token(model, id)) for id in ids)
            raise ValueError(
                f"the target {target!r} is {len(ids)} tokens ({parts}); accepted is a text of "
                "exactly one, with its leading space if it has one"
            )
        target = ids[0]
    try:
        id = operator.index(target)
    except TypeError:
        id = -1
    n_vocab = int(model.cfg.d_vocab)
    if isinstance(target, bool) or not 0 <= id < n_vocab:
        raise ValueError(
            f"the target is {target!r}; accepted are ids 0 to {n_vocab - 1}, or a text of one token"
        )
    return id
