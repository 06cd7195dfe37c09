"""What a layer's heads write to the residual stream, at the positions of a run.

Some architectures normalise or scale what attention gives before they add it (Gemma 2 and 3,
OLMo 2, GLM 4, Granite). A norm is not linear; with its scale at each position held as it was in the
run it is, so that heads' parts sum to what was added (as for the final norm in direct logit
attribution: Elhage et al. 2021, "Handling Layer Normalization").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.weights.heads import WeightsMissing, output_norm, output_weights_after
from circuit_widgets.weights.norms import Norm

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# How far the parts may be from what was added, as a share of its largest value.
_TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 6e-2}


class PartsMissing(RuntimeError):
    """What the heads of a layer give is not all that its attention adds to the stream."""


@dataclasses.dataclass(frozen=True)
class Writing:
    """How a layer's z becomes what its heads add to the stream, in one run.

    Attributes:
        o: W_O of each head, with the gain of a norm that comes after it.
        factor: Of each position: one over the norm's scale there, times the architecture's factor.
        constant: What is added besides the heads: biases.
    """

    o: Float[Tensor, "head d_head d_model"]
    factor: Float[Tensor, "*batch pos 1"]
    constant: Float[Tensor, "*batch pos d_model"]

    def of(
        self, z: Float[Tensor, "*batch pos d_head"], head: int
    ) -> Float[Tensor, "*batch pos d_model"]:
        """What a head adds with some z."""
        return self.factor * (z.float() @ self.o[head])

    def of_all(
        self, z: Float[Tensor, "*batch pos head d_head"]
    ) -> Float[Tensor, "*batch pos head d_model"]:
        """What each head adds."""
        return self.factor[..., None] * torch.einsum("...hi,hid->...hd", z.float(), self.o)


def writing(
    model: TransformerBridge,
    layer: int,
    z: Float[Tensor, "*batch pos head d_head"],
    attn_out: Float[Tensor, "*batch pos d_model"],
) -> Writing:
    """Find out how a layer's attention was added in a run, from its z and "attn_out" there.

    Raises:
        PartsMissing: z W_O, normalised or scaled at each position, is not what was added: the
            output is gated, or mixed with something else, before it reaches the stream.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> z, out = capture.Keep("z", {0}), capture.Keep("attn_out", {0})
    >>> _ = capture.run(model, model.to_tokens("blue dog blue"), [z, out])
    >>> found = writing(model, 0, z.tensors[0], out.tensors[0])
    >>> whole = found.of_all(z.tensors[0]).sum(-2) + found.constant
    >>> bool((whole - out.tensors[0]).abs().max() < 1e-5)
    True
    """
    o, norm, constant, norm_bias = _linear(model, layer, z)
    whole = torch.einsum("...hi,hid->...d", z.float(), o) + constant
    factor = _factor(layer, whole, attn_out, norm, norm_bias)
    return Writing(o, factor, factor * constant + norm_bias)


def written(
    model: TransformerBridge,
    layer: int,
    z: Float[Tensor, "*batch pos head d_head"],
    attn_out: Float[Tensor, "*batch pos d_model"],
) -> Float[Tensor, "*batch pos head d_model"]:
    """What each head adds: `writing(...).of_all(z)`, of few positions, with W_O read once.

    Raises:
        PartsMissing: As `writing`.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> z, out = capture.Keep("z", {0}), capture.Keep("attn_out", {0})
    >>> _ = capture.run(model, model.to_tokens("blue dog blue"), [z, out])
    >>> written(model, 0, z.tensors[0], out.tensors[0]).shape
    torch.Size([1, 4, 4, 48])
    """
    return _scaled(layer, attn_out, *_parts(model, layer, z))


def written_by_all(
    model: TransformerBridge,
    z: Sequence[Float[Tensor, "*batch pos head d_head"]],
    attn_out: Sequence[Float[Tensor, "*batch pos d_model"]],
) -> Iterator[Float[Tensor, "*batch pos head d_model"] | PartsMissing]:
    """`written(...)` of every layer, of few positions; where one is refused, the reason.

    Whether heads add up is looked at once for all layers: a layer's own look costs as much as what
    its heads write.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> z, out = capture.Keep("z"), capture.Keep("attn_out")
    >>> _ = capture.run(model, model.to_tokens("blue dog blue"), [z, out])
    >>> found = written_by_all(model, [*z.tensors.values()], [*out.tensors.values()])
    >>> [tuple(layer.shape) for layer in found]
    [(1, 4, 4, 48), (1, 4, 4, 48)]
    """
    found: list[tuple[Tensor, Tensor, Norm | None, Tensor] | PartsMissing] = []
    for layer, each in enumerate(z):
        try:
            found.append(_parts(model, layer, each))
        except PartsMissing as error:
            found.append(error)
    sums = [
        attn_out[layer].float() if isinstance(each, PartsMissing) else each[0].sum(-2) + each[1]
        for layer, each in enumerate(found)
    ]
    added = torch.stack([*attn_out])
    apart = (torch.stack(sums) - added.float()).abs().flatten(1).amax(1)
    largest = added.float().nan_to_num().abs().flatten(1).amax(1)
    plain = (apart <= _within(added.dtype) * largest.clamp(min=1e-3)).tolist()
    for layer, each in enumerate(found):
        if isinstance(each, PartsMissing) or (plain[layer] and each[2] is None):
            yield each if isinstance(each, PartsMissing) else each[0]
            continue
        try:
            yield _scaled(layer, attn_out[layer], *each)
        except PartsMissing as error:
            yield error


def _parts(
    model: TransformerBridge, layer: int, z: Float[Tensor, "*batch pos head d_head"]
) -> tuple[Float[Tensor, "*batch pos head d_model"], Tensor, Norm | None, Tensor]:
    """What each head adds before it is normalised or scaled; and the rest of `_linear`."""
    o, norm, constant, norm_bias = _linear(model, layer, z)
    return torch.einsum("...hi,hid->...hd", z.float(), o), constant, norm, norm_bias


def _scaled(
    layer: int,
    attn_out: Float[Tensor, "*batch pos d_model"],
    parts: Float[Tensor, "*batch pos head d_model"],
    constant: Tensor,
    norm: Norm | None,
    norm_bias: Tensor,
) -> Float[Tensor, "*batch pos head d_model"]:
    factor = _factor(layer, parts.sum(-2) + constant, attn_out, norm, norm_bias)
    return factor[..., None] * parts


def _linear(
    model: TransformerBridge, layer: int, z: Float[Tensor, "*batch pos head d_head"]
) -> tuple[Tensor, Norm | None, Float[Tensor, " d_model"], Float[Tensor, " d_model"]]:
    """W_O, the norm after it, and what biases give before and after the norm's scale."""
    attention: Any = model.blocks[layer].attn
    norm, norm_bias = output_norm(model, layer)
    try:
        o, bias = output_weights_after(model, layer, norm), attention.b_O
    except WeightsMissing as error:
        raise PartsMissing(str(error)) from error
    if o.shape[:2] != z.shape[-2:]:
        raise PartsMissing(_sentence(layer))
    constant = torch.zeros(o.shape[-1], device=o.device)
    if bias is not None:
        constant = bias.detach().float()
        constant = constant if norm is None else norm.fold_output(constant)
    return o, norm, constant, norm_bias


