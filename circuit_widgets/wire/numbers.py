"""Tensors as the plain numbers of a message: what is not a number is None."""

from __future__ import annotations

import math

from torch import Tensor


def number(value: Tensor | float) -> float | None:
    """One number."""
    plain = float(value)
    return plain if math.isfinite(plain) else None


def numbers(values: Tensor) -> list[float | None]:
    """Several."""
    return [number(value) for value in values.flatten().tolist()]
