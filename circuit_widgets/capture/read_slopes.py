"""What a metric owes to each reader of the residual stream: heads' q, k and v, MLPs, the output."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.capture.close import alike
from circuit_widgets.capture.edits import Intervention, plan_interventions
from circuit_widgets.capture.hooks import Hooks, has_site
from circuit_widgets.capture.locks import lock
from circuit_widgets.capture.modes import check_slopes
from circuit_widgets.capture.run import settings

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_ENTRIES = {"q": ("W_Q", "b_Q"), "k": ("W_K", "b_K"), "v": ("W_V", "b_V")}


@dataclass(frozen=True, eq=False)
class ReadSlopes:
    """d(metric) / d(the stream as one reader sees it), all other readers left as they are.

    Attributes:
        metric: The metric, one number a row.
        heads: By entry ("q", "k", "v") and layer: of each query head, or key/value head.
        mlp: By layer; layers without an MLP are missing.
        output: Of what is read after the last layer.
    """

    metric: Float[Tensor, " batch"]
    heads: dict[tuple[str, int], Float[Tensor, "batch pos head d_model"]]
    mlp: dict[int, Float[Tensor, "batch pos d_model"]]
    output: Float[Tensor, "batch pos d_model"]


def read_slopes(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    metric: Callable[[Float[Tensor, "batch pos vocab"]], Float[Tensor, " batch"]],
    interventions: Collection[Intervention] = (),
) -> ReadSlopes:
    """Run the model forwards and backwards once; parameters get no gradient.

    What a reader does with the stream (its norm, its projection, rotations, whatever the
    architecture has there) is differentiated as the model computes it. Where the projection is a
    matrix a head, which is checked by its output, all heads go through it at once.

    Args:
        model: A model that `check_model` accepts.
        tokens: Ids.
        metric: From logits to one number a row.
        interventions: As in `run`; gradients go through them.

    Raises:
        ValueError: A layer or site that the model does not have.
        RuntimeError: A site was never reached, or the metric does not depend on the model.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> got = read_slopes(model, ids, lambda logits: logits[:, -1, 3])
    >>> got.heads["k", 1].shape, got.output.shape
    (torch.Size([1, 5, 4, 48]), torch.Size([1, 5, 48]))
    """
    n_layers = len(model.blocks)
    check_slopes()
    hooks = Hooks(model)
    seen: dict[tuple[str, int], Tensor] = {}

    def keeping(key: tuple[str, int]) -> Callable[[Tensor], Tensor]:
        def keep(tensor: Tensor) -> Tensor:
            # A view of its own, so that its slope is that of what comes after it and no more; the
            # graph starts at the first, whatever the parameters' own setting is.
            fresh = tensor.detach().requires_grad_() if key == ("resid_pre", 0) else tensor
            seen[key] = fresh.view_as(fresh)
            return seen[key]

        return keep

    plan_interventions(model, hooks, interventions)
    for layer in range(n_layers):
        for site in ("resid_pre", "attn.hook_in", *_ENTRIES):
            hooks.at(layer, site, keeping((site, layer)), must=site != "attn.hook_in")
        for site in ("resid_mid", "mlp.hook_in"):
            if has_site(model, layer, site):
                hooks.at(layer, site, keeping((site, layer)), must=False)
    hooks.at(n_layers - 1, "resid_post", keeping(("resid_post", n_layers - 1)))
    with lock(model), torch.enable_grad():
        logits = hooks.around(
            lambda: model(tokens.to(model.cfg.device), **settings(model)), range(n_layers)
        )
        if hooks.waiting:
            site, layer = min(hooks.waiting)
            raise RuntimeError(f"{site!r} was never computed in layer {layer}")
        rows = metric(logits)
        if rows.ndim != 1 or not rows.requires_grad:
            raise RuntimeError("the metric has to be one number a row that depends on the logits")
        readers = [key for key in seen if key[0] in (*_ENTRIES, "mlp.hook_in", "resid_post")]
        slopes = torch.autograd.grad(
            rows.sum(), [seen[key] for key in readers], retain_graph=True, allow_unused=True
        )
        owed = {
            key: torch.zeros_like(seen[key]) if slope is None else slope
            for key, slope in zip(readers, slopes, strict=True)
        }
        heads: dict[tuple[str, int], Tensor] = {}
        for layer in range(n_layers):
            heads.update(_heads(model, layer, seen, owed))
        mlp = {
            layer: _mlp(layer, seen, owed)
            for layer in range(n_layers)
            if ("mlp.hook_in", layer) in seen
        }
    return ReadSlopes(rows.detach(), heads, mlp, owed["resid_post", n_layers - 1])


def _heads(
    model: TransformerBridge,
    layer: int,
    seen: dict[tuple[str, int], Tensor],
    owed: dict[tuple[str, int], Tensor],
) -> dict[tuple[str, int], Float[Tensor, "batch pos head d_model"]]:
    """Of one layer's heads, by entry."""
    stream, read = seen["resid_pre", layer], seen.get(("attn.hook_in", layer))
    found: dict[tuple[str, int], Tensor] = {}
    through: dict[str, Tensor] = {}
    for entry in _ENTRIES:
        slope = owed[entry, layer]
        matrix = None if read is None else _matrix(model, layer, entry, read, seen[entry, layer])
        if matrix is not None:
            through[entry] = torch.einsum("bphk,hdk->hbpd", slope, matrix)
        else:
            alone = torch.zeros(slope.shape[2], *slope.shape, device=slope.device)
            each = torch.arange(slope.shape[2], device=slope.device)
            alone[each, :, :, each] = slope.movedim(2, 0).to(alone)
            found[entry, layer] = _back(seen[entry, layer], stream, alone.to(slope.dtype))
    if through and read is not None:
        whole = _back(read, stream, torch.cat([*through.values()]))
        sizes = [len(each) for each in through.values()]
        for entry, part in zip(through, whole.split(sizes, dim=2), strict=True):
            found[entry, layer] = part
    return found


