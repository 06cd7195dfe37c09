"""Sentences made of slots: which words are one token there, and what each position is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Int
from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.prompts.tasks.task import Task

# A sentence as its parts: what a part is in it, and its text with the space in front.
Parts = Sequence[tuple[str, str]]


def text_of(parts: Parts) -> str:
    """The sentence.

    >>> text_of([("verb", "Give"), ("object", " it")])
    'Give it'
    """
    return "".join(text for _, text in parts)


def reader(model: TransformerBridge, task: str) -> Any:
    """The model's tokenizer, for a task that is written in words.

    Raises:
        ValueError: It has none.
    """
    tokenizer = getattr(model, "tokenizer", None)
    if tokenizer is None:
        raise ValueError(
            f"this model has no tokenizer, so it cannot read the texts of the task {task!r}; "
            "Task.repeated_tokens works on any model"
        )
    return tokenizer


def one_token(tokenizer: Any, words: Iterable[str], after: str) -> dict[str, int]:
    """Those of some words that are one token where they follow a text, each with its id.

    Read behind the text, because some tokenizers put a space of their own in front of a word that
    is read alone. Words that the tokenizer does not know are none.

    >>> import circuit_widgets as cw
    >>> one_token(cw.load_model().tokenizer, [" dog", " Mary"], "the") == {
    ...     " dog": cw.load_model().tokenizer.get_vocab()["dog"]
    ... }
    True
    """
    words = [*words]
    before, *read = tokenizer([after, *(after + word for word in words)], add_special_tokens=False)[
        "input_ids"
    ]
    unknown = getattr(tokenizer, "unk_token_id", None)
    return {
        word: ids[-1]
        for word, ids in zip(words, read, strict=True)
        if len(ids) == len(before) + 1 and ids[:-1] == before and ids[-1] != unknown
    }


def draw(words: list[str], n: int, generator: torch.Generator) -> list[str]:
    """`n` different ones."""
    return [words[at] for at in torch.randperm(len(words), generator=generator)[:n].tolist()]


def roles_of(
    tokenizer: Any, sentences: Sequence[Parts], ids: Int[Tensor, "prompt seq"]
) -> tuple[str, ...] | None:
    """What each position is, if it is the same in all sentences.

    A name that comes again, as in a part of several tokens, is numbered; the last is END.
    """
    if not getattr(tokenizer, "is_fast", False):
        return None
    found = {tuple(_roles(tokenizer, parts)) for parts in sentences}
    if len(found) > 1:
        return None
    (roles,) = found
    bos = ids.shape[1] - len(roles)
    if bos not in (0, 1):
        return None
    named, seen = ["BOS"] * bos, Counter[str]()
    for role in roles:
        seen[role] += 1
        named.append(role if seen[role] == 1 else f"{role} {seen[role]}")
    return (*named[:-1], "END")


def written(
    cls: type[Task],
    model: TransformerBridge,
    name: str,
    metric: str,
    clean: Sequence[Parts],
    corrupt: Sequence[Parts],
    right: Sequence[Any],
    wrong: Sequence[Any],
) -> Task:
    """The task of some sentences, with the roles of their positions.

    Raises:
        ValueError: As `Task.from_pairs`.
    """
    task = cls.from_pairs(
        model,
        [text_of(parts) for parts in clean],
        [text_of(parts) for parts in corrupt],
        [*right],
        [*wrong],
        metric=metric,
        name=name,
    )
    return task.named(roles_of(reader(model, name), [*clean, *corrupt], task.clean))


def _roles(tokenizer: Any, parts: Parts) -> list[str]:
    read = tokenizer(text_of(parts), add_special_tokens=False, return_offsets_mapping=True)
    of_letter = [role for role, text in parts for _ in text]
    # By a token's last letter: its first may be the space before it, or not.
    return [of_letter[end - 1] for _, end in read["offset_mapping"]]
