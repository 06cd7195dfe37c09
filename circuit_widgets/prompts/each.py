"""Of several prompts each one's position, target and corrupt counterpart: checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circuit_widgets import arguments
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.targets import Target, target_of, warn_of_a_space

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def places_of(prompts: Prompts, position: Any) -> list[int]:
    """A position in each prompt, negative from its end; a list has one for each prompt.

    Raises:
        ValueError: Not as many as prompts, or one that is not there.
    """
    several = isinstance(position, (list, tuple))
    asked = [*position] if several else [position] * len(prompts)
    if len(asked) != len(prompts):
        raise ValueError(
            f"there are {len(asked)} positions and {len(prompts)} prompts; accepted is one for "
            "all, or a list with one for each prompt"
        )
    places = []
    for at, (one, tokens) in enumerate(zip(asked, prompts.tokens, strict=True)):
        try:
            places.append(arguments.place("position", one, tokens.ids.shape[1]))
        except ValueError as error:
            where = f"prompt {at}: " if len(prompts) > 1 else ""
            raise ValueError(f"{where}{error}") from None
    return places


def targets_of(model: TransformerBridge, prompts: Prompts, target: Any) -> list[Target | None]:
    """Of each prompt what was asked for; None where nothing was.

    Raises:
        ValueError: Not as many as prompts; some pairs and some not.
    """
    found: list[Target | None] = []
    for tokens, one in zip(prompts.tokens, _each(target, len(prompts)), strict=True):
        if one is not None:
            warn_of_a_space(model, one, tokens.ids[0].cpu())
        found.append(None if one is None else target_of(model, one))
    if len({each is not None and each.against is not None for each in found}) > 1:
        raise ValueError(
            "some targets are pairs and some are not; accepted are all of one kind, because a "
            "logit and a difference of logits have no common mean"
        )
    return found


def corrupt_of(model: TransformerBridge, clean: Prompts, corrupt: Any) -> Prompts:
    """As many prompts, each as long as its clean one.

    Raises:
        ValueError: Another length, or not as many; a prompt that cannot be read.
    """
    other = Prompts(model, corrupt)
    for at, (one, two) in enumerate(zip(clean.tokens, other.tokens, strict=False)):
        n, m = one.ids.shape[1], two.ids.shape[1]
        if n != m:
            raise ValueError(
                f"prompt {at} has {n} tokens and its corrupt one {m}; "
                "accepted are pairs of one length"
            )
    if len(other) != len(clean):
        raise ValueError(f"there are {len(clean)} prompts and {len(other)} corrupt ones")
    return other


def _each(target: Any, n: int) -> list[Any]:
    # A tuple is a pair; a list has one target for each prompt. Of one prompt a list can be a pair.
    if not isinstance(target, list) or (n == 1 and len(target) == 2):
        return [target] * n
    if len(target) != n:
        raise ValueError(
            f"there are {len(target)} targets and {n} prompts; accepted is a list with one target "
            'for each prompt, or one for all; a pair is a tuple: (" Mary", " John")'
        )
    return target
