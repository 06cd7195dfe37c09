"""Arguments, checked once and alike: whole numbers, shares, choices, flags, seeds.

A check gives the value back as a plain Python one. numpy's and torch's numbers are numbers; `True`
is not, because `n_sequences=True` is a slip and not a 1.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable
from typing import Any

import torch


def whole(name: str, value: Any, least: int = 0, most: int | None = None) -> int:
    """A whole number from `least` on, and up to `most` if there is one.

    Raises:
        ValueError: It is something else; the sentence says what is accepted.

    >>> whole("batch", 4, least=1)
    4
    >>> whole("batch", True, least=1)
    Traceback (most recent call last):
    ValueError: batch is True; accepted is a whole number from 1
    """
    number = _index(value)
    if number is None or number < least or (most is not None and number > most):
        to = "" if most is None else f" to {most}"
        raise ValueError(f"{name} is {shown(value)}; accepted is a whole number from {least}{to}")
    return number


def place(name: str, value: Any, n: int) -> int:
    """One of n places in a row, counted from the end where it is negative, as Python does.

    Raises:
        ValueError: There is no such place.

    >>> place("position", -1, 6)
    5
    >>> place("position", 6, 6)
    Traceback (most recent call last):
    ValueError: position is 6; accepted is a whole number from 0 to 5, or from -6 to -1 from the end
    """
    number = _index(value)
    if number is None or not -n <= number < n:
        raise ValueError(
            f"{name} is {shown(value)}; accepted is a whole number from 0 to {n - 1}, or "
            f"from {-n} to -1 from the end"
        )
    return number % n


def share(name: str, value: Any, *, ends: bool = False, example: float = 0.95) -> float:
    """A number between 0 and 1; `ends` accepts 0 and 1 themselves.

    Raises:
        ValueError: It is something else.

    >>> share("confidence", 0.9)
    0.9
    >>> share("confidence", 95)
    Traceback (most recent call last):
    ValueError: confidence is 95; accepted is between 0 and 1, like 0.95
    """
    number = _real(value)
    inside = number is not None and (0 <= number <= 1 if ends else 0 < number < 1)
    if number is None or not inside:
        accepted = "0 to 1" if ends else f"between 0 and 1, like {example}"
        raise ValueError(f"{name} is {shown(value)}; accepted is {accepted}")
    return number


def positive(name: str, value: Any, *, example: float) -> float:
    """A number above 0.

    Raises:
        ValueError: It is something else.

    >>> positive("equivalence", -1, example=0.02)
    Traceback (most recent call last):
    ValueError: equivalence is -1; accepted is a number above 0, like 0.02
    """
    number = _real(value)
    if number is None or not 0 < number < math.inf:
        raise ValueError(f"{name} is {value!r}; accepted is a number above 0, like {example:g}")
    return number


def choice(name: str, value: Any, accepted: Iterable[str]) -> str:
    """One of some names.

    Raises:
        ValueError: Another; the sentence lists them, and names the one that was probably meant.

    >>> choice("mode", "exact", ("exact", "fast"))
    'exact'
    >>> choice("mode", "exat", ("exact", "fast"))
    Traceback (most recent call last):
    ValueError: mode is 'exat'; did you mean 'exact'? accepted are 'exact', 'fast'
    """
    names = list(accepted)
    if not isinstance(value, str) or value not in names:
        meant = _meant(value, names) if isinstance(value, str) else None
        hint = f"did you mean {meant!r}? " if meant else ""
        listed = ", ".join(map(repr, names))
        raise ValueError(f"{name} is {shown(value)}; {hint}accepted are {listed}")
    return value


def _meant(value: str, names: list[str]) -> str | None:
    # A hyphen for an underscore, and a beginning, say more than how many letters differ.
    typed = value.lower().replace("_", "-")
    plain = {name: name.lower().replace("_", "-") for name in names}
    same = [name for name in names if plain[name] == typed]
    begun = [name for name in names if len(typed) > 1 and plain[name].startswith(typed)]
    close = difflib.get_close_matches(value, names, n=1)
    return next(iter([*same, *begun, *close]), None)


def flag(name: str, value: Any) -> bool:
    """True or False, and not a number that would count as one.

    Raises:
        ValueError: It is something else.

    >>> flag("loss", False)
    False
    """
    if type(value).__name__ in ("bool", "bool_") and value in (True, False):
        return bool(value)
    raise ValueError(f"{name} is {shown(value)}; accepted are True and False")


def seed(value: Any) -> int:
    """A seed of torch's and numpy's generators.

    Raises:
        ValueError: It is something else.

    >>> seed(0)
    0
    """
    return whole("seed", value, 0, 2**63 - 1)


def _index(value: Any) -> int | None:
    """A whole number as Python's, or None."""
    if _truth(value):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _real(value: Any) -> float | None:
    if _truth(value) or isinstance(value, (str, bytes, bytearray)):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _truth(value: Any) -> bool:
    """Whether it is a truth value; torch's and numpy 1's count as 0 or 1 for `operator.index`."""
    return isinstance(value, bool) or getattr(value, "dtype", None) in (torch.bool, "bool")


def shown(value: Any) -> str:
    """What an error says a value is: its text on one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) < 60 else f"{text[:57]}..."
