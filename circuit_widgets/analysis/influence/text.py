"""The text form of self-influence: what a terminal shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets.prompts.characters import quoted
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.influence.results import SelfInfluence

# Positions that are named.
_NAMED = 5


def lines_of(result: SelfInfluence) -> list[str]:
    """What was replaced by what, the positions with an effect, own outputs beside the prompt."""
    at, mean = _output(result), "mean " if result.prompts else ""
    measure = {
        "logp": f"The {mean}{result.measured}{at} is higher with the token than without it by "
        "(nats):",
        "kl": f"The {mean}KL divergence of the output{at} without the token from the output with "
        "it is (nats):",
        "norm": f"The {mean}L2 norm of the change of the logits{at} without the token is:",
    }
    lines = []
    if result.by_distance:
        lines.append(
            "The prompts are aligned at the output that is read: a mean is one over tokens equally "
            "far before it"
        )
    lines += [f"Each token is replaced by {result.replaced_by}", measure[result.metric]]
    lines += [_line(result, *source) for source in result.sources(_NAMED)] or [_nothing(result)]
    if any("⟨" in token for token in result.tokens) and result.prompts:
        lines.append(
            "⟨a⟩+2: prompts differ there; a is the commonest token, and there are 2 others"
        )
    if result.own is not None and result.prompt is not None and len(result.own.value):
        lines.append(_split(result, result.own, result.prompt))
    return lines


def _output(result: SelfInfluence) -> str:
    """Whose output is read, where all prompts have it at one position."""
    return "" if result.by_distance else f" after position {result.position}"


def _place(result: SelfInfluence, position: int) -> str:
    """A position, or where prompts have different ones how far it is from the one that is read."""
    if not result.by_distance:
        return str(position)
    away = result.position - position
    return "at the output" if not away else f"{away} token{'s' * (away > 1)} before"


def _line(
    result: SelfInfluence, position: int, token: str, effect: float, low: float, high: float
) -> str:
    said = []
    if low == low:
        n = int(result.n_at[position])
        of = f", n = {n}" if result.prompts and n < result.n_prompts else ""
        said.append(f"{result.interval} {low:.2f} to {high:.2f}{of}")
    elif result.metric == "logp":
        spread = float(result.logp_spread[position])
        said.append(f"standard deviation over replacements {spread:.2f}")
    if result.metric == "kl" and result.kl.control_high is not None:
        most = float(result.kl.control_high[position])
        said.append(f"random changes of equal size: at most {most:.2f}")
    more = f" ({'; '.join(said)})" if said else ""
    return f"{_place(result, position)} {quoted(token)}: {effect:+.2f}{more}"


def _nothing(result: SelfInfluence) -> str:
    at = f"No position's effect on the output{_output(result)}"
    if result.metric == "kl":
        return f"{at} is above that of every random change of equal size"
    if result.metric == "norm" or (result.enumerated and not result.prompts):
        return f"{at} is more than rounding"
    return f"{at} has a {result.interval} that excludes 0"


def _split(result: SelfInfluence, own: Score, prompt: Score) -> str:
    def mean(tensor: Tensor | None) -> str:
        number = math.nan if tensor is None else float(tensor.nanmean())
        return f"{number:.2f}" if number == number else "none (no such token)"

    by = "there is no sampling error"
    if not result.enumerated:
        by = f"draws alone would make {mean(own.control)} and {mean(prompt.control)}"
    elif result.prompts:
        by = f"mean of {result.n_prompts} prompts; over replacements there is no sampling error"
    return (
        "The mean influence on a generated token, of one token other than the one right before "
        f"it, is {mean(own.value)} nats for the model's own earlier tokens and "
        f"{mean(prompt.value)} nats for tokens of the prompt ({by})"
    )
