"""What a model costs: numbers, memory, cache, time."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import torch

from circuit_widgets import arguments

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class ModelCost:
    """What a model costs.

    Attributes:
        parameters: Numbers that are learned, each once.
        attention_parameters: Those of queries, keys, values and outputs.
        bytes: Memory of all of them.
        cache_bytes: Of keys and values, a token.
        seconds: The fastest of some passes; None if none was run. Compare it with another model's
            only where both were measured one after the other.
        tokens: How many were in a pass.

    >>> ModelCost(100, 60, 400, 64, None, 0).bytes
    400
    """

    parameters: int
    attention_parameters: int
    bytes: int
    cache_bytes: int
    seconds: float | None
    tokens: int


def model_cost(model: TransformerBridge, *, passes: int = 0, tokens: int = 128) -> ModelCost:
    """Count what a model costs, and measure its passes.

    Args:
        model: A TransformerBridge.
        passes: How many are run, after one that is not counted; 0 measures no time.
        tokens: Of the text of a pass; no more than the model reads.

    Raises:
        ValueError: Numbers that are none.

    >>> from circuit_widgets import load_model
    >>> cost = model_cost(load_model())
    >>> cost.attention_parameters, cost.cache_bytes
    (25056, 1024)
    """
    from circuit_widgets.models.pruned.prune import layer_sizes

    passes = arguments.whole("passes", passes)
    tokens = min(arguments.whole("tokens", tokens, 1), int(model.cfg.n_ctx))
    # A tied embedding is one; the bridge's own output bias of zeros is none.
    weights = {
        weight.data_ptr(): (name, weight)
        for name, weight in model.state_dict(keep_vars=True).items()
        if isinstance(weight, torch.nn.Parameter) and weight.numel()
    }
    parts = [(name, weight.numel(), weight.nbytes) for name, weight in weights.values()]
    cache = 0
    for layer, (_, n_keys) in enumerate(layer_sizes(model)):
        attention = model.blocks[layer].attn
        width = sum(getattr(attention, entry).weight.numel() for entry in ("k", "v"))
        assert n_keys
        size = attention.k.weight.element_size()
        cache += width // int(model.cfg.d_model) * size
    seconds = _fastest(model, passes, tokens) if passes else None
    return ModelCost(
        parameters=sum(n for _, n, _ in parts),
        attention_parameters=sum(n for name, n, _ in parts if ".attn." in name),
        bytes=sum(n for _, _, n in parts),
        cache_bytes=cache,
        seconds=seconds,
        tokens=tokens if passes else 0,
    )


def _fastest(model: TransformerBridge, passes: int, tokens: int) -> float:
    from circuit_widgets import capture

    ids = torch.arange(tokens).remainder(int(model.cfg.d_vocab))[None]
    times = []
    for _ in range(passes + 1):
        begun = time.perf_counter()
        # The logits come to the CPU, so that a GPU has finished.
        capture.run(model, ids)[:, -1].cpu()
        times.append(time.perf_counter() - begun)
    return min(times[1:])
