"""Faults of where a head looks: edits of its attention weights."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.causal.faults.kinds import SHARE, Asked, Kind, Plan, mixed, on_head

Pattern = Float[Tensor, "batch query key"]
# A row that lacks less than this of a sum of 1 has no sink.
_ROUNDING = {torch.float16: 1e-2, torch.bfloat16: 5e-2}


def _places(pattern: Pattern) -> tuple[Tensor, Tensor]:
    """Where queries and keys are in the prompt, as a column and a row."""
    n_queries, n_keys = pattern.shape[-2:]
    keys = torch.arange(n_keys, device=pattern.device)
    return keys[n_keys - n_queries :, None], keys[None]


def _redirect(asked: Asked) -> Plan:
    key = asked.options["key"]

    def function(own: Pattern, _: Tensor) -> Pattern:
        queries, keys = _places(own)
        there = (keys == key).expand_as(own).to(own.dtype)
        return torch.where(queries >= key, mixed(own, there, asked.strength), own)

    return Plan([on_head(asked, "pattern", asked.head.index, function)], (asked.head,))


def _shift(asked: Asked) -> Plan:
    shift = asked.options["shift"]

    def function(own: Pattern, _: Tensor) -> Pattern:
        moved = torch.zeros_like(own)
        moved[..., : max(0, own.shape[-1] - shift)] = own[..., shift:]
        moved[..., 0] += own[..., : min(shift, own.shape[-1])].sum(-1)
        return mixed(own, moved, asked.strength)

    return Plan([on_head(asked, "pattern", asked.head.index, function)], (asked.head,))


def _truncate(asked: Asked) -> Plan:
    window = asked.options["window"]

    def function(own: Pattern, _: Tensor) -> Pattern:
        queries, keys = _places(own)
        left = torch.where(keys > queries - window, own, 0).float()
        before, after = own.float().sum(-1, keepdim=True), left.sum(-1, keepdim=True)
        sink = (1 - before).where(1 - before > _ROUNDING.get(own.dtype, 1e-4), 0)
        grown = left * (before + sink) / (after + sink).clamp_min(1e-38)
        return mixed(own, grown.to(own.dtype), asked.strength)

    return Plan([on_head(asked, "pattern", asked.head.index, function)], (asked.head,))


ATTENTION: dict[str, Kind] = {
    "redirect": Kind("redirects attention to one key", SHARE, 1.0, _redirect, options={"key": 0}),
    "shift_positions": Kind(
        "shifts attention to earlier positions", SHARE, 1.0, _shift, options={"shift": 1}
    ),
    "truncate": Kind(
        "cuts off keys that are far back", SHARE, 1.0, _truncate, options={"window": 2}
    ),
}
