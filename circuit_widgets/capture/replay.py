"""Run one layer again, exactly and alone."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.capture.asides import recall
from circuit_widgets.capture.edits import Intervention, plan_interventions
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.inputs import BlockInputs

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class _Found(BaseException):
    """What was asked for is there: the rest of the block is not needed.

    Not an `Exception`: `except Exception` somewhere in a model must not swallow it.
    """


def replay(
    model: TransformerBridge,
    inputs: BlockInputs,
    layer: int,
    sites: Collection[str],
    stream: Float[Tensor, "batch pos d_model"] | None = None,
    interventions: Collection[Intervention] = (),
    slopes: bool = False,
) -> dict[str, Tensor]:
    """Sites of one layer as they were in the run, bit for bit, or as they would be.

    It runs that layer's block alone, until every site has been seen, with the run's interventions.
    It holds as long as the model's weights, hooks, device and dtype stay as they were, and no
    dropout is at work.

    Args:
        model: The model of the run.
        inputs: What the layers were given.
        layer: Which.
        sites: What to see: see `run`.
        stream: Instead of the layer's input.
        interventions: Also these, after the run's.
        slopes: Keep the graph, so that slopes at the stream or at edits can be taken.

    Raises:
        ValueError: The layer's input has not been kept; a site that the layer does not have.
        RuntimeError: The block does not get to a site.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs = capture.BlockInputs()
    >>> logits = capture.run(model, ids, [inputs])
    >>> {site: tensor.shape for site, tensor in capture.replay(model, inputs, 1, ["z"]).items()}
    {'z': torch.Size([1, 5, 4, 16])}
    """
    hooks = Hooks(model)
    seen: dict[str, Tensor] = {}

    def seeing(site: str) -> Callable[[Tensor], None]:
        def see(tensor: Tensor) -> None:
            seen[site] = tensor
            if len(seen) == len(sites):
                raise _Found

        return see

    inputs.plan_interventions(model, hooks, layer)
    plan_interventions(model, hooks, interventions, layer)
    for site in sites:
        hooks.at(layer, site, seeing(site))
    with torch.set_grad_enabled(slopes):
        try:
            hooks.around(lambda: run_block(model, inputs, layer, stream))
        except _Found:
            return seen
    missing = ", ".join(repr(site) for site in sites if site not in seen)
    raise RuntimeError(f"layer {layer} made no attention at the site {missing}")


def replay_pattern(
    model: TransformerBridge, inputs: BlockInputs, layer: int
) -> Float[Tensor, "batch head query key"]:
    """The attention pattern of one layer as it was in the run; raises what `replay` raises.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs = capture.BlockInputs()
    >>> logits = capture.run(model, ids, [inputs])
    >>> capture.replay_pattern(model, inputs, 1).shape
    torch.Size([1, 4, 5, 5])
    """
    return replay(model, inputs, layer, ["pattern"])["pattern"]


def run_block(
    model: TransformerBridge,
    inputs: BlockInputs,
    layer: int,
    stream: Float[Tensor, "batch pos d_model"] | None,
) -> Float[Tensor, "batch pos d_model"]:
    """One block on what it was given, or on another stream, with whatever hooks are attached."""
    args, kwargs = inputs.call(layer)
    times = 1 if stream is None else inputs.times(layer, stream)
    recall(model, inputs.left(layer), times)
    if stream is not None:
        recorded = inputs.stream(layer)
        # A batch of one broadcasts by itself.
        if times > 1 and len(recorded) > 1:
            args, kwargs = _repeated((args, kwargs), len(recorded), times)
        if args:
            args = (stream, *args[1:])
        else:
            kwargs = {**kwargs, "hidden_states": stream}
    out = model.blocks[layer](*args, **kwargs)
    return out[0] if isinstance(out, tuple) else out


def _repeated(value: Any, batch: int, times: int) -> Any:
    """Every tensor of a call that has a row for each row of the batch, `times` as long."""
    if isinstance(value, Tensor):
        fits = value.ndim > 1 and len(value) == batch
        return value.repeat(times, *[1] * (value.ndim - 1)) if fits else value
    if isinstance(value, dict):
        return {name: _repeated(item, batch, times) for name, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_repeated(item, batch, times) for item in value)
    return value
