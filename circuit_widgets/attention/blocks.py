"""A causal pattern read a few queries at a time, so that it is fetched from memory once."""

from __future__ import annotations

from collections.abc import Iterator

from jaxtyping import Float
from torch import Tensor

# Values in a block. Smaller ones cost a processor more in calls, larger ones leave its cache; a GPU
# has no use for small blocks, and each costs it several launches.
_ON_CPU, _ELSEWHERE = 2**20, 2**26


def query_blocks(
    pattern: Float[Tensor, "head query key"], *, first: int = 0, step: int = 1
) -> Iterator[tuple[int, int]]:
    """Where blocks of queries begin and end, from `first` on, in multiples of `step`."""
    n_heads, n_queries, n_keys = pattern.shape
    values = _ON_CPU if pattern.device.type == "cpu" else _ELSEWHERE
    rows = max(1, values // max(1, n_heads * n_keys * step)) * step
    for start in range(first, n_queries, rows):
        yield start, min(start + rows, n_queries)
