"""In what way a head fails: its attention, or what it writes of what it attends to.

Attention that fails is compared with the reference's at other temperatures (p to the power b):
what that explains is a collapse to even attention (b below 1) or to one key (b above 1), and the
rest goes to other keys. What is written is compared with the reference's values under the head's
own attention, so that a head whose attention alone fails is blamed for that alone.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.failures.deviations import attention_apart
from circuit_widgets.analysis.failures.parts import TYPES
from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.capture.close import alike
from circuit_widgets.heads import Head
from circuit_widgets.weights.groups import keys_read

# Powers of the reference's attention: 0 is even attention.
POWERS = (0.0, *(2 ** (at / 4) for at in range(-24, 29)))
# A part of the deviation as small as this share of the attention is none.
_LEAST = 1e-6
# What another head's values leave unexplained at most, as a share.
_EXPLAINED = 0.02
_TINY = 1e-12
# A write as small as this is none.
_NOTHING = 1e-9


def type_scores(
    own: Seen, usual: Seen, row: int, head: Head, edge: float = 0.0
) -> Float[Tensor, " type"]:
    """How much of a head's deviation each of `TYPES` is, from 0 to 1; together 1.

    Args:
        own: The model, given the reference's inputs.
        usual: The reference.
        row: Which prompt.
        head: Which head.
        edge: Which share of the change of what it reads is explained by a single edge that is cut:
            as much of its deviation is an interrupted path.
    """
    layer, at = head.layer, head.index
    patterns = [each.sites["pattern"][layer][row, at].float() for each in (own, usual)]
    mine, theirs = patterns
    apart = float(attention_apart(mine[None, None], theirs[None, None]))
    rest = min(apart, left_of(mine, theirs))
    lost, borrowed, over = _written(own, usual, row, head, attention_fails=apart > 1e-3)
    scores = torch.tensor([apart - rest, lost, rest + borrowed, over])
    total = scores.sum().clamp_min(_LEAST)
    shares = (1 - edge) * scores / total
    shares[TYPES.index("path_interruption")] += edge
    return shares


def left_of(mine: Float[Tensor, "query key"], theirs: Float[Tensor, "query key"]) -> float:
    """Total variation from the reference's attention at the temperature that comes nearest.

    >>> theirs = torch.tensor([[1.0, 0.0, 0.0], [0.2, 0.8, 0.0], [0.2, 0.3, 0.5]])
    >>> mine = theirs.sqrt()
    >>> round(left_of(mine / mine.sum(-1, keepdim=True), theirs), 4)
    0.0
    """
    seen = torch.ones_like(theirs).tril().bool()
    logs = theirs.clamp_min(1e-38).log()

    def left(powers: Float[Tensor, " power"]) -> Float[Tensor, " power"]:
        tried = (powers[:, None, None] * logs).masked_fill(~seen, -torch.inf).softmax(-1)
        tried = tried * theirs.sum(-1, keepdim=True)
        return attention_apart(tried[None], mine.expand_as(tried)[None])[0]

    powers = torch.tensor(POWERS, device=logs.device)
    found = left(powers)
    best, least, width = float(powers[found.argmin()]), float(found.min()), 0.25
    # Ever nearer to the best: faults that are hardly there are powers that are hardly not 1.
    for _ in range(4):
        near = best * 2 ** torch.linspace(-width, width, 9, device=logs.device)
        found = left(near)
        if float(found.min()) < least:
            best, least = float(near[found.argmin()]), float(found.min())
        width /= 4
    return least


def _written(
    own: Seen, usual: Seen, row: int, head: Head, *, attention_fails: bool
) -> tuple[float, float, float]:
    """Which share of what it should write is missing, is another head's, and is too much.

    In direction and in size: of two writes of an angle whose cosine is c and of sizes whose ratio
    is r, 1 - c min(r, 1) is missing, and 1 - 1/r, if r is above 1, is too much. What is missing is
    another head's, if that head's values explain what is there.
    """
    layer, at = head.layer, head.index
    values = _values(usual, row, layer)
    mine, theirs = (each.writes[layer][row, 1:, at] for each in (own, usual))
    borrowed = False
    if values is None and attention_fails:
        return 0.0, 0.0, 0.0
    if values is not None:
        pattern = own.sites["pattern"][layer][row, at].float()
        z, made = own.sites["z"][layer][row, 1:, at].float(), (pattern @ values)[:, 1:]
        if attention_fails:
            mine, theirs = z, made[at]
        borrowed = _another(z, made, at, _same_values(usual, layer, at))
    missing, over = lost_and_over(mine, theirs)
    return (0.0, missing, over) if borrowed else (missing, 0.0, over)


def lost_and_over(
    mine: Float[Tensor, "pos d"], theirs: Float[Tensor, "pos d"]
) -> tuple[float, float]:
    """Which share of one write is missing in another, and which share of that is too much.

    >>> lost_and_over(torch.ones(2, 3) * 4, torch.ones(2, 3))
    (0.0, 0.75)
    """
    if float(mine.norm()) < _NOTHING and float(theirs.norm()) < _NOTHING:
        return 0.0, 0.0
    sizes = mine.norm(), theirs.norm().clamp_min(_TINY)
    ratio = float(sizes[0] / sizes[1])
    cosine = float((mine * theirs).sum() / (sizes[0] * sizes[1]).clamp_min(_TINY))
    # A cosine of 1 is hardly ever 1 to the last bit.
    missing = max(0.0, round(1 - max(0.0, cosine) * min(ratio, 1.0), 6))
    return missing, max(0.0, 1 - 1 / max(ratio, _TINY))


def _another(
    z: Float[Tensor, "pos d_head"],
    made: Float[Tensor, "head pos d_head"],
    at: int,
    same: list[int],
) -> bool:
    """Whether z is a mixture of what is made of the head's own values and of another head's."""
    left = {}
    for other in range(len(made)):
        if other in same:
            continue
        parts = torch.stack([made[at].flatten(), made[other].flatten()], 1)
        found = torch.linalg.lstsq(parts.cpu(), z.flatten().cpu()[:, None]).solution[:, 0]
        rest = z.flatten().cpu() - parts.cpu() @ found
        left[other] = (float(rest.norm() / z.norm().clamp_min(_TINY)), float(found[1]))
    if not left:
        return False
    share, amount = min(left.values())
    return share < _EXPLAINED and amount > 0.01


def _same_values(usual: Seen, layer: int, at: int) -> list[int]:
    """Heads that read the same values as one does."""
    n_heads, n_keys = usual.nodes.heads[layer], usual.sites["v"][layer].shape[2]
    read = keys_read(usual.model, layer, n_heads, n_keys)
    return [head for head, key in enumerate(read) if key == read[at]]


def _values(usual: Seen, row: int, layer: int) -> Float[Tensor, "head pos d_head"] | None:
    """The values that each head reads in the reference.

    None: z is not made of attention and values in this architecture.
    """
    z, v = usual.sites["z"][layer][row], usual.sites["v"][layer][row].float()
    if v.ndim != 3 or v.shape[0] != len(z) or v.shape[-1] != z.shape[-1]:
        return None
    read = keys_read(usual.model, layer, z.shape[1], v.shape[1])
    values = v[:, read].movedim(1, 0)
    pattern = usual.sites["pattern"][layer][row].float()
    return values if alike(pattern @ values, z.movedim(1, 0).float()) else None