def _back(output: Tensor, stream: Tensor, slopes: Float[Tensor, "head batch ..."]) -> Tensor:
    """Slopes at a reader's output taken back to the stream, for several heads at once."""
    (back,) = torch.autograd.grad(
        output, stream, slopes, retain_graph=True, is_grads_batched=True, allow_unused=True
    )
    if back is None:
        return torch.zeros(*stream.shape[:2], len(slopes), stream.shape[2], device=stream.device)
    return back.movedim(0, 2)


def _matrix(
    model: TransformerBridge, layer: int, entry: str, read: Tensor, given: Tensor
) -> Float[Tensor, "head d_model d_head"] | None:
    """A head's projection as a matrix, if it is one: if it makes of what is read what was seen."""
    attention: Any = model.blocks[layer].attn
    name, bias_name = _ENTRIES[entry]
    try:
        weight, bias = getattr(attention, name), getattr(attention, bias_name)
    except (AttributeError, NotImplementedError, ValueError, RuntimeError):
        return None
    if not isinstance(weight, Tensor) or weight.shape[:1] + weight.shape[2:] != given.shape[2:]:
        return None
    if weight.shape[1] != read.shape[2]:
        return None
    with torch.no_grad():
        made = torch.einsum("bpd,hdk->bphk", read, weight.to(read.dtype))
        made = made if bias is None else made + bias.to(made)
        return weight.detach().to(read.dtype) if alike(made, given) else None


def _mlp(
    layer: int, seen: dict[tuple[str, int], Tensor], owed: dict[tuple[str, int], Tensor]
) -> Float[Tensor, "batch pos d_model"]:
    """Of one layer's MLP, which reads the stream after attention, or beside it."""
    read, slope = seen["mlp.hook_in", layer], owed["mlp.hook_in", layer]
    for site in ("resid_mid", "resid_pre"):
        if (site, layer) in seen:
            (back,) = torch.autograd.grad(
                read, seen[site, layer], slope, retain_graph=True, allow_unused=True
            )
            if back is not None:
                return back
    return torch.zeros_like(seen["resid_pre", layer])
