"""The rule for classes of patterns, by a table that the view's tests read too."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from circuit_widgets.analysis.patterns.classes import PatternClass
from circuit_widgets.analysis.patterns.results import AttentionPatterns
from circuit_widgets.heads import Head
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score

CASES = json.loads((Path(__file__).parents[1] / "golden" / "classes.json").read_text())


def plane(values: list[float | None] | None) -> Tensor | None:
    if values is None:
        return None
    return torch.tensor([math.nan if value is None else value for value in values])[None]


def score(given: dict[str, Any]) -> Score:
    chance = math.nan if given["chance"] is None else given["chance"]
    parts = {name: plane(given[name]) for name in ("low", "high", "control", "control_high")}
    value = plane(given["value"])
    assert value is not None
    return Score(value=value, chance=torch.tensor(chance), **parts)


def patterns(
    kinds: list[dict[str, Any]], scores: dict[str, dict[str, Any]], nulls: dict[str, float]
) -> AttentionPatterns:
    """A result of one layer that knows nothing but these scores."""
    n = len(next(iter(scores.values()))["value"])
    return AttentionPatterns(
        provenance=Provenance("", "m", "", "", 0, {}, 1, 1, "prompts", "cpu", "float32", {}, 0.0),
        measured={name: score(given) for name, given in scores.items()},
        entropy_by_position=torch.zeros(1, n, 0),
        bins=(),
        thumbnails=torch.zeros(1, n, 0, 0, dtype=torch.uint8),
        thumbnail_scale=torch.zeros(1, n),
        thumbnail_tokens=(),
        thumbnail_ids=(),
        nulls=nulls,
        classes=tuple(
            PatternClass(label="", description="", function="", **kind) for kind in kinds
        ),
    )


@pytest.mark.parametrize("case", CASES, ids=[case["says"] for case in CASES])
def test_a_head_is_labelled_as_the_table_says(case):
    result = patterns(case["kinds"], case["scores"], case["nulls"])
    labels = result.labels(case["thresholds"])
    assert [labels[Head(0, head)] for head in range(len(labels))] == case["labels"]
