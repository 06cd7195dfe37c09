"""One forward pass for several readers."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.modules.module import Module, register_module_forward_pre_hook

from circuit_widgets.capture.edits import Intervention, layers_of, plan_interventions
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.inputs import BlockInputs
from circuit_widgets.capture.reducers import Reducer, seeing_with
from circuit_widgets.capture.skipping import is_skipped

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class _Enough(BaseException):
    """The last layer is done and nobody wants logits.

    Not an `Exception`: `except Exception` somewhere in a model must not swallow it.
    """


@overload
def run(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    reducers: Collection[Reducer | BlockInputs] = (),
    interventions: Collection[Intervention] = (),
    *,
    logits: Literal[True] = True,
    on_layer: Callable[[int], None] | None = None,
) -> Float[Tensor, "batch pos vocab"]: ...


@overload
def run(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    reducers: Collection[Reducer | BlockInputs] = (),
    interventions: Collection[Intervention] = (),
    *,
    logits: bool,
    on_layer: Callable[[int], None] | None = None,
) -> Float[Tensor, "batch pos vocab"] | None: ...


def run(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    reducers: Collection[Reducer | BlockInputs] = (),
    interventions: Collection[Intervention] = (),
    *,
    logits: bool = True,
    on_layer: Callable[[int], None] | None = None,
) -> Float[Tensor, "batch pos vocab"] | None:
    """Run the model once, without gradients, and with the model's lock.

    A site is "pattern" [batch, head, query, key], "z" or "q" [batch, pos, head, d_head], "k" or "v"
    [batch, pos, key/value head, d_head], "resid_pre", "resid_mid", "resid_post", "attn_out" or
    "mlp_out" [batch, pos, d_model], or any hook point inside a block by its name, "mlp.hook_out".
    "q" and "k" are before the rotation of rotary positions.

    Hooks of your own on the model stay, and come first; the run's are gone after it, however it
    ends. An exception of a reducer, an intervention or `on_layer` ends it and comes out unchanged.
    The model runs in the mode it is in: in train mode with its dropout. Stop ends it.

    Args:
        model: A model that `check_model` accepts.
        tokens: Ids; moved to the model's device. Nothing is put in front.
        reducers: Who sees what. At one site they come after the interventions.
        interventions: Who edits what, in this order where two edit the same.
        logits: False stops before the final norm and the unembedding.
        on_layer: Called after each layer's output, with the layer.

    Returns:
        The logits; None if they are not wanted.

    Raises:
        TypeError: `tokens` are not ids.
        ValueError: `tokens` are not [batch, pos]; a layer or site that the model does not have; an
            edit of a pattern that does not reach what this model's heads write.
        RuntimeError: A reducer or intervention was never reached: its site is not computed here.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> keep = capture.Keep("pattern", {1})
    >>> logits = capture.run(model, ids, [keep], [capture.ablate("0.1", by="zero")])
    >>> keep.tensors[1].shape
    torch.Size([1, 4, 5, 5])
    """
    if not isinstance(tokens, Tensor) or tokens.is_floating_point() or tokens.dtype == torch.bool:
        raise TypeError("tokens are not ids; accepted is an integer tensor [batch, pos]")
    if tokens.ndim != 2 or not tokens.numel():
        raise ValueError(f"tokens have shape {list(tokens.shape)}; accepted is [batch, pos]")
    n_layers = len(model.blocks)
    hooks = Hooks(model)

    def enough() -> None:
        raise _Enough

    plan_interventions(model, hooks, interventions)
    for reducer in reducers:
        if isinstance(reducer, BlockInputs):
            reducer.start(hooks, n_layers, tokens, interventions)
        else:
            for layer in layers_of(reducer, n_layers):
                hooks.at(layer, reducer.site, seeing_with(reducer, layer))
    if on_layer is not None:
        for layer in range(n_layers):
            hooks.at(layer, "hook_out", _calling(on_layer, layer), must=False)
    if not logits:
        hooks.at(n_layers - 1, "hook_out", lambda _: enough(), must=False)

    output: Any = None
    with torch.no_grad(), contextlib.suppress(_Enough):
        output = hooks.around(
            lambda: model(tokens.to(model.cfg.device), **settings(model)), range(n_layers)
        )
    if hooks.waiting:
        site = min(hooks.waiting)[0]
        layers = sorted(layer for other, layer in hooks.waiting if other == site)
        raise RuntimeError(
            f"{site!r} was never computed in layer {', '.join(map(str, layers))}: this model's "
            "attention does not go through that hook point (patterns need eager attention, as "
            "TransformerBridge.boot_transformers sets it)"
        )
    return output


def _calling(on_layer: Callable[[int], None], layer: int) -> Callable[[Tensor], None]:
    return lambda _: on_layer(layer)


def settings(model: TransformerBridge) -> dict[str, bool]:
    """Keep transformers from keeping every layer's keys, values and patterns."""
    accepted = inspect.signature(model.original_model.forward).parameters.values()
    takes_all = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in accepted)
    named = {each.name for each in accepted}
    wanted = ("use_cache", "output_attentions")
    return {name: False for name in wanted if takes_all or name in named}


class Passes:
    """How often a model has run: `forwards` whole passes, `blocks` single layers.

    >>> Passes().forwards
    0
    """

    def __init__(self) -> None:
        self.forwards = 0
        self.blocks = 0


@contextmanager
def counting(model: TransformerBridge | None = None) -> Iterator[Passes]:
    """Count the passes of a model inside a `with`, whoever runs it; those broken off too.

    model: None counts those of all models together.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> with capture.counting(model) as passes:
    ...     _ = capture.run(model, ids)
    >>> passes.forwards, passes.blocks
    (1, 2)
    """
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.model_bridge.generalized_components import BlockBridge

    passes = Passes()
    blocks = None if model is None else {id(block) for block in model.blocks}

    def count(module: Module, _: Any) -> None:
        if module is model or (model is None and isinstance(module, TransformerBridge)):
            # A pass that skips its first layers (see `resume`) is not a whole one.
            passes.forwards += not is_skipped(cast(Any, module).blocks[0])
        elif is_skipped(module):
            return
        elif id(module) in blocks if blocks is not None else isinstance(module, BlockBridge):
            passes.blocks += 1

    # One hook for all modules there are: none is put on a model.
    handle = register_module_forward_pre_hook(count)
    try:
        yield passes
    finally:
        handle.remove()
