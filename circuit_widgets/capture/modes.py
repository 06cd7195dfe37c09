"""Evaluation mode while something runs, and each module's own mode again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def modules_of(model: TransformerBridge) -> set[torch.nn.Module]:
    """All of a model."""
    # The bridge does not register the one it wraps: what only that one has (GPT-2's embedding
    # dropout) is found there.
    found: set[torch.nn.Module] = set()
    left: list[torch.nn.Module] = [model, model.original_model]
    # Not `Module.modules()`, which has a generator in each module: of a bridge that takes as long
    # as several layers.
    while left:
        module = left.pop()
        if module not in found:
            found.add(module)
            left.extend(child for child in module._modules.values() if child is not None)
    return found


@contextmanager
def evaluating(modules: Iterable[torch.nn.Module]) -> Iterator[None]:
    """Evaluation mode (no dropout), and every module's own mode again afterwards.

    >>> module = torch.nn.Dropout()
    >>> with evaluating([module]):
    ...     module.training
    False
    >>> module.training
    True
    """
    training = [module for module in modules if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True
