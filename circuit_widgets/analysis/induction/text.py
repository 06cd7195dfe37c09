"""The text form of `identify_induction_heads`: what a terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit_widgets.analysis.induction.scores import ABLATED, ABOVE
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.heads import Head
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.induction.results import InductionHeads, InductionPair

# Heads that a line names, at most.
_NAMED = 8


def lines_of_heads(result: InductionHeads) -> list[str]:
    """The scores of attention, the losses, the ablation and the confirmed pairs."""
    interval = result.provenance.interval
    lines = [
        _score_line(about.label, result.score(name), result.heads(name), about.null, interval)
        for name, about in SCORES.items()
    ]
    if result.loss_first is not None and result.loss_second is not None:
        second = _numbers(result.loss_second)
        lines.append(
            f"Loss is {float(result.loss_first.value):.2f} nats on the first copy and "
            f"{second['value']:.2f} on the second (control {second['control']:.2f})"
        )
    if result.text_in_context is not None:
        late = _numbers(result.text_in_context)
        lines.append(
            f"Loss at token 500 minus loss at token 50 is {late['value']:+.2f} nats "
            f"(tokens in random order: {late['control']:+.2f})"
        )
    if result.joint_ablation is not None:
        lines.append(
            _ablation_line(result.joint_ablation, interval, min(ABLATED, result.provenance.n_done))
        )
    pairs = result.pairs or ()
    lines += [_pair_line(pair, f"{interval} for all pairs") for pair in pairs if pair.confirmed]
    n = sum(not pair.confirmed for pair in pairs)
    if n:
        lines.append(f"{n} of {len(pairs)} pairs are not confirmed; `pairs` says why not")
    return lines


def _score_line(label: str, score: Score, listed: list[Head], null: str, interval: str) -> str:
    missing = int(score.value.isnan().sum())
    note = f" ({missing} of {score.value.numel()} heads missing)" if missing else ""
    if missing == score.value.numel():
        return f"{label} could not be computed{note}"
    at = int(score.value.nan_to_num(-float("inf")).argmax())
    head = Head(*divmod(at, score.value.shape[1]))
    best = {name: float(of.flatten()[at if of.ndim else 0]) for name, of in score.tensors().items()}
    line = (
        f"{label} is highest in {head}: {best['value']:.2f}{_span(best, '.2f', interval)}; "
        f"control {best['control']:.2f}, chance {best['chance']:.2f}{note}"
    )
    if not listed:
        return line
    named = ", ".join(map(str, listed[:_NAMED])) + (", ..." if len(listed) > _NAMED else "")
    versus = "its control" if null == "control" else "chance"
    said = f"{interval} above" if best["low"] == best["low"] else "Above"
    return f"{line}. {said} {ABOVE:.2f} and {versus}: {named}"


def _ablation_line(score: Score, interval: str, n: int) -> str:
    lost = _numbers(score)
    line = (
        f"Loss on the second copy rises by {lost['value']:+.2f} nats"
        f"{_span(lost, '+.2f', interval)} without the induction heads, on {n} sequences; "
    )
    if lost["control"] != lost["control"]:
        return line + "their layers have too few other heads for a random set to compare with"
    ends = {"low": lost["control_low"], "high": lost["control_high"]}
    more = interval.replace(" interval", " of further sets")
    return line + (
        f"without as many random heads of the same layers by {lost['control']:+.2f}"
        f"{_span(ends, '+.2f', more)}"
    )


def _pair_line(pair: InductionPair, interval: str) -> str:
    ends = {"low": _known(pair.path_low), "high": _known(pair.path_high)}
    share = "" if pair.path_share is None else f", {100 * pair.path_share:.0f} % of its value,"
    random = "" if pair.path_null is None else f" (random heads: {pair.path_null:.2f})"
    weights = []
    if pair.k_percentile is not None:
        weights.append(f"higher than of {pair.k_percentile:.0f} % of the other earlier heads")
    if pair.k_z is not None:
        weights.append(f"{pair.k_z:.1f} SD from rotated weights")
    composed = f"; K-composition is {', '.join(weights)}" if weights else ""
    return (
        f"{pair.induction_head} reads {pair.previous_token_head} through its keys: prefix matching "
        f"falls by {_known(pair.path):.2f}{_span(ends, '.2f', interval)}{share} when that path is "
        f"ablated{random}{composed}"
    )


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def _numbers(score: Score) -> dict[str, float]:
    return {name: float(tensor) for name, tensor in score.tensors().items()}


def _span(numbers: dict[str, float], form: str, interval: str) -> str:
    """An interval in brackets with its level, if there is one."""
    low, high = numbers["low"], numbers["high"]
    return "" if low != low else f" ({interval} {low:{form}} to {high:{form}})"
