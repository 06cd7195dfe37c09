"""Whether the interval of a median holds what it says, whatever values are like."""

from __future__ import annotations

import math

import pytest
import torch

from circuit_widgets.statistics.robust import median_interval


@pytest.mark.parametrize("n", [6, 9, 20])
def test_it_covers_the_median_of_skewed_values(n: int) -> None:
    values = torch.empty(2000, n).exponential_(generator=torch.Generator().manual_seed(0))
    ends = [median_interval(row, 0.9) for row in values.tolist()]
    covered = sum(low <= math.log(2) <= high for _, low, high in ends) / len(ends)
    assert 0.88 <= covered <= 0.985


def test_few_values_have_none() -> None:
    assert all(map(math.isnan, median_interval([], 0.95)))
    value, low, high = median_interval([1.0, 2.0, 3.0, 4.0, 5.0], 0.95)
    assert value == 3.0 and math.isnan(low) and math.isnan(high)
