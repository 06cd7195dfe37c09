"""What a layer does to its heads' output and adds beside it, by two more rows of the same pass.

Row 0 is the text. In row 1 every value is 1: what z is then, where the weights of a query sum to 1,
is what each number of a head is multiplied by at that query, a gate or the gain of a norm. In row 2
every second position has another stream, and attention adds what it adds in row 0: what the layer
adds besides is the same at the other positions only if it comes from a position's own stream.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.capture import Intervention
from circuit_widgets.capture.edits import Edit

ROWS = 3
_ONES, _OTHERS = 1, 2
# A query whose weights sum to less writes nothing: a sink has the rest.
_LEAST = 1e-6


def edits() -> list[Intervention]:
    """What makes these rows, in each layer, of a batch that is `ROWS` times the text."""
    return [
        Edit("resid_pre", None, _other_streams),
        Edit("v", None, _ones),
        Edit("attn_out", None, lambda _, added: added[:1].expand_as(added)),
    ]


def _other_streams(_: int, stream: Float[Tensor, "row pos d_model"]) -> Tensor:
    edited = stream[:1].repeat(len(stream), 1, 1)
    changed = _every_other(stream.shape[1])[0]
    edited[_OTHERS, changed] = edited[_OTHERS, changed].roll(1, -1)
    return edited


def _ones(_: int, value: Float[Tensor, "row pos head d_head"]) -> Tensor:
    edited = value.clone()
    edited[_ONES] = 1
    return edited


def gate_of(
    z: Float[Tensor, "row query head d_head"],
    pattern: Float[Tensor, "row head query key"],
    mixed: Float[Tensor, "query head d_head"],
) -> Float[Tensor, "query head d_head"]:
    """What z is, divided by the values as attention mixes them, if it depends on the query only.

    From the row of ones, and of the text one number a query (the scale of a norm over heads):
    whether that explains z is the caller's to check.
    """
    whole = pattern[_ONES].sum(-1).T[..., None]
    gate = (z[_ONES] / whole).where(whole > _LEAST, 0)
    plain = gate * mixed
    size = plain.square().sum((1, 2), keepdim=True)
    return gate * (plain * z[0]).sum((1, 2), keepdim=True) / torch.where(size > 0, size, 1)


def comes_from_itself(added: Float[Tensor, "row pos d_model"], most: float) -> bool:
    """Whether what is added besides attention is the same where other positions are others.

    most: how far it may be apart.
    """
    kept = _every_other(added.shape[1])[1]
    apart = (added[_OTHERS] - added[0])[kept].abs()
    return not bool((apart > most).any())


def _every_other(n: int) -> tuple[slice, slice]:
    """Positions that have another stream, and those that keep theirs: the last is one of these."""
    return slice(n % 2, None, 2), slice(1 - n % 2, None, 2)
