"""What was found, in sentences."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.optimization.results import Optimizations, PrunedCost, Suggestion


def percent(share: float, digits: int = 1) -> str:
    """A share as people write it.

    >>> percent(0.0123), percent(-0.00001)
    ('1.2 %', '0.0 %')
    """
    return f"{round(100 * share, digits) + 0.0:.{digits}f} %"


def signed(share: float) -> str:
    """A change, with its sign.

    >>> signed(0.0123), signed(-0.004)
    ('+1.23 %', '-0.40 %')
    """
    return f"{round(100 * share, 2) + 0.0:+.2f} %"


def rise_in_words(rise: Score, at: int, interval: str, best: float) -> str:
    """How much the loss rises at a point, beside random heads."""
    value = float(rise.value[at])
    way = "falls" if value < 0 else "rises"
    said = f"the loss on held-out texts {way} by {percent(abs(value), 2)}"
    if rise.low is not None and rise.high is not None and bool(rise.high[at].isfinite()):
        ends = f"{signed(float(rise.low[at]))} to {signed(float(rise.high[at]))}"
        said += f" ({interval} {ends})"
    if rise.control is None or not bool(rise.control[at].isfinite()):
        return said
    said += f"; as many random heads of the same layers: {signed(float(rise.control[at]))}"
    return (
        said if math.isnan(best) else f"{said}, the best of them on the other texts {signed(best)}"
    )


def saving(whole: PrunedCost, less: PrunedCost, *, timed: bool) -> str:
    """What a smaller model saves, of what can be counted and, if `timed`, of a pass's time."""
    said = [f"{percent(1 - less.parameters / whole.parameters)} of the parameters"]
    if whole.cache_bytes:
        said.append(f"{percent(1 - less.cache_bytes / whole.cache_bytes)} of the KV cache")
    if timed and less.saved is not None:
        said.append(f"{_time(less)} of the time of a pass")
    return ", ".join(said)


def _time(less: PrunedCost) -> str:
    saved = percent(less.saved or 0.0)
    if less.saved_low is None or less.saved_high is None:
        return f"{saved} (too few passes for an interval)"
    return f"{saved} ({percent(less.saved_low)} to {percent(less.saved_high)})"


def lines(result: Optimizations) -> list[str]:
    """The text form."""
    made, at = result.provenance, result.chosen
    n_all = result.shape[0] * result.shape[1]
    found = []
    if at:
        best = float(result.best_random[at])
        said = rise_in_words(result.rise, at, made.interval, best)
        found.append(f"{result.sizes[at]} of {n_all} heads can go: {said}")
        if at < len(result.costs):
            found.append(f"which saves {saving(result.costs[0], result.costs[at], timed=True)}")
    elif len(result.sizes) > 1:
        said = rise_in_words(result.rise, 1, made.interval, float(result.best_random[1]))
        found.append(f"no head can go within the tolerance: without {result.sizes[1]} {said}")
    if result.unsliced:
        found.append(f"what that would save was not measured: {result.unsliced}")
    found += [f"{each.kind}: {_short(each)}" for each in result.suggestions]
    if result.skipped:
        found.append(f"not looked for: {result.skipped}")
    return found


def _short(suggestion: Suggestion) -> str:
    names = suggestion.components
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    tried = "tried" if suggestion.tested else "not tried: it takes training"
    return f"{shown} ({tried})"
