"""One forward and one backward pass: activations, and what a number about the output owes them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.capture.edits import Intervention, layers_of, plan_interventions
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.locks import lock
from circuit_widgets.capture.modes import check_slopes
from circuit_widgets.capture.run import settings

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclass(frozen=True, eq=False)
class Gradients:
    """Activations and the slopes of a metric at them. Keys are (site, layer).

    Attributes:
        metric: The metric, one number a row, shape [batch].
        values: Activations, as the model used them.
        slopes: d(sum of the metric) / d(activation), of the same shapes. Rows of a batch do not
            touch each other, so each row has the gradient of its own metric.
    """

    metric: Float[Tensor, " batch"]
    values: dict[tuple[str, int], Float[Tensor, "batch ..."]]
    slopes: dict[tuple[str, int], Float[Tensor, "batch ..."]]


def gradients(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    sites: Collection[tuple[str, Collection[int] | None]],
    metric: Callable[[Float[Tensor, "batch pos vocab"]], Float[Tensor, " batch"]],
    interventions: Collection[Intervention] = (),
) -> Gradients:
    """Run the model forwards and backwards once; parameters get no gradient.

    Args:
        model: A model that `check_model` accepts.
        tokens: Ids.
        sites: (site, layers) pairs; a site as `run` knows it, layers None for all.
        metric: From logits to one number a row.
        interventions: As in `run`; the gradient goes through them.

    Raises:
        ValueError: A layer or site that the model does not have.
        RuntimeError: A site was never reached, or the metric does not depend on the model.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> got = capture.gradients(model, ids, [("z", {1})], lambda logits: logits[:, -1, 3])
    >>> got.metric.shape, got.slopes["z", 1].shape
    (torch.Size([1]), torch.Size([1, 5, 4, 16]))
    """
    check_slopes()
    hooks = Hooks(model)
    seen: dict[tuple[str, int], Tensor] = {}

    def root(stream: Tensor) -> Tensor:
        # The graph starts here, whatever the parameters' own setting is.
        return stream if stream.requires_grad else stream.detach().requires_grad_()

    def keeping(key: tuple[str, int]) -> Callable[[Tensor], Tensor]:
        def keep(tensor: Tensor) -> Tensor:
            seen[key] = tensor
            # Given back, because a hook point may show a reshaped copy that leads nowhere.
            return tensor

        return keep

    hooks.at(0, "resid_pre", root, must=False)
    plan_interventions(model, hooks, interventions)
    for site, layers in sites:
        chosen = range(len(model.blocks)) if layers is None else sorted(layers)
        for layer in layers_of(_Sites(frozenset(chosen)), len(model.blocks)):
            hooks.at(layer, site, keeping((site, layer)))
    with lock(model), torch.enable_grad():
        logits = hooks.around(
            lambda: model(tokens.to(model.cfg.device), **settings(model)), range(len(model.blocks))
        )
        if hooks.waiting:
            site, layer = min(hooks.waiting)
            raise RuntimeError(f"{site!r} was never computed in layer {layer}")
        rows = metric(logits)
        if rows.ndim != 1 or not rows.requires_grad:
            raise RuntimeError("the metric has to be one number a row that depends on the logits")
        keys = list(seen)
        slopes = torch.autograd.grad(rows.sum(), [seen[key] for key in keys], allow_unused=True)
    values = {key: seen[key].detach() for key in keys}
    # What the metric does not depend on has no effect on it, to first order.
    return Gradients(
        metric=rows.detach(),
        values=values,
        slopes={
            key: torch.zeros_like(values[key]) if slope is None else slope
            for key, slope in zip(keys, slopes, strict=True)
        },
    )


@dataclass(frozen=True)
class _Sites:
    layers: frozenset[int]
