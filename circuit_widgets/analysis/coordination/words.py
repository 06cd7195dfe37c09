"""What a result says in words: how sure the similarities are, and what could have been found."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from scipy.special import ndtri

from circuit_widgets.analysis.coordination.turned import TURNS

if TYPE_CHECKING:
    from circuit_widgets.analysis.coordination.results import CoordinatedPair, HeadCoordination
    from circuit_widgets.results.provenance import Provenance


def significance(result: HeadCoordination) -> list[str]:
    """How many pairs are significant, or what could have been, and which have no p."""
    tested = result.n_tested
    without = [f"{_pairs(n)} without a p: {reason}" for reason, n in untested(result)]
    if not tested:
        return ["No pair could be tested", *without]
    found = len(result.significant())
    lines = [
        f"{found} of {tested} pairs are significant (q < {result.fdr:g}) by {result.method}",
        *without,
    ]
    return lines if found else [*lines, could_have_been(result)]


def described(result: HeadCoordination) -> list[str]:
    """The typed pairs, a line each; before them what their intervals are."""
    if not result.pairs:
        return []
    made = result.provenance
    lines = [_described(pair, made) for pair in result.pairs]
    together = f"Of pairs, intervals are the {result.interval_of_pairs}"
    return lines if result.interval_of_pairs == made.interval else [together, *lines]


def _described(pair: CoordinatedPair, made: Provenance) -> str:
    bound, which = made.parameters.get("equivalence"), made.interval
    readers = f"{which}, corrected for {pair.n_readers} readers"
    said = {
        "serial": f"{pair.a} acts through {pair.b} (serial)",
        "parallel": f"{pair.a} and {pair.b} act independently (parallel: within ±{bound})",
        "aggregation": f"{pair.a} and {pair.b} are both read by {pair.reader} (aggregation)",
    }.get(pair.type, f"How {pair.a} and {pair.b} work together is not resolved")
    others = _span("other paths", pair.path_null_low, pair.path_null_high)
    effects = [
        _effect(pair, "path", "path effect", [which, others]),
        _effect(pair, "interaction", "interaction", [which]),
        _effect(pair, "reader_a", f"path effect {pair.a} to {pair.reader}", [readers]),
        _effect(pair, "reader_b", f"path effect {pair.b} to {pair.reader}", [readers]),
    ]
    sign = f", with {pair.sign}" if pair.sign else ""
    why = f" ({pair.reason})" if pair.reason else ""
    return f"{said}{why}{sign}: {', '.join(effect for effect in effects if effect)}"


def _effect(pair: CoordinatedPair, field: str, name: str, beside: list[str]) -> str:
    value, low, high = (getattr(pair, f"{field}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return ""
    spans = [_span(beside[0], low, high), *beside[1:]]
    spans = [span for span in spans if span]
    return f"{name} {value:.3g}" + (f" ({'; '.join(spans)})" if spans else "")


def _span(name: str, low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{name} {low:.3g} to {high:.3g}"


def could_have_been(result: HeadCoordination) -> str:
    """What one pair alone would have needed to be significant."""
    needed = result.fdr / result.n_tested
    among = f"one pair among {result.n_tested} needs p < {needed:.2g}"
    least = detectable(result)
    shuffles = f"{result.n_shuffles} shuffles" if result.n_shuffles else ""
    if result.least_p is not None and (least is None or result.least_p >= needed):
        return (
            f"Nothing could have been: {among}, and with {shuffles} p is at least "
            f"{result.least_p:.2g}"
        )
    given = f"; {shuffles}, p is at least {result.least_p:.2g}" if result.least_p else ""
    if least is None or least > 1:
        return f"Nothing could have been: {among}, which takes a similarity beyond 1{given}"
    size = "|similarity|" if result.signed else "similarity"
    return f"A {size} of about {least:.2f} would have been (median over pairs; {among}{given})"


def detectable(result: HeadCoordination) -> float | None:
    """The similarity from which one pair alone is significant, about; None: there is none.

    The median over pairs of what lies beyond both nulls, taken as normal.
    """
    tested = result.p.triu(1).isfinite().triu(1)
    if not result.n_tested:
        return None
    tail = result.fdr / result.n_tested / (2 if result.signed else 1)
    z = float(-ndtri(tail))
    needed = []
    nulls = [(result.null_mean, result.null_std, result.n_shuffles)]
    if result.n_shuffles:
        nulls.append((result.random_mean, result.random_std, TURNS))
    for mean, std, n in nulls:
        beyond = _beyond(z, n) if result.signed and n else z
        middle = mean[tested].abs() if result.signed else mean[tested]
        needed.append(middle + beyond * std[tested])
    least = float(torch.stack(needed).amax(0).median())
    return least if math.isfinite(least) else None


def untested(result: HeadCoordination) -> list[tuple[str, int]]:
    """Why pairs have no p, and how many."""
    why = result.why[tuple(torch.triu_indices(len(result.heads), len(result.heads), 1))]
    counted = [(reason, int((why == at).sum())) for at, reason in enumerate(result.reasons)]
    return [(reason, n) for reason, n in counted if n]


def _beyond(z: float, n: int) -> float:
    """How far beyond n shuffles, in their spread, is z in the spread of these and itself."""
    left = (n / (n + 1)) ** 2 - z**2 / (n + 1)
    return math.sqrt(z**2 * (n - 1) / n / left) if left > 0 else math.inf


def _pairs(n: int) -> str:
    return "1 pair is" if n == 1 else f"{n} pairs are"
