"""The token whose probability or logit is read, or two whose difference is: checked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.prompts.characters import quoted
from circuit_widgets.prompts.tokens import show_token

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclass(frozen=True)
class Target:
    """A token, and the one that it is held against, if there is one.

    The difference of two tokens' log-probabilities is that of their logits: it asks which of the
    two, and not whether either (the logit difference of Wang et al. 2022).
    """

    id: int
    against: int | None = None

    def named(self, model: TransformerBridge) -> str:
        """As people write it: `' Mary'`, or `' Mary' against ' John'`."""
        name = quoted(show_token(model, self.id))
        if self.against is None:
            return name
        return f"{name} against {quoted(show_token(model, self.against))}"


def target_of(model: TransformerBridge, target: Any) -> Target:
    """A target from an id, a text of one token, a pair of them, (" Mary", " John"), or as it is.

    Raises:
        ValueError: No such token, a text of several, or a pair of one and the same token.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> target_of(model, ("dog", "blue")).named(model)
    "'dog' against 'blue'"
    """
    if isinstance(target, Target):
        target = target.id if target.against is None else (target.id, target.against)
    if isinstance(target, (tuple, list)):
        if len(target) != 2:
            raise ValueError(
                f"the target is {len(target)} tokens; accepted are one token, or two of which the "
                'first is held against the second: (" Mary", " John")'
            )
        id, against = (token_id(model, one) for one in target)
        if id == against:
            raise ValueError(
                f"the target holds {quoted(show_token(model, id))} against itself; accepted are "
                "two different tokens"
            )
        return Target(id, against)
    return Target(token_id(model, target))


def token_id(model: TransformerBridge, target: Any) -> int:
    """The id of one token, given as an id or as a text.

    Raises:
        ValueError: No such token, or a text of several.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> token_id(model, "dog") == int(model.to_tokens("dog", prepend_bos=False)[0, 0])
    True
    """
    if isinstance(target, str):
        tokenizer = getattr(model, "tokenizer", None)
        if tokenizer is None:
            raise ValueError("this model has no tokenizer; pass the target as an id, as in 7")
        ids = tokenizer(target, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            parts = ", ".join(quoted(show_token(model, id)) for id in ids)
            raise ValueError(
                f"the target {target!r} is {len(ids)} tokens ({parts}); accepted is a text of "
                "exactly one, with its leading space if it has one"
            )
        target = ids[0]
    try:
        return arguments.whole("the target", target, 0, int(model.cfg.d_vocab) - 1)
    except ValueError as error:
        raise ValueError(f"{error}, or a text of one token") from None


def warn_of_a_space(
    model: TransformerBridge, target: Any, ids: Tensor, *, stacklevel: int = 4
) -> None:
    """Of "Mary" and " Mary", two tokens, a text nearly always goes on with the second.

    >>> import torch
    >>> from circuit_widgets import load_model
    >>> warn_of_a_space(load_model(), "dog", torch.tensor([3]))
    """
    if isinstance(target, (tuple, list)):
        for one in target:
            warn_of_a_space(model, one, ids, stacklevel=stacklevel + 1)
        return
    if not isinstance(target, str) or target[:1].isspace():
        return
    id = token_id(model, target)
    if bool((ids == id).any()):
        return
    other = model.tokenizer(f" {target}", add_special_tokens=False)["input_ids"]
    if len(other) == 1 and other[0] != id and bool((ids == other[0]).any()):
        warnings.warn(
            f"the target {target!r} is another token than {f' {target}'!r}, which the text has; "
            f"pass {f' {target}'!r} if that is meant",
            UserWarning,
            stacklevel=stacklevel,
        )
