"""A small model, and a result of it that a job could give."""

from __future__ import annotations

import pytest

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from tests.circuits import Circuit, build

SMALL = Circuit(2, 2, (0, 0), (1, 1))


@pytest.fixture(scope="module")
def model():
    return build(SMALL)


@pytest.fixture(scope="module")
def whole(model) -> InductionHeads:
    return identify_induction_heads(model, n_sequences=1, length=5, progress=False)
