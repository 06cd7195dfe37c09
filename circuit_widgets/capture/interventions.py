"""Edits of activations: ablate, patch, scale, knock out. Give them to `run`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.capture.chosen import (
    HeadLike,
    Positions,
    by_layer,
    check_heads,
    indices,
    several,
)
from circuit_widgets.capture.edits import Edit, Intervention
from circuit_widgets.heads import Head

Reference = Mapping[int, Float[Tensor, "batch pos head d_head"]]
# Which axis of a site counts heads, and which positions; other sites have [batch, pos, ...].
_HEAD_AXIS = {"pattern": 1, "z": 2, "q": 2, "k": 2, "v": 2}
_POSITION_AXIS = {"pattern": 2}
# How far a row of attention weights may be from a sum of 1 by rounding.
_ROUNDING = {torch.float16: 1e-2, torch.bfloat16: 5e-2}


def ablate(
    heads: HeadLike | Iterable[HeadLike],
    *,
    by: Literal["mean", "resample", "zero"] | Reference = "mean",
    reference: Reference | None = None,
    per_position: bool = True,
    seed: int = 0,
) -> Intervention:
    """Take away what heads say about this prompt: replace their z, the input of W_O.

    - mean: the mean of z over the reference batch, at each position, or over all its positions.
    - resample: z of another prompt, one row of the reference for each row, at the same positions.
    - zero: nothing, which for most heads is as unusual as noise. Only on request.
    - z by layer, shaped as the run's: just that, such as the mean over the other prompts.

    Args:
        heads: "5.1", or several.
        by: With what.
        reference: z of other prompts by layer, from `Keep("z")`. None: the batch that is run
            itself, which then needs two rows or more; by resample each row gets the next row's.
        per_position: The mean is taken at each position, which needs prompts of one length; else
            over all positions too.
        seed: Of the rows that resample draws from a reference.

    Raises:
        TypeError, ValueError: Heads that are none, or an unknown `by`; in the run, a reference that
            does not fit.

    >>> edit = ablate(["0.1", "1.2"], by="zero")
    >>> edit.site, sorted(edit.layers)
    ('z', [0, 1])
    """
    if isinstance(by, Mapping):
        return patch("z", by, heads=heads)
    if by not in ("mean", "resample", "zero"):
        raise ValueError(f"by is {by!r}; accepted are 'mean', 'resample' and 'zero', or z by layer")
    chosen = by_layer(heads)

    def replace(layer: int, z: Float[Tensor, "batch pos head d_head"]) -> Tensor:
        if by == "zero":
            return torch.zeros_like(z)
        rows = _reference(reference, layer, z, aligned=by == "resample" or per_position)
        if by == "mean":
            mean = rows.float().mean(0 if per_position else (0, 1))
            return mean.to(z.dtype).expand_as(z)
        if reference is None:
            return z.roll(-1, 0)
        # On the CPU and by layer, so that a seed means the same on every device.
        generator = torch.Generator().manual_seed(seed)
        draws = torch.randint(len(rows), (len(z),), generator=generator)
        return rows[draws.to(rows.device)].to(z.dtype)

    return _on_heads("z", chosen, replace)


def scale(heads: HeadLike | Iterable[HeadLike], factor: float) -> Intervention:
    """Multiply what heads write by a factor: 0 silences them, 2 doubles them.

    Raises:
        TypeError, ValueError: Heads that are none.

    >>> scale("1.2", 2.0).site
    'z'
    """
    return _on_heads("z", by_layer(heads), lambda _, z: z * factor)


def patch(
    site: str,
    values: Mapping[int, Float[Tensor, "batch ..."]],
    *,
    heads: HeadLike | Iterable[HeadLike] | None = None,
    positions: Positions = None,
) -> Intervention:
    """Put activations of another run in the place of this run's.

    Args:
        site: What to replace: see `run`.
        values: By layer, shaped as the site is, from `Keep(site)`; one row goes to every row.
        heads: Only these; None is all heads of the layers in `values`. At "k" and "v" the index
            is a key/value head's.
        positions: Only these; at "pattern" the queries. None is all.

    Raises:
        TypeError, ValueError: Heads that are none, or at a site that has none; no value for a
            head's layer; in the run, a value that does not fit or a position that is not there.

    >>> import torch
    >>> patch("z", {1: torch.zeros(1, 5, 4, 16)}, heads=["1.2"], positions=[4]).site
    'z'
    """
    chosen: dict[int, list[int] | None] = dict.fromkeys(values)
    if heads is not None:
        if site not in _HEAD_AXIS:
            raise ValueError(
                f"site {site!r} has no heads; accepted with heads are {', '.join(_HEAD_AXIS)}"
            )
        chosen = dict(by_layer(heads))
        for layer in chosen.keys() - values.keys():
            raise ValueError(f"there is no value for layer {layer}, which the heads are in")

    def edit(layer: int, tensor: Tensor) -> Tensor:
        value = values[layer]
        if value.shape[1:] != tensor.shape[1:] or len(value) not in (1, len(tensor)):
            raise ValueError(
                f"the value of {site!r} in layer {layer} has shape {list(value.shape)}, and the "
                f"run has {list(tensor.shape)}"
            )
        edited = tensor.clone()
        index: list[Any] = [slice(None)] * tensor.ndim
        at = _POSITION_AXIS.get(site, 1)
        index[at] = indices(positions, tensor.shape[at], "position", tensor.device)
        where = chosen[layer]
        if where is not None:
            # Positions and heads from a grid: index one after the other.
            axis = _HEAD_AXIS[site]
            for head in check_heads(where, layer, tensor.shape[axis]):
                index[axis] = head
                edited[tuple(index)] = value[tuple(index)].to(tensor)
        else:
            edited[tuple(index)] = value[tuple(index)].to(tensor)
        return edited

    return Edit(site, frozenset(chosen), edit)


def knock_out(
    where: HeadLike | int | Iterable[HeadLike | int],
    queries: Positions,
    keys: Positions,
    *,
    renormalise: bool,
    rows: Sequence[int] | None = None,
) -> Intervention:
    """Cut attention from queries to keys: set those weights of the pattern to 0.

    Geva et al. 2023, Dissecting Recall of Factual Associations. The two ways of doing it answer
    different questions: with `renormalise` the rest of a row grows as if the keys had not been
    there (attention scores of minus infinity); without, what came from those keys is missing. What
    a row lacks of a sum of 1 is a sink's (GPT-OSS), which grows too. A row that has no other key
    stays 0. Each head has rows of its own, so that one head can be cut off alone in every
    architecture, also where transformers computes the attention (see softmax.py).

    Args:
        where: Heads ("5.1"), or layers (5: all heads of the layer), or several of both.
        queries: Positions that look; None is all.
        keys: Positions they no longer see; None is all.
        renormalise: Which of the two.
        rows: Only these rows of the batch, each of which loses a key of its own: as many keys as
            rows. None: every row loses all the keys.

    Raises:
        TypeError, ValueError: Heads that are none; not as many keys as rows; in the run, a position
            or a row that is not there.

    >>> knock_out([0, 1], 3, [1, 2], renormalise=True).site
    'pattern'
    """
    chosen: dict[int, list[int] | None] = {}
    for item in several(where, (int,)):
        if type(item) is int:
            chosen[item] = None
        else:
            head = Head.parse(item)
            # A whole layer that was named before has the head already.
            if (named := chosen.setdefault(head.layer, [])) is not None:
                named.append(head.index)

    if rows is not None and (not isinstance(keys, Sequence) or len(keys) != len(rows)):
        raise ValueError(f"with rows, keys has to name one key for each of {len(rows)} rows")

    def cut(layer: int, pattern: Float[Tensor, "batch head query key"]) -> Tensor:
        n_rows, _, n_queries, n_keys = pattern.shape
        chosen = indices(rows, n_rows, "row", pattern.device)
        looking = indices(queries, n_queries, "query", pattern.device)
        lost = indices(keys, n_keys, "key", pattern.device)
        # [row, query, head, key]: indices from a grid come first.
        weights = pattern[chosen[:, None], :, looking]
        mask = torch.zeros(len(chosen), n_keys, dtype=torch.bool, device=pattern.device)
        mask.scatter_(1, lost.expand(len(chosen), -1) if rows is None else lost[:, None], True)
        left = weights.masked_fill(mask[:, None, None], 0)
        if renormalise and len(lost):
            before, after = (each.float().sum(-1, keepdim=True) for each in (weights, left))
            # Less than rounding makes of a sum of 1 is no sink.
            sink = (1 - before).where(1 - before > _ROUNDING.get(pattern.dtype, 1e-4), 0)
            factor = torch.where(after > 0, (before + sink) / (after + sink).clamp_min(1e-30), 1)
            left = (left.float() * factor).to(pattern.dtype)
        edited = pattern.clone()
        edited[chosen[:, None], :, looking] = left
        return edited

    return _on_heads("pattern", chosen, cut)


def _on_heads(
    site: str,
    chosen: Mapping[int, list[int] | None],
    function: Callable[[int, Tensor], Tensor],
) -> Intervention:
    """Apply a function of the whole tensor to the chosen heads of each layer; None is all."""
    axis = _HEAD_AXIS[site]

    def edit(layer: int, tensor: Tensor) -> Tensor:
        where = chosen[layer]
        if where is None:
            return function(layer, tensor)
        heads = check_heads(where, layer, tensor.shape[axis])
        index: list[Any] = [slice(None)] * tensor.ndim
        index[axis] = torch.tensor(heads, device=tensor.device)
        edited = tensor.clone()
        edited[tuple(index)] = function(layer, tensor)[tuple(index)]
        return edited

    return Edit(site, frozenset(chosen), edit)


def _reference(
    reference: Reference | None, layer: int, z: Tensor, *, aligned: bool
) -> Float[Tensor, "batch pos head d_head"]:
    """Where mean and resample take their values from.

    aligned: positions have to be the run's.
    """
    if reference is None:
        if len(z) < 2:
            raise ValueError(
                "a batch of one has no mean and no other row to ablate with; pass reference= "
                "(z of other prompts by layer, from Keep('z')), or by='zero'"
            )
        return z
    if layer not in reference:
        raise ValueError(f"the reference has no layer {layer}; it has {sorted(reference)}")
    rows = reference[layer]
    if rows.ndim != 4 or not len(rows) or rows.shape[2:] != z.shape[2:]:
        raise ValueError(
            f"the reference of layer {layer} has shape {list(rows.shape)}; accepted is "
            f"[batch, pos, {z.shape[2]}, {z.shape[3]}]"
        )
    if aligned and rows.shape[1] != z.shape[1]:
        raise ValueError(
            f"the reference has {rows.shape[1]} positions and the run {z.shape[1]}; take prompts "
            "of one length, or by='mean' with per_position=False"
        )
    return rows.to(z.device)
