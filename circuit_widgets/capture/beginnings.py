"""Keys and values of the beginning of prompts, as a cache that no pass changes."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.capture.branching import can_branch
from circuit_widgets.capture.close import close
from circuit_widgets.capture.hooks import Hooks
from circuit_widgets.capture.inputs import BlockInputs
from circuit_widgets.capture.run import settings

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def suffix_inputs(
    model: TransformerBridge,
    tokens: Int[Tensor, "batch pos"],
    start: int,
    logits: Float[Tensor, "batch pos vocab"],
) -> BlockInputs | None:
    """What each layer is given where the positions before `start` are read from a cache.

    So `branch` computes only what comes after a beginning that no branch changes.

    Args:
        model: A causal TransformerBridge.
        tokens: Ids of whole prompts.
        start: The first position that is computed.
        logits: The model's own for the whole prompts.

    Returns:
        None where the model has no such cache, or does not come to its own logits with it.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")
    >>> suffix_inputs(model, ids, 2, capture.run(model, ids)) is None  # TransformerLens' own kind
    True
    """
    from transformers.cache_utils import DynamicCache

    if not takes_cache(model) or not can_branch(model):
        return None
    tokens, inputs = tokens.to(model.cfg.device), BlockInputs()
    # Models keep all sorts of things in their caches: one that cannot use this one fails.
    try:
        cache = DynamicCache()
        _pass(model, tokens[:, :start], cache)
        layers = plain_layers(cache, start)
        if layers is None:
            return None
        found = _pass(model, tokens[:, start:], cut_off(layers, start), inputs)
    except Exception:
        return None
    there = found.shape == logits[:, start:].shape
    return inputs if there and close(found, logits[:, start:]) else None


def _pass(
    model: TransformerBridge, tokens: Tensor, cache: Any, inputs: BlockInputs | None = None
) -> Float[Tensor, "batch pos vocab"]:
    hooks, n_layers = Hooks(model), len(model.blocks)
    if inputs is not None:
        inputs.start(hooks, n_layers, tokens)
    given = {**settings(model), "past_key_values": cache, "use_cache": True}
    with torch.no_grad():
        return hooks.around(lambda: model(tokens, **given), range(n_layers))


def takes_cache(model: TransformerBridge) -> bool:
    """Whether a model can be given keys and values: transformers' can, TransformerLens' own not."""
    accepted = inspect.signature(model.original_model.forward).parameters
    return {"past_key_values", "use_cache"} <= set(accepted)


def plain_layers(cache: Any, n: int) -> list[Any] | None:
    """The layers of a cache that holds n positions, all of them, and nothing else; or None."""
    from transformers.cache_utils import DynamicLayer

    plain = all(type(layer) is DynamicLayer for layer in cache.layers)
    return list(cache.layers) if plain and cache.get_seq_length() == n else None


def cut_off(layers: list[Any], start: int) -> Any:
    """The cache of the first `start` positions of what was kept."""
    from transformers.cache_utils import Cache

    kind = _beginning()
    return Cache(layers=[kind(layer, start) for layer in layers])


@functools.cache
def _beginning() -> Any:
    """The class of a cache layer that no pass changes, for a batch that is a multiple of its own.

    transformers' own grows in place, so that it would have to be copied for each pass.
    """
    from transformers.cache_utils import DynamicLayer

    class Beginning(DynamicLayer):
        unchanging = True

        def __init__(self, layer: Any, start: int) -> None:
            super().__init__()
            keys, values = layer.keys[..., :start, :], layer.values[..., :start, :]
            self.lazy_initialization(keys, values)
            self.keys, self.values = keys, values

        def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> Any:
            assert self.keys is not None and self.values is not None
            return tuple(
                torch.cat([_rows(old, len(new)), new], -2)
                for old, new in ((self.keys, key_states), (self.values, value_states))
            )

    return Beginning


def _rows(old: Tensor, n: int) -> Tensor:
    if len(old) == 1:
        return old.expand(n, -1, -1, -1)
    return old.repeat(n // len(old), 1, 1, 1)
