"""Cases: a prompt, what was expected of the model there, and what it did instead."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from circuit_widgets import arguments
from circuit_widgets.prompts.characters import quoted
from circuit_widgets.prompts.targets import token_id
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.prompts.tasks.scores import NONE
from circuit_widgets.prompts.tokens import Tokens, show_token, tokenize

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Case:
    """A prompt and the token that a model should go on with.

    Attributes:
        prompt: Text, or ids, which get no BOS. The answer is read after its last token.
        expected: The right token, as text of one token (with its leading space if it has one) or
            as an id; or several, any of which is right.
        predicted: What the model said instead, if that is known: the expected token is then held
            against it, as against `wrong`.
        wrong: Tokens that the expected ones are held against. None: all other tokens.

    >>> case = Case("blue dog seven blue", "dog")
    >>> case.expected
    'dog'
    """

    prompt: Any
    expected: Any
    predicted: Any = None
    wrong: Any = None


@dataclasses.dataclass(frozen=True)
class Asked:
    """A case as a model's own tokens.

    Attributes:
        text: The prompt.
        ids: Of its tokens.
        tokens: What they show as.
        has_bos: Whether the first stands before the text.
        expected: Ids, any of which is right.
        wrong: Ids that they are held against; none: all others.

    >>> import circuit_widgets as cw
    >>> asked = asked_of(cw.load_model(), Case("blue dog seven blue", "dog"))
    >>> len(asked.ids), asked.wrong
    (5, ())
    """

    text: str
    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    has_bos: bool
    expected: tuple[int, ...]
    wrong: tuple[int, ...]


def asked_of(model: TransformerBridge, case: Case, at: int | None = None) -> Asked:
    """A case, checked and in the model's tokens.

    Raises:
        TypeError: It is no case.
        ValueError: An answer that is several tokens, or both right and wrong; a prompt that is
            too short or too long.

    >>> import circuit_widgets as cw
    >>> asked_of(cw.load_model(), Case("blue dog seven blue", "dog blue"))
    Traceback (most recent call last):
    ValueError: the expected answer: the target 'dog blue' is 2 tokens ('dog', 'blue'); accepted ...
    """
    if not isinstance(case, Case):
        raise TypeError(
            f"a case is {arguments.shown(case)}; accepted is a Case, such as "
            'Case("When Mary and John went to the store, John gave it to", " Mary")'
        )
    where = "" if at is None else f"case {at}: "
    try:
        read = tokenize(model, case.prompt)
        expected = _answers(model, case.expected, "the expected answer")
        wrong = _answers(model, case.wrong, "the wrong answer")
        wrong += _answers(model, case.predicted, "the predicted answer")
    except (TypeError, ValueError) as error:
        raise type(error)(f"{where}{error}") from error
    if not expected:
        raise ValueError(f"{where}nothing is expected; accepted is a token, or several")
    both = set(expected) & set(wrong)
    if both:
        token = show_token(model, min(both))
        raise ValueError(f"{where}{quoted(token)} is both expected and wrong")
    return _asked(read, expected, tuple(dict.fromkeys(wrong)))


def _asked(read: Tokens, expected: tuple[int, ...], wrong: tuple[int, ...]) -> Asked:
    ids = tuple(read.ids[0].tolist())
    if len(ids) < 2:
        raise ValueError(
            f"the prompt {read.text!r} is 1 token; accepted are prompts of 2 tokens or more"
        )
    return Asked(read.text, ids, read.strings, read.has_bos, expected, wrong)


def _answers(model: TransformerBridge, given: Any, name: str) -> tuple[int, ...]:
    if given is None:
        return ()
    several = isinstance(given, Sequence) and not isinstance(given, str)
    try:
        return tuple(token_id(model, one) for one in (given if several else [given]))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def cases_of(model: TransformerBridge, task: Task) -> list[Case]:
    """The cases of a task: each of its prompts, up to each place where an answer is read.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> len(cases_of(model, cw.Task.repeated_tokens(model, n=3, length=5)))
    12
    """
    right = task.answers(task.right)
    wrong = None if task.wrong is None else task.answers(task.wrong)
    found = []
    for row, ids in enumerate(task.clean.tolist()):
        for place, at in enumerate(task.places[row].tolist()):
            against = None if wrong is None else _known(wrong[row, place].tolist())
            found.append(
                Case(tuple(ids[: at + 1]), _known(right[row, place].tolist()), wrong=against)
            )
    return found


def _known(ids: list[int]) -> tuple[int, ...]:
    return tuple(id for id in ids if id != NONE)
