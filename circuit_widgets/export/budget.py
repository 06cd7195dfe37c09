"""How many bytes a page may have, as people say it."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20}
_SAID = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)\s*")


def bytes_of(budget: Any) -> int:
    """Bytes of a budget.

    Raises:
        ValueError: Not a number of bytes, and not text like "1 MB".

    >>> bytes_of("1.5 MB"), bytes_of(300_000)
    (1500000, 300000)
    >>> bytes_of("much")
    Traceback (most recent call last):
    ValueError: budget is 'much'; accepted is a number of bytes, or text like "1 MB" or "300 kB"
    """
    if isinstance(budget, int) and not isinstance(budget, bool) and budget > 0:
        return budget
    said = _SAID.fullmatch(budget) if isinstance(budget, str) else None
    unit = None if said is None else _UNITS.get(said[2].lower())
    if said is None or unit is None or not float(said[1]) > 0:
        raise ValueError(
            f'budget is {budget!r}; accepted is a number of bytes, or text like "1 MB" or "300 kB"'
        )
    return int(float(said[1]) * unit)


def in_words(n: int) -> str:
    """Bytes for people.

    >>> in_words(1_500_000), in_words(431_200)
    ('1.5 MB', '431 kB')
    """
    return f"{n / 1e6:.1f} MB" if n >= 10**6 else f"{n / 1e3:.0f} kB"