def _factor(
    layer: int,
    whole: Float[Tensor, "*batch pos d_model"],
    attn_out: Float[Tensor, "*batch pos d_model"],
    norm: Norm | None,
    norm_bias: Float[Tensor, " d_model"],
) -> Float[Tensor, "*batch pos 1"]:
    """What the heads' sum was multiplied by at each position."""
    added = attn_out.float() - norm_bias
    most = _most(attn_out)
    if norm is None and bool((whole - added).abs().max() <= most):
        return torch.ones_like(whole[..., :1])  # As nearly everywhere: then exactly.
    # One number a position is free; whether it explains every direction of the stream is checked.
    size = whole.square().sum(-1, keepdim=True)
    factor = (added * whole).sum(-1, keepdim=True) / torch.where(size > 0, size, 1)
    # NaN passes, and stays NaN.
    if bool(((factor * whole - added).abs() > most).any()):
        raise PartsMissing(_sentence(layer))
    return factor


def _most(attn_out: Tensor) -> float:
    largest = float(attn_out.detach().float().nan_to_num().abs().max())
    return _within(attn_out.dtype) * max(1e-3, largest)


def _within(dtype: torch.dtype) -> float:
    return _TOLERANCE.get(dtype, 1e-3)


def _sentence(layer: int) -> str:
    return (
        f"the heads of layer {layer} do not add up to what its attention writes: this architecture "
        "gates or mixes their output before it is added, so that no head has a part of its own"
    )
