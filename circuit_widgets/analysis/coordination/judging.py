"""What the evidence about two heads allows to say."""

from __future__ import annotations

from dataclasses import replace

from circuit_widgets.analysis.coordination.results import CoordinatedPair
from circuit_widgets.causal.control_paths import LEAST


def judge(pair: CoordinatedPair, bound: float, rounding: float = 0.0) -> CoordinatedPair:
    """The pair with the type and sign that its evidence allows, or why it has no type.

    `CoordinatedPair` says what the types mean.

    Args:
        pair: The evidence.
        bound: An effect inside ± this is as good as none.
        rounding: An effect up to this is none.
    """
    interacts = _is_there(pair, "interaction", rounding) and not pair.interaction_equivalent
    sign = None
    if interacts:
        sign = "redundancy" if (pair.interaction or 0) > 0 else "synergy"
    kind = _type(pair, bound, rounding)
    reason = _why_not(pair, bound, rounding) if kind == "not resolved" else ""
    return replace(pair, type=kind, sign=sign, reason=reason)


def _type(pair: CoordinatedPair, bound: float, rounding: float) -> str:
    if pair.interaction_low is None:
        return "not resolved"
    if _carries(pair, rounding) and _beyond_others(pair, rounding):
        return "serial"
    if pair.reader is not None:
        return "aggregation"
    no_path = pair.path is None or pair.path_equivalent
    if no_path and pair.interaction_equivalent and not _idle(pair, bound):
        return "parallel"
    return "not resolved"


def _why_not(pair: CoordinatedPair, bound: float, rounding: float) -> str:
    if pair.interaction_low is None:
        return "one prompt gives no interval"
    why = []
    if pair.path is not None and not pair.path_equivalent:
        if not _carries(pair, rounding):
            why.append(f"the path may be 0 and may be beyond ±{bound:g}")
        elif pair.path_null_low is None:
            why.append(
                f"there is a path, but to compare it takes {LEAST} others over as many layers, "
                f"and the model has {pair.path_controls}"
            )
        else:
            why.append("the path is no stronger than others over as many layers")
    if not pair.interaction_equivalent:
        there = _is_there(pair, "interaction", rounding)
        unsure = f"the interaction may be 0 and may be beyond ±{bound:g}"
        why.append("the heads interact" if there else unsure)
    if not why:
        heads = " and ".join(_idle(pair, bound))
        why.append(f"{heads} may have no effect beyond ±{bound:g}")
    after = "no later head reads both for sure" if pair.n_readers else "no head comes after both"
    return f"{', '.join(why)}; {after}"


def _carries(pair: CoordinatedPair, rounding: float) -> bool:
    """Whether there is a path for sure that is not as good as none."""
    return _is_there(pair, "path", rounding) and not pair.path_equivalent


def _beyond_others(pair: CoordinatedPair, rounding: float) -> bool:
    """Whether the path is outside of where one more random path would be."""
    low, high = pair.path_null_low, pair.path_null_high
    if pair.path is None or low is None or high is None:
        return False
    return not low - rounding <= pair.path <= high + rounding


def _idle(pair: CoordinatedPair, bound: float) -> list[str]:
    """The heads without an effect of their own that is there for sure and at least the bound."""
    found = []
    for name, head in (("effect_a", pair.a), ("effect_b", pair.b)):
        value = getattr(pair, name)
        if value is None or abs(value) < bound or not _is_there(pair, name, 0.0):
            found.append(head)
    return found


def _is_there(pair: CoordinatedPair, name: str, rounding: float) -> bool:
    """Whether an effect's interval excludes 0, and it is no rounding."""
    value, low, high = (getattr(pair, f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return False
    return (low > 0 or high < 0) and abs(value) > rounding
