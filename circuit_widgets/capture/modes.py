"""Evaluation mode while something runs, and each module's own mode again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def modules_of(model: TransformerBridge) -> set[torch.nn.Module]:
    """All of a model."""
    # The bridge does not register the one it wraps: what only that one has (GPT-2's embedding
    # dropout) is found there.
    found: set[torch.nn.Module] = set()
    # Level by level, not by `Module.modules()`, which has a generator in each module: of a bridge
    # that takes as long as several layers.
    level: set[Any] = {model, model.original_model}
    while level:
        found |= level
        level = {child for module in level for child in module._modules.values()} - found - {None}
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


def check_slopes() -> None:
    """Slopes are kept here, or are by `torch.enable_grad()`, which does not leave inference mode.

    Raises:
        RuntimeError: They are not.

    >>> with torch.inference_mode():
    ...     check_slopes()
    Traceback (most recent call last):
    RuntimeError: slopes are needed, and torch.inference_mode() keeps none; accepted is a call ...
    """
    if torch.is_inference_mode_enabled():
        raise RuntimeError(
            "slopes are needed, and torch.inference_mode() keeps none; accepted is a call outside "
            "it, or inside torch.no_grad()"
        )
