"""The text form of `trace_induction`: what a terminal shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.induction.trace_results import InductionTrace


def lines_of_trace(result: InductionTrace) -> list[str]:
    """How many tokens repeat, and what each induction head does there."""
    if result.lengths:
        return _lines_of_means(result)
    at = result.repeats()
    lines = [
        f"{len(at)} of {len(result.tokens)} tokens appeared earlier; the token that followed then "
        f"is the model's top prediction {_times(int(result.predicted[at].sum()))}, and follows "
        f"again {_times(int(result.follows[at].sum()))}"
    ]
    for h, name in enumerate(result.heads):
        attention = float(result.attention[h, at].nanmean())
        added = float(result.added[h, at].nanmean())
        others = float(result.added_chance[h, at].nanmean())
        lines.append(
            f"{name} attends to that token with {attention:.2f} "
            f"(chance {float(result.chance[at].mean()):.2f}) and changes its logit by {added:+.2f} "
            f"(other tokens: {others:+.2f})"
        )
    return lines


def _lines_of_means(result: InductionTrace) -> list[str]:
    at, n = len(result.repeats()), result.n_prompts
    predicted, follows = (_percent(result.mean(name)) for name in ("predicted", "follows"))
    lines = [
        f"{at} of {len(result.tokens)} tokens appeared earlier in their prompt",
        f"Means over {n} prompts, in brackets the {result.interval}:",
        f"the token that followed then is the model's top prediction at {predicted} of them, and "
        f"follows again at {follows}",
    ]
    attention, added, hop = (result.mean(name) for name in ("attention", "added", "first_hop"))
    assert added.control is not None and attention.chance is not None and hop.chance is not None
    for h, name in enumerate(result.heads):
        chance, others = (float(part) for part in (attention.chance, added.control[h]))
        lines.append(
            f"{name} attends to that token with {_number(attention, h, '.2f')}, chance "
            f"{chance:.2f}, and changes its logit by {_number(added, h, '+.2f')}, other tokens "
            f"{others:+.2f}"
        )
    for h, name in enumerate(result.previous):
        lines.append(
            f"{name} attends from there to the token before it, the first hop, with "
            f"{_number(hop, h, '.2f')}, chance {float(hop.chance):.2f}"
        )
    return lines


def _number(score: Score, at: int, form: str) -> str:
    assert score.low is not None and score.high is not None
    value, low, high = (float(part[at]) for part in (score.value, score.low, score.high))
    return f"{value:{form}}" + (f" ({low:{form}} to {high:{form}})" if low == low else "")


def _percent(score: Score) -> str:
    assert score.low is not None and score.high is not None
    value, low, high = (100 * float(part) for part in (score.value, score.low, score.high))
    if value != value:
        return "none that counts"
    return f"{value:.0f} %" + (f" ({low:.0f} to {high:.0f} %)" if low == low else "")


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"
