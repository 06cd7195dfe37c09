"""Run the model from a layer on, without the layers before."""

from __future__ import annotations

import weakref
from collections.abc import Collection
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.capture.asides import recall
from circuit_widgets.capture.close import close
from circuit_widgets.capture.edits import Intervention, layers_of, plan_interventions
from circuit_widgets.capture.foreign import keeps_state
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.inputs import BlockInputs
from circuit_widgets.capture.interventions import patch
from circuit_widgets.capture.locks import lock
from circuit_widgets.capture.reducers import Reducer, seeing_with
from circuit_widgets.capture.run import run, settings
from circuit_widgets.capture.skipping import skipping

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Of each model, whether its blocks give a tuple; None: it cannot be resumed.
_found: weakref.WeakKeyDictionary[TransformerBridge, bool | None] = weakref.WeakKeyDictionary()


def resume(
    model: TransformerBridge,
    inputs: BlockInputs,
    layer: int,
    stream: Float[Tensor, "batch pos d_model"] | None = None,
    interventions: Collection[Intervention] = (),
    reducers: Collection[Reducer] = (),
) -> Float[Tensor, "batch pos vocab"]:
    """Run the model from a layer on: its logits, without the layers before.

    The model's own pass, in which the layers before do nothing: what it does after its last block
    (a norm, a scale, a cap) is done here too. Once for each model it is compared with a whole pass;
    a model that does not come to the same logits runs whole, and so does one with hooks of the
    user's own.

    Args:
        model: The model of the run.
        inputs: What the layers were given.
        layer: The first layer that runs.
        stream: Instead of the layer's input; its batch may be a multiple of the run's, row after
            row.
        interventions: Also these, after the run's.
        reducers: Who sees what in these layers.

    Raises:
        ValueError: The layer's input has not been kept; a stream that does not fit.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> inputs = capture.BlockInputs()
    >>> logits = capture.run(model, ids, [inputs])
    >>> bool((capture.resume(model, inputs, 1) - logits).abs().max() < 1e-4)
    True
    """
    given = inputs.stream(layer) if stream is None else stream
    times = inputs.times(layer, given)
    tokens = inputs.tokens.to(model.cfg.device).repeat(times, 1)
    # Hooks of the user's own run in every layer: what they keep from pass to pass is theirs.
    as_tuple = in_tuple(model) if layer and not keeps_state(model) else None
    if as_tuple is None:
        changed = [] if stream is None else [patch("resid_pre", {layer: stream})]
        edits = [*inputs.interventions, *changed, *interventions]
        return run(model, tokens, reducers, edits)
    n_layers = len(model.blocks)
    hooks = Hooks(model)
    for later in range(layer, n_layers):
        inputs.plan_interventions(model, hooks, later)
    plan_interventions(model, hooks, interventions)
    for reducer in reducers:
        for at in layers_of(reducer, n_layers):
            hooks.at(at, reducer.site, seeing_with(reducer, at))

    def rest() -> Tensor:
        recall(model, inputs.left(layer), times)
        with skipping(model, layer, given, as_tuple):
            return model(tokens, **settings(model))

    with torch.no_grad():
        return hooks.around(rest, range(layer, n_layers))


def in_tuple(model: TransformerBridge) -> bool | None:
    """Whether this model's blocks give a tuple; None: it cannot be resumed. Tried once."""
    if model not in _found:
        _found[model] = _try(model)
    return _found[model]


def _try(model: TransformerBridge) -> bool | None:
    n_layers = len(model.blocks)
    some = torch.arange(min(6, int(model.cfg.n_ctx)), device=model.cfg.device)
    tokens = some.remainder(int(model.cfg.d_vocab))[None].repeat(2, 1)
    inputs = BlockInputs()
    with lock(model):
        logits = run(model, tokens, [inputs])
        for as_tuple in (False, True):
            # Whatever a model does with what its blocks give it: another kind may be no tensor.
            try:
                with (
                    torch.no_grad(),
                    skipping(model, n_layers - 1, inputs.stream(n_layers - 1), as_tuple),
                ):
                    if close(model(tokens, **settings(model)), logits):
                        return as_tuple
            except Exception:
                continue
    return None
