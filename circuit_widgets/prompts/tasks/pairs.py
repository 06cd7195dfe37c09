"""A task of one's own: pairs of prompts and their answers, as texts or ids."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Int
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.targets import token_id, warn_of_a_space
from circuit_widgets.prompts.tasks.checks import rows_in_words
from circuit_widgets.prompts.tasks.columns import columns_of
from circuit_widgets.prompts.tasks.scores import NONE
from circuit_widgets.prompts.tasks.settings import nested

if TYPE_CHECKING:
    import pandas as pd
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.prompts.tasks.task import Task


def from_pairs(
    cls: type[Task],
    model: TransformerBridge,
    clean: Any,
    corrupt: Any,
    right: Any,
    wrong: Any = None,
    *,
    position: Any = -1,
    metric: str | None = None,
    name: str = "pairs",
    roles: Sequence[str] | None = None,
) -> Task:
    """A task from your own prompts, all of one length in tokens.

    Args:
        cls: `Task`.
        model: Whose tokens the prompts become.
        clean: Texts, or ids, which get no BOS: one prompt, or a list of them.
        corrupt: As many, each aligned with its clean one token by token.
        right: The answer to each prompt, a text of one token (with its leading space if it has one)
            or an id; or a list of answers, any of which is right.
        wrong: What it is held against, in the same form.
        position: After which token the answer is read: one number for all, negative from the end;
            one for each prompt; or several for each, [prompt, place], with answers for each place.
        metric: As in `Task.score`; None: "logit_difference" with wrong answers, "loss" without.
        name: What the task is called.
        roles: A name for each position, if positions mean the same in all prompts.

    Raises:
        TypeError: Prompts that are none.
        ValueError: Prompts of unequal length, with their rows; a corrupt prompt that equals its
            clean one; an answer that is not one token, or that is both right and wrong.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> cw.Task.from_pairs(model, "blue dog blue", "red dog blue", "dog", "cat")
    Task('pairs', 1 prompt of 4 tokens, metric 'logit_difference')
    >>> cw.Task.from_pairs(model, ["blue dog blue", "cow blue"], ["red dog blue", "cow red"], "dog")
    Traceback (most recent call last):
    ValueError: the clean prompts have unequal lengths: row 0 has 4 tokens and row 1 has 3 ...
    """
    ids = {"clean": _ids(model, "clean", clean), "corrupt": _ids(model, "corrupt", corrupt)}
    if len(ids["clean"]) != len(ids["corrupt"]):
        raise ValueError(
            f"there are {len(ids['clean'])} clean prompts and {len(ids['corrupt'])} corrupt ones; "
            "accepted is a corrupt one for each"
        )
    _check_aligned(ids["clean"], ids["corrupt"])
    n, length = len(ids["clean"]), len(ids["clean"][0])
    at = _positions(position, n, length)
    answers = {"right": right} if wrong is None else {"right": right, "wrong": wrong}
    places = at.shape[1] if at.ndim > 1 else None
    read = {of: _answers(model, of, given, n, places) for of, given in answers.items()}
    read_ids = torch.tensor(ids["clean"])
    for given in answers.values():
        # Lists of answers are the rows'; one sentence about the first is enough.
        for each in [given] if isinstance(given, str) else given:
            warn_of_a_space(model, each, read_ids)
    device = model.cfg.device
    return cls(
        name=name,
        clean=torch.tensor(ids["clean"], device=device),
        corrupt=torch.tensor(ids["corrupt"], device=device),
        position=at.to(device),
        right=read["right"].to(device),
        wrong=read["wrong"].to(device) if "wrong" in read else None,
        metric=metric or ("loss" if wrong is None else "logit_difference"),
        roles=None if roles is None else tuple(roles),
    )


def from_frame(
    cls: type[Task],
    model: TransformerBridge,
    frame: Any,
    *,
    metric: str | None = None,
    name: str = "frame",
) -> Task:
    """A task from a table: a row a pair, as `from_pairs` takes them.

    Args:
        cls: `Task`.
        model: Whose tokens the prompts become.
        frame: A frame of pandas or polars, or a mapping of names to lists. Columns `clean`,
            `corrupt` and `right`, and, if there are any, `wrong` and `position`.
        metric: As in `from_pairs`.
        name: What the task is called.

    Raises:
        TypeError: Not a table.
        ValueError: A column is missing, or what `from_pairs` refuses.

    >>> import pandas as pd
    >>> import circuit_widgets as cw
    >>> row = {"clean": "blue dog blue", "corrupt": "red dog blue", "right": "dog", "wrong": "cat"}
    >>> cw.Task.from_frame(cw.load_model(), pd.DataFrame([row]))
    Task('frame', 1 prompt of 4 tokens, metric 'logit_difference')
    """
    given = columns_of(frame, _COLUMNS)
    missing = [column for column in ("clean", "corrupt", "right") if column not in given]
    if missing:
        raise ValueError(
            f"the table has no column {' and none '.join(map(repr, missing))}; accepted are the "
            "columns clean, corrupt and right, and, where there are any, wrong and position"
        )
    return cls.from_pairs(model, **given, metric=metric, name=name)


_COLUMNS = ("clean", "corrupt", "position", "right", "wrong")


def to_frame(self: Task) -> pd.DataFrame:
    """The task as a table of ids, a row a prompt, which `Task.from_frame` reads.

    >>> import circuit_widgets as cw
    >>> task = cw.Task.from_pairs(cw.load_model(), [[0, 7, 8]], [[0, 9, 8]], [3], [4])
    >>> task.to_frame().to_dict("records")
    [{'clean': (0, 7, 8), 'corrupt': (0, 9, 8), 'position': 2, 'right': 3, 'wrong': 4}]
    """
    import pandas as pd

    columns = {name: getattr(self, name) for name in _COLUMNS}
    return pd.DataFrame(
        {name: list(nested(ids)) for name, ids in columns.items() if ids is not None}
    )


def _ids(model: TransformerBridge, name: str, prompts: Any) -> list[list[int]]:
    try:
        return [tokens.ids[0].tolist() for tokens in Prompts(model, prompts).tokens]
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from error


def _check_aligned(clean: list[list[int]], corrupt: list[list[int]]) -> None:
    pairs = enumerate(zip(clean, corrupt, strict=True))
    unequal = [at for at, (one, other) in pairs if len(one) != len(other)]
    if unequal:
        row = unequal[0]
        raise ValueError(
            f"the corrupt prompt is not as long as the clean one in {rows_in_words(unequal)} (in "
            f"row {row} {len(clean[row])} tokens are clean and {len(corrupt[row])} corrupt); "
            "accepted are prompts that are aligned token by token"
        )
    lengths: dict[int, list[int]] = {}
    for at, ids in enumerate(clean):
        lengths.setdefault(len(ids), []).append(at)
    if len(lengths) > 1:
        parts = [
            f"{rows_in_words(rows)} {'has' if len(rows) == 1 else 'have'} {length} tokens"
            for length, rows in lengths.items()
        ]
        raise ValueError(
            f"the clean prompts have unequal lengths: {', '.join(parts[:-1])} and {parts[-1]}; "
            "accepted are prompts of one length, so that nothing is padded and a position is the "
            "same place in all of them: make a task of each length"
        )


def _positions(position: Any, n: int, length: int) -> Int[Tensor, prompt * place]:
    given = position.tolist() if isinstance(position, Tensor) else position
    if not isinstance(given, Sequence) or isinstance(given, str):
        return torch.full((n,), arguments.place("position", given, length))
    if len(given) != n:
        raise ValueError(f"there are {len(given)} positions for {n} prompts; accepted is one each")
    try:
        return torch.tensor(
            [
                [arguments.place("position", at, length) for at in each]
                if isinstance(each, Sequence)
                else arguments.place("position", each, length)
                for each in given
            ]
        )
    except TypeError as error:
        raise ValueError(
            "position has different numbers of places in different rows; accepted are as many in "
            "each prompt"
        ) from error


def _answers(
    model: TransformerBridge, name: str, given: Any, n: int, places: int | None
) -> Int[Tensor, prompt * place_answer]:
    """Ids of answers; where prompts have different numbers of them, filled up with -1."""
    listed = given.tolist() if isinstance(given, Tensor) else given
    if isinstance(listed, (str, int)) and n == 1:
        listed = [listed]
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        raise ValueError(
            f"{name} is {arguments.shown(listed)}; accepted is a list of an answer for each of the "
            f"{n} prompts"
        )
    if len(listed) != n:
        raise ValueError(
            f"there are {len(listed)} {name} answers for {n} prompts; accepted is one for each"
        )
    rows = []
    for at, each in enumerate(listed):
        try:
            rows.append(_read(model, each))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name} answer of row {at}: {error}") from error
    return _filled(rows, name, places)


def _read(model: TransformerBridge, answer: Any) -> Any:
    if isinstance(answer, Set):
        answer = sorted(answer, key=str)
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return [_read(model, each) for each in answer]
    return NONE if answer == NONE else token_id(model, answer)


def _filled(rows: list[Any], name: str, places: int | None) -> Int[Tensor, prompt * place_answer]:
    """Nested lists as a tensor: [prompt], with `places` [prompt, place], and answers if several."""
    grid = [[row] for row in rows] if places is None else rows
    if any(not isinstance(row, list) or len(row) != (places or 1) for row in grid):
        raise ValueError(f"{name} has not {places} answers in each row, one for each place")
    lists = [[one if isinstance(one, list) else [one] for one in row] for row in grid]
    if any(not one or any(isinstance(id, list) for id in one) for row in lists for one in row):
        raise ValueError(f"{name} has not an answer, or a list of answers, for each position")
    most = max(len(one) for row in lists for one in row)
    ids = torch.tensor([[one + [NONE] * (most - len(one)) for one in row] for row in lists])
    several = any(isinstance(one, list) for row in grid for one in row)
    ids = ids if several else ids[..., 0]
    return ids[:, 0] if places is None else ids
