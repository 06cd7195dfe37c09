"""A model's head weights in one form: float32, a matrix a head, norms folded in."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Norm:
    """What a norm does besides dividing by a scale: it may take the mean away, and has a gain."""

    gain: Float[Tensor, " d_model"]
    centres: bool
    divides: bool

    def fold(self, weight: Float[Tensor, "... d_model out"]) -> Float[Tensor, "... d_model out"]:
        """The weight that reads the residual stream itself, up to the scale of each position."""
        folded = self.gain[:, None] * weight
        return folded - folded.mean(-2, keepdim=True) if self.centres else folded

    def fold_output(self, weight: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """The weight whose output this norm is given, up to the scale of each position."""
        centred = weight - weight.mean(-1, keepdim=True) if self.centres else weight
        return centred * self.gain

    def scale(self, stream: Float[Tensor, "... d_model"]) -> Float[Tensor, "... 1"]:
        """What it divides a stream by, without its epsilon."""
        if not self.divides:
            return torch.ones_like(stream[..., :1])
        spread = stream - stream.mean(-1, keepdim=True) if self.centres else stream
        return spread.pow(2).mean(-1, keepdim=True).sqrt()


def norm_of(module: Any, d_model: int, device: Any, dtype: torch.dtype) -> Norm:
    """Find out by asking the module: names and the meaning of weights differ by architecture.

    On vectors of mean 0 and mean square 1 every norm is its gain and its bias.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> norm = norm_of(model.ln_final, 48, model.cfg.device, model.cfg.dtype)
    >>> norm.gain.shape, norm.divides
    (torch.Size([48]), True)
    """
    if module is None:
        return Norm(torch.ones(d_model, device=device), False, False)
    signs = torch.ones(d_model, device=device)
    signs[1::2] = -1
    # A width that is odd leaves one 0 over; a second vector has it elsewhere.
    if d_model % 2:
        signs[-1] = 0
        signs *= (d_model / (d_model - 1)) ** 0.5
    probes = torch.stack([signs, signs.roll(1)])
    wide = 3 + 2 * probes[:1]

    def ask(vectors: Tensor) -> Tensor:
        return module(vectors.to(dtype)[None])[0].float()

    with torch.no_grad():
        half = (ask(probes) - ask(-probes)) / 2
        gain = torch.where(probes[0] != 0, half[0] / probes[0], half[1] / probes[1])
        shifted, plain = ask(wide), ask(2 * probes[:1])
        bias = ask(probes[:1]) - half[:1]
        centres = torch.allclose(shifted, plain, atol=1e-2 * float(gain.abs().max()))
        divides = not torch.allclose(
            plain - bias, 2 * half[:1], atol=1e-2 * float(gain.abs().max())
        )
    return Norm(gain, centres, divides)


class WeightsMissing(ValueError):
    """The architecture has no weights that belong to one head each."""


@dataclasses.dataclass(frozen=True)
class HeadWeights:
    """Of one layer's heads; keys and values that are shared are repeated for each head.

    Where attention is normalised before it is added, `o` has that norm's gain: it is what reaches
    the residual stream, up to the scale of each position (`writing` knows that of a run).
    """

    q: Float[Tensor, "head d_model d_head"]
    k: Float[Tensor, "head d_model d_head"]
    v: Float[Tensor, "head d_model d_head"]
    o: Float[Tensor, "head d_head d_model"]


def head_weights(model: TransformerBridge, layer: int, *, fold: bool = True) -> HeadWeights:
    """Weights of a layer, with its input norm folded in (`fold`) or as they are stored.

    Rotary positions are applied after W_Q and W_K, so no weights know of them: what a head with
    rotary positions does by distance cannot be seen here.

    Raises:
        WeightsMissing: The architecture has no such matrices (latent attention), or not of one
            size in all layers.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> head_weights(model, 0).q.shape
    torch.Size([4, 48, 16])
    """
    cfg: Any = model.cfg
    block: Any = model.blocks[layer]
    before = None if normalises_after(model) else getattr(block, "ln1", None)
    norm = norm_of(before, cfg.d_model, cfg.device, cfg.dtype)

    def read(name: str) -> Tensor:
        weight = _weight(model, layer, name)
        weight = norm.fold(weight) if fold else weight
        return weight.repeat_interleave(cfg.n_heads // len(weight), 0)

    return HeadWeights(read("W_Q"), read("W_K"), read("W_V"), output_weights(model, layer))


def output_weights(model: TransformerBridge, layer: int) -> Float[Tensor, "head d_head d_model"]:
    """W_O of a layer's heads, with the gain of a norm that comes after attention.

    Raises:
        WeightsMissing: As `head_weights`.

    >>> from circuit_widgets import load_model
    >>> output_weights(load_model(), 0).shape
    torch.Size([4, 16, 48])
    """
    o = _weight(model, layer, "W_O")
    after, _ = output_norm(model, layer)
    return o if after is None else after.fold_output(o)


def _weight(model: TransformerBridge, layer: int, name: str) -> Tensor:
    attention: Any = model.blocks[layer].attn
    try:
        return getattr(attention, name).detach().float()
    except (AttributeError, NotImplementedError, ValueError, RuntimeError) as error:
        raise WeightsMissing(
            f"{name} of layer {layer} cannot be read head by head in this architecture: {error}"
        ) from error


def normalises_after(model: TransformerBridge) -> bool:
    """Whether the stream itself is normalised after each part is added, as in GPT-1.

    Then nothing is left to be normalised at the end, and attention reads the stream as it is.

    >>> from circuit_widgets import load_model
    >>> normalises_after(load_model())
    False
    """
    has_norm = getattr(model.blocks[0], "ln1", None) is not None
    return has_norm and "ln_final" not in dict(model.named_children())


def output_norm(
    model: TransformerBridge, layer: int
) -> tuple[Norm | None, Float[Tensor, " d_model"]]:
    """The norm that a layer's attention passes before it is added, if there is one; and its bias.

    >>> from circuit_widgets import load_model
    >>> output_norm(load_model(), 0)[0] is None
    True
    """
    cfg: Any = model.cfg
    module = getattr(model.blocks[layer], "ln1_post", None)
    nothing = torch.zeros(cfg.d_model, device=cfg.device)
    if module is None:
        return None, nothing
    with torch.no_grad():
        bias = module(nothing.to(cfg.dtype)[None, None])[0, 0].float()
    return norm_of(module, cfg.d_model, cfg.device, cfg.dtype), bias
