"""Whether two results have the same numbers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from circuit_widgets.results.fields import is_scores
from circuit_widgets.results.score import Score


def same(one: Any, other: Any) -> bool:
    """Exactly the same; NaN is the same as NaN."""
    if isinstance(one, Score) and isinstance(other, Score):
        mine, theirs = one.tensors(), other.tensors()
        return set(mine) == set(theirs) and all(same(mine[name], theirs[name]) for name in mine)
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(
            torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
        )
    if is_scores(one) and is_scores(other):
        # The order of names is the order in which they are shown.
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        names = (field.name for field in dataclasses.fields(one))
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    return one == other
