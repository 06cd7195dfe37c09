"""A trace of several prompts in numbers: a mean over each one's repeated tokens, then over all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import SHARE, mean_of_known, share_interval

if TYPE_CHECKING:
    from circuit_widgets.analysis.induction.trace_results import InductionTrace

# Which heads each number is of, in the order of its axes.
OF_HEADS = {
    "attention": ("heads",),
    "added": ("heads",),
    "first_hop": ("previous",),
    "paths": ("previous", "heads"),
}
MEANS = (*OF_HEADS, "probability", "predicted", "follows")


def means_by_prompt(trace: InductionTrace, name: str) -> Float[Tensor, "prompt ..."]:
    """A mean over the repeated tokens of each prompt; NaN where it has none that counts."""
    if name not in MEANS:
        raise ValueError(f"there is no mean of {name!r}; accepted are {', '.join(MEANS)}")
    values = getattr(trace, name)
    unknown = _last(trace) if name == "follows" else None
    return _by_prompt(trace, values, unknown)


def mean_over_prompts(trace: InductionTrace, name: str) -> Score:
    """Its mean, with an interval over prompts and what uniform attention or other tokens give."""
    samples, confidence = means_by_prompt(trace, name), trace.provenance.parameters["confidence"]
    if name in ("predicted", "follows"):
        # (Of shares that are all 0 or all 1 there is no spread to go by.)
        known = samples[samples.isfinite()]
        nothing = torch.full((3,), torch.nan)
        value, low, high = share_interval(known, confidence) if len(known) else nothing
        return Score(value=value, low=low, high=high)
    if name == "added":
        value, low, high = mean_of_known(samples, confidence)
        others = _by_prompt(trace, trace.added_chance, None)
        control, control_low, control_high = mean_of_known(others, confidence)
        return Score(value, None, control, low, high, control_low, control_high)
    value, low, high = mean_of_known(samples, confidence, SHARE)
    if name == "probability":
        return Score(value=value, low=low, high=high)
    # The first hop is from the token after the earlier occurrence, which is at `earlier` + 1.
    first = 1 / (trace.earlier - _starts(trace) + 2)
    chance = {"attention": trace.chance, "first_hop": first, "paths": trace.chance * first}[name]
    return Score(value, _by_prompt(trace, chance, None).nanmean(), None, low, high)


def _by_prompt(
    trace: InductionTrace, values: Tensor, unknown: Tensor | None
) -> Float[Tensor, "prompt ..."]:
    at = trace.earlier >= 0
    if unknown is not None:
        at = at & ~unknown
    rows = values.float().masked_fill(~at, torch.nan).split(trace.lengths, dim=-1)
    return torch.stack([row.nanmean(-1) for row in rows])


def _starts(trace: InductionTrace) -> Tensor:
    """Where each position's prompt begins."""
    lengths = torch.tensor(trace.lengths)
    return (lengths.cumsum(0) - lengths).repeat_interleave(lengths)


def _last(trace: InductionTrace) -> Tensor:
    """Whether a position is the last of its prompt."""
    last = torch.zeros(len(trace.ids), dtype=torch.bool)
    last[torch.tensor(trace.lengths).cumsum(0) - 1] = True
    return last
