"""The task of years: what a war that began in one can end in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from circuit_widgets import arguments
from circuit_widgets.prompts.tasks.words import Parts, draw, one_token, reader, written

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.prompts.tasks.task import Task

NOUNS = (
    *(" war", " siege", " project", " trial", " journey", " contract", " campaign", " conflict"),
    *(" construction", " crisis", " debate", " drought", " dynasty", " era", " expedition"),
    *(" marriage", " operation", " plague", " program", " rebellion", " reign", " strike", " tour"),
)
CENTURIES = range(11, 18)


def greater_than(
    cls: type[Task],
    model: TransformerBridge,
    n: int = 16,
    seed: int = 0,
    *,
    metric: str = "probability_difference",
) -> Task:
    """Greater-than (Hanna, Liu & Variengien 2023, "How does GPT-2 compute greater-than?").

    clean      The war lasted from the year 1742 to the year 17      (43 .. 99, not 00 .. 42)
    corrupt    The war lasted from the year 1701 to the year 17

    Where the tokenizer writes a year as two tokens of two digits (GPT-2), it is the paper's task:
    right are all later two-digit tokens, wrong all others, and the metric is the difference of
    their probabilities.

    Where it writes one digit a token (SmolLM2, Qwen, Gemma), only the next digit can be read. Then
    all years end in 9, as in 1749, so that the tens digit alone decides: right are 5 to 9, wrong 0
    to 4. The corrupt year is still 1701, after which every digit is possible.

    Args:
        cls: `Task`.
        model: A model that reads English.
        n: How many prompts.
        seed: Of the draws.
        metric: As in `Task.score`.

    Raises:
        ValueError: The tokenizer writes years in another way, or reads no English.

    >>> import circuit_widgets as cw
    >>> cw.Task.greater_than(cw.load_model(), n=4)
    Traceback (most recent call last):
    ValueError: the task 'greater_than' has no noun that is one token in this tokenizer: it does ...
    """
    n, seed = arguments.whole("n", n, 1), arguments.seed(seed)
    tokenizer = reader(model, "greater_than")
    nouns = [*one_token(tokenizer, NOUNS, "The")]
    if not nouns:
        raise ValueError(
            "the task 'greater_than' has no noun that is one token in this tokenizer: it does not "
            "read English"
        )
    rests = _rests(tokenizer)
    by_digit = all(len(rest) == 2 for rest in rests.values())
    # What is read next, two digits or one, by its number.
    ids = {end // 10 if by_digit else end: rest[0] for (_, end), rest in rests.items()}
    years = [
        (century, end)
        for (century, end), rest in rests.items()
        if (century, 1) in rests and _starts(end, by_digit)
    ]
    if not years:
        pieces = " and ".join(map(repr, _pieces(tokenizer, " 1742")))
        raise ValueError(
            "the task 'greater_than' needs years of two tokens of two digits, or of one token a "
            f"digit, and this tokenizer writes ' 1742' as {pieces}"
        )
    generator = torch.Generator().manual_seed(seed)
    clean: list[Parts] = []
    corrupt: list[Parts] = []
    right: list[list[int]] = []
    wrong: list[list[int]] = []
    for _ in range(n):
        (noun,) = draw(nouns, 1, generator)
        century, end = years[int(torch.randint(len(years), (), generator=generator))]
        clean.append(_sentence(noun, century, end))
        corrupt.append(_sentence(noun, century, 1))
        first = end // 10 if by_digit else end
        right.append([id for number, id in ids.items() if number > first])
        wrong.append([id for number, id in ids.items() if number <= first])
    return written(cls, model, "greater_than", metric, clean, corrupt, right, wrong)


def _starts(end: int, by_digit: bool) -> bool:
    """Whether a year that ends so can be asked about: something is greater, and not everything."""
    return 10 <= end < 90 and end % 10 == 9 if by_digit else 2 <= end <= 98


def _rests(tokenizer: Any) -> dict[tuple[int, int], list[int]]:
    """The tokens of each year behind those of its century; without years that begin with others."""
    years = [(century, end) for century in CENTURIES for end in range(100)]
    texts = [f"year {century}" for century in CENTURIES]
    texts += [f"year {century}{end:02d}" for century, end in years]
    read = tokenizer(texts, add_special_tokens=False)["input_ids"]
    before = dict(zip(CENTURIES, read, strict=False))
    found = {}
    for (century, end), ids in zip(years, read[len(before) :], strict=True):
        start = before[century]
        if ids[: len(start)] == start and len(ids) - len(start) in (1, 2):
            found[century, end] = ids[len(start) :]
    lengths = {len(rest) for rest in found.values()}
    # Where most years are two tokens, some (1800) may be one, or three.
    return {year: rest for year, rest in found.items() if len(rest) == min(lengths)}


def _pieces(tokenizer: Any, text: str) -> list[str]:
    return [tokenizer.decode([id]) for id in tokenizer(text, add_special_tokens=False)["input_ids"]]


def _sentence(noun: str, century: int, end: int) -> Parts:
    return [
        ("The", "The"),
        ("noun", noun),
        ("lasted", " lasted"),
        ("from", " from"),
        ("the", " the"),
        ("year", " year"),
        ("century", f" {century}"),
        ("YY", f"{end:02d}"),
        ("to", " to"),
        ("the", " the"),
        ("year", " year"),
        ("century again", f" {century}"),
    ]
