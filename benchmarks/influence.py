"""Influence by all replacements, beside a pass each and beside a few draws, on ten texts.

Time, and Spearman's rank correlation of the effects of all positions with those of all
replacements. SmolLM2-135M. No estimate from slopes or from a linear fit is here, because a few
draws rank the positions better in the same time. On ten such texts, in one run: the change of the
embedding times the slope half way 0.51 on average, in a ninth of the time of all replacements;
ridge regression on 64 random subsets with a fifth of the tokens replaced (as ContextCite,
Cohen-Wang et al. 2024, which has a lasso) 0.57 in 0.4 of it, on 256 subsets 0.58 in twice of it.
Draws in the same run: 2 had 0.85 in a fifth of it, 4 had 0.86 in a third, 8 had 0.92 in half.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from scipy.stats import spearmanr

from benchmarks.measure import table
from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.models import load_model

DRAWS = (2, 4, 8)
TEXTS = [
    "When Mary and John went to the store, John gave a drink to",
    "The capital of France is Paris, and the capital of Italy is",
    "Anna met Robert in the park. Later on, Robert and Anna went home, and Robert said to",
    "In 1969, Neil Armstrong became the first person to walk on the surface of the",
    "def add(a, b):\n    return a + b\n\ndef subtract(a, b):\n    return a -",
    "Once upon a time there was a little girl. Everyone called her Little Red Riding",
    "Water boils at 100 degrees Celsius and freezes at 0 degrees",
    "The recipe needs two eggs, a cup of sugar and a cup of flour. First, beat the eggs with the",
    "The doctor told the nurse that she should give the patient his medicine, but the nurse",
    "Monday, Tuesday, Wednesday, Thursday, Friday,",
]


def _timed(model: Any, text: str, **given: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    result = compute_self_influence(model, text, progress=False, **given)
    return time.perf_counter() - began, result


def _a_pass_each(model: Any, result: Any) -> float:
    ids = torch.tensor([result.ids])
    began = time.perf_counter()
    with torch.no_grad():
        # The time of a pass does not depend on which token is another.
        for _ in range(int(result.n_replacements.sum())):
            model(ids)
    return time.perf_counter() - began


def run() -> str:
    """The section's table."""
    model = load_model("smollm2")
    seconds = dict.fromkeys(("all", "each", *DRAWS), 0.0)
    ranks: dict[int, list[float]] = {draws: [] for draws in DRAWS}
    for text in TEXTS:
        taken, every = _timed(model, text)
        seconds["all"] += taken
        seconds["each"] += _a_pass_each(model, every)
        known = every.logp.value.isfinite()
        for draws in DRAWS:
            taken, some = _timed(model, text, draws=draws)
            seconds[draws] += taken
            rho, _ = spearmanr(some.logp.value[known], every.logp.value[known])
            ranks[draws].append(float(rho))
    n = len(TEXTS)
    each = f"{seconds['each'] / n:.1f} s, a pass each"
    rows = [
        [
            "all replacements",
            f"{seconds['all'] / n:.1f} s",
            each,
            f"{seconds['each'] / seconds['all']:.1f} x",
            "1 by definition",
        ]
    ]
    for draws, found in ranks.items():
        rows.append(
            [
                f"{draws} draws",
                f"{seconds[draws] / n:.1f} s",
                f"{seconds['all'] / n:.1f} s, all replacements",
                f"{seconds['all'] / seconds[draws]:.1f} x",
                f"{sum(found) / n:.2f} on average, {min(found):.2f} at least",
            ]
        )
    return table(
        ["influence, mean of a text", "time", "beside", "faster", "rank correlation"], rows
    )
