"""A model's head weights in one form: float32, a matrix a head, norms folded in."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.weights.groups import keys_read
from circuit_widgets.weights.latent import as_matrix, is_latent, latent_weights
from circuit_widgets.weights.norms import Norm, norm_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class WeightsMissing(ValueError):
    """The architecture has no weights that belong to one head each."""


@dataclasses.dataclass(frozen=True)
class HeadWeights:
    """Of one layer's heads; keys and values that are shared are repeated for each head.

    In latent attention queries and keys are here without the numbers that only rotary positions
    use, and k and v up to the scale of each position (see `latent`).

    Where attention is normalised before it is added, `o` has that norm's gain: it is what reaches
    the residual stream, up to the scale of each position (`writing` knows that of a run).
    """

    q: Float[Tensor, "head d_model d_head"]
    k: Float[Tensor, "head d_model d_head"]
    v: Float[Tensor, "head d_model d_head"]
    o: Float[Tensor, "head d_head d_model"]


def head_weights(model: TransformerBridge, layer: int, *, fold: bool = True) -> HeadWeights:
    """Weights of a layer, with its norms folded in (`fold`) or as they are stored.

    Folded are the gains of the norm of what attention reads, and of those of queries and keys.

    Rotary positions are applied after W_Q and W_K, so no weights know of them: what a head with
    rotary positions does by distance cannot be seen here.

    Raises:
        WeightsMissing: The layer has no such matrices (it may use another layer's keys).

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> head_weights(model, 0).q.shape
    torch.Size([4, 48, 16])
    """
    cfg: Any = model.cfg
    block: Any = model.blocks[layer]
    before = None if normalises_after(model) else getattr(block, "ln1", None)
    norm = norm_of(before, cfg.d_model, cfg.device, cfg.dtype)

    sliced = getattr(block.attn, "keys_read", None)
    n_heads = cfg.n_heads if sliced is None else len(sliced)

    def read(name: str, weight: Tensor) -> Tensor:
        weight = norm.fold(weight) if fold else weight
        if len(weight) == n_heads:
            return weight
        if sliced is None and n_heads % len(weight):
            raise WeightsMissing(
                f"{name} of layer {layer} has {len(weight)} heads and the model {n_heads}"
            )
        return weight[keys_read(model, layer, n_heads, len(weight))]

    o = output_weights(model, layer)
    if is_latent(block.attn):
        parts = latent_weights(block.attn, n_heads, cfg.dtype)
    else:
        q = _weight(model, layer, "W_Q")
        parts = (q, *(_weight(model, layer, name, q.shape[2]) for name in ("W_K", "W_V")))
    q, k, v = parts
    if fold:
        q, k = (_normed(block.attn, name, w, cfg.dtype) for name, w in (("q", q), ("k", k)))
    return HeadWeights(read("W_Q", q), read("W_K", k), read("W_V", v), o)


def _normed(
    attention: Any, name: str, weight: Float[Tensor, "head d_model d_head"], dtype: torch.dtype
) -> Float[Tensor, "head d_model d_head"]:
    """With the gain of the norm that queries or keys pass, up to a scale of each position."""
    module = dict(attention.named_children()).get(f"{name}_norm")
    module = getattr(module, "original_component", module)
    gain = getattr(module, "weight", None)
    if not isinstance(gain, Tensor):
        return weight
    n_heads, _, d_head = weight.shape
    if gain.ndim == 2:  # Each head has a gain of its own.
        norms = [_one_of(module, n_heads, head) for head in range(n_heads)]
        of_head = [norm_of(each, d_head, gain.device, dtype) for each in norms]
        return torch.stack([n.fold_output(w) for n, w in zip(of_head, weight, strict=True)])
    norm = norm_of(module, len(gain), gain.device, dtype)
    if len(gain) == d_head:
        return norm.fold_output(weight)
    # One norm over all heads.
    flat = norm.fold_output(weight.transpose(0, 1).flatten(1))
    return flat.unflatten(1, (n_heads, d_head)).transpose(0, 1)


def _one_of(module: Any, n_heads: int, head: int) -> Any:
    return lambda vectors: module(vectors[:, :, None].expand(-1, -1, n_heads, -1))[:, :, head]


def output_weights(model: TransformerBridge, layer: int) -> Float[Tensor, "head d_head d_model"]:
    """W_O of a layer's heads, with the gain of a norm that comes after attention.

    Raises:
        WeightsMissing: As `head_weights`.

    >>> from circuit_widgets import load_model
    >>> output_weights(load_model(), 0).shape
    torch.Size([4, 16, 48])
    """
    return output_weights_after(model, layer, output_norm(model, layer)[0])


def output_weights_after(
    model: TransformerBridge, layer: int, norm: Norm | None
) -> Float[Tensor, "head d_head d_model"]:
    """The same for whoever has the norm already: to find it costs as much as the weights.

    >>> from circuit_widgets import load_model
    >>> output_weights_after(load_model(), 0, None).shape
    torch.Size([4, 16, 48])
    """
    attention: Any = model.blocks[layer].attn
    # What TransformerLens has of latent attention depends on what has run.
    if is_latent(attention):
        o = _of_module(model, attention, "W_O", None)
    else:
        o = _weight(model, layer, "W_O")
    return o if norm is None else norm.fold_output(o)


def _weight(model: TransformerBridge, layer: int, name: str, width: int | None = None) -> Tensor:
    """As TransformerLens has it; where it has none, the module's, cut into heads.

    width: of a head; None: there are as many heads as the model has.
    """
    attention: Any = model.blocks[layer].attn
    try:
        return getattr(attention, name).detach().float()
    except (AttributeError, NotImplementedError, ValueError, RuntimeError) as error:
        try:
            # It has none where layers have heads of several widths.
            return _of_module(model, attention, name, width)
        except (AttributeError, ValueError, RuntimeError):
            raise WeightsMissing(
                f"{name} of layer {layer} cannot be read head by head in this architecture: {error}"
            ) from error


def _of_module(model: TransformerBridge, attention: Any, name: str, width: int | None) -> Tensor:
    flat = as_matrix(getattr(attention, name[-1].lower()))
    by_head = (model.cfg.n_heads, -1) if width is None else (-1, width)
    if name == "W_O":
        return flat.unflatten(0, by_head)
    return flat.unflatten(1, by_head).transpose(0, 1)


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
