"""One text, a position in it and a token whose probability is read there: checked."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import arguments, models
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.each import places_of, targets_of
from circuit_widgets.prompts.targets import Target, target_of, warn_of_a_space
from circuit_widgets.prompts.tokens import Tokens, show_tokens, tokenize

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclass(frozen=True, eq=False)
class Readout:
    """A text, a position in it whose output is read, and the token whose probability is read.

    Attributes:
        ids: The text's, on the CPU; before `continued` without what the model is to add.
        n_prompt: How many tokens were given.
        generate: How many the model is to add.
        position: Whose output is read, in the text as it will be.
        given: The token that was asked for, or that follows in the text; None where there is none:
            then it is the model's own likeliest one (`target`).
        against: The token that the one given is held against; None where there is none.
        first: The first position that may be replaced: 1 behind a BOS, else 0.
    """

    ids: Int[Tensor, " pos"]
    n_prompt: int
    generate: int
    position: int
    given: int | None
    first: int
    against: int | None = None

    @property
    def read(self) -> Int[Tensor, " pos"]:
        """The text up to the position that is read."""
        return self.ids[: self.position + 1]

    @property
    def sources(self) -> list[int]:
        """The positions that may be replaced, from the last backwards."""
        return list(range(self.position, self.first - 1, -1))

    def continued(self, ids: Int[Tensor, " pos"]) -> Readout:
        """The same readout of the text with what the model has added."""
        return replace(self, ids=ids, given=_following(ids, self.position))

    def target(self, logits: Float[Tensor, "... vocab"]) -> int:
        """The token that is read: the one given, or the likeliest by the logits read there."""
        return int(logits.flatten().float().argmax()) if self.given is None else self.given

    @property
    def target_given(self) -> Target | None:
        """What was asked for, or follows in the text, if anything does."""
        return None if self.given is None else Target(self.given, self.against)

    def strings(self, model: TransformerBridge) -> tuple[str, ...]:
        """The text's tokens as they are shown."""
        return show_tokens(model, self.ids.tolist())


def readout(
    model: TransformerBridge,
    tokens: Any,
    position: int | None = None,
    target: Any = None,
    generate: int = 0,
    *,
    pair: bool = False,
) -> Readout:
    """What is asked about which text, checked; `target` of a readout resolves the token read.

    pair: two targets are accepted, of which the first is held against the second.

    Raises:
        TypeError: Neither text nor ids.
        ValueError: One token, a position or a target that is not there, a text that gets longer
            than the context.

    >>> from circuit_widgets import load_model
    >>> at = readout(load_model(), "blue dog blue", position=2)
    >>> at.position, at.given == int(at.ids[3]), at.sources
    (2, True, [2, 1])
    """
    read = tokens if isinstance(tokens, Tokens) else tokenize(model, tokens)
    ids = read.ids[0].cpu()
    n, first = len(ids), int(read.has_bos)
    if n < 2:
        raise ValueError(
            f"the prompt {read.text!r} is 1 token; accepted are prompts of 2 tokens or more"
        )
    generate = arguments.whole("generate", generate)
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
    at = n + generate - 2 if generate else _position(position, n, first)
    if isinstance(target, (tuple, list)) and not pair:
        raise ValueError(
            f"the target is {arguments.shown(target)}; accepted is one token here, because what it "
            "is compared with, the outputs at other positions, has no second one"
        )
    asked = None if target is None else target_of(model, target)
    warn_of_a_space(model, target, ids)
    if asked is None:
        return Readout(ids, n, generate, at, _following(ids, at), first)
    return Readout(ids, n, generate, at, asked.id, first, asked.against)


def readouts(
    model: TransformerBridge,
    prompts: Prompts,
    position: Any = None,
    target: Any = None,
    generate: int = 0,
    *,
    pair: bool = False,
) -> list[Readout]:
    """The same of several prompts: one position and one target for all, or one of each for each.

    Raises:
        ValueError: As `readout`, with the prompt's number; not as many as prompts; some targets
            pairs and some not.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> asked = readouts(model, Prompts(model, ["blue dog", "dog seven blue"]), target="blue")
    >>> [at.position for at in asked]
    [2, 3]
    """
    targets = targets_of(model, prompts, target)
    places = [None] * len(prompts) if position is None else places_of(prompts, position)
    found = []
    for at, (tokens, place, one) in enumerate(zip(prompts.tokens, places, targets, strict=True)):
        asked: Any = one
        if one is not None:
            asked = one.id if one.against is None else (one.id, one.against)
        try:
            found.append(readout(model, tokens, place, asked, generate, pair=pair))
        except ValueError as error:
            where = f"prompt {at}: " if len(prompts) > 1 else ""
            raise ValueError(f"{where}{error}") from None
    return found


def once_each(read: Sequence[Readout]) -> list[Readout]:
    """Without those that ask the same of the same text as an earlier one, with a warning."""
    once = {(tuple(at.ids.tolist()), at.position, at.given, at.against): at for at in read}
    if len(once) < len(read):
        warnings.warn(
            f"{len(read) - len(once)} of {len(read)} prompts are copies of others; each counts "
            "once, because a copy says nothing new"
            + (": one prompt is left, which has no interval over prompts" * (len(once) == 1)),
            UserWarning,
            stacklevel=5,
        )
    return [*once.values()]


def _following(ids: Int[Tensor, " pos"], position: int) -> int | None:
    """The token after a position, if the text has one."""
    return int(ids[position + 1]) if position + 1 < len(ids) else None


def _position(position: Any, n: int, first: int) -> int:
    if position is None:
        return n - 1
    at = arguments.place("position", position, n)
    if at < first:
        raise ValueError(
            f"position {at} is the BOS token, and nothing comes before it; accepted are positions "
            f"{first} to {n - 1}"
        )
    return at
