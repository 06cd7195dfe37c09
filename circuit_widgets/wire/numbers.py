"""Tensors as the plain numbers of a message: what is not a number is None."""

from __future__ import annotations

import math
import re

from torch import Tensor


def number(value: Tensor | float) -> float | None:
    """One number."""
    plain = float(value)
    return plain if math.isfinite(plain) else None


def numbers(values: Tensor) -> list[float | None]:
    """Several."""
    return [number(value) for value in values.flatten().tolist()]


def true_minus(text: str) -> str:
    """A sentence as the page writes its numbers: the hyphen before a number is a minus.

    >>> true_minus("well-known: -0.43 % to +0.01 %, 3-4")
    'well-known: −0.43 % to +0.01 %, 3-4'
    """
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)
