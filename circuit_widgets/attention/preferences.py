"""What heads attend to by their architecture alone: biases by distance, as ALiBi has them.

Press et al. 2022, Train Short, Test Long: each head's scores get a bias that falls with distance.
Such a head attends to near tokens without having learned to.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.foreign import without_foreign
from circuit_widgets.capture.locks import lock

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

Preferences = Float[Tensor, "kind query key"]
# A bias by distance shows in so many tokens.
_FEW = 6
# How far attention may be from equal by rounding.
_ROUNDING = 1e-3
# Of each model the longest that were asked for; None: it has none.
_found: weakref.WeakKeyDictionary[TransformerBridge, Preferences | None] = (
    weakref.WeakKeyDictionary()
)


def preferences(model: TransformerBridge, n: int) -> Preferences | None:
    """Each different pattern that heads have on `n` tokens when their queries are 0.

    Then scores are biases alone, whatever the tokens are, which is tried on two texts. One of the
    patterns is even attention if some heads have no bias. Measured once for each model.

    Returns:
        The patterns, rows of which sum to 1; None: no head prefers a distance, or a model's scores
        cannot be had without its tokens.

    >>> from circuit_widgets import load_model
    >>> preferences(load_model(), 8) is None
    True
    """
    if model not in _found:
        _found[model] = _measured(model, min(_FEW, n))
    known = _found[model]
    if known is None:
        return None
    if known.shape[-1] < n:
        known = _found[model] = _measured(model, n)
    # Rows of a longer text begin as those of a shorter one.
    return None if known is None else known[:, :n, :n]


def _measured(model: TransformerBridge, n: int) -> Preferences | None:
    ids = torch.arange(n).remainder(int(model.cfg.d_vocab))
    kinds: list[Float[Tensor, "query key"]] = []
    unlike = False

    def see(pattern: Float[Tensor, "text head query key"]) -> None:
        nonlocal unlike
        unlike = unlike or not _same(pattern[0], pattern[1])
        for head in pattern[0].float().cpu():
            # A sink in the softmax takes a part of each row.
            head = head / head.sum(-1, keepdim=True).clamp_min(1e-30)
            if not any(_same(head, kind) for kind in kinds):
                kinds.append(head)

    with lock(model), without_foreign(model):
        try:
            rows = torch.stack([ids, ids.flip(0)])
            capture.run(model, rows, [_Pattern(see)], [_NoQueries()], logits=False)
        except (ValueError, RuntimeError):  # No such site, or it is never reached.
            return None
    even = torch.ones(n, n).tril()
    even = even / even.sum(-1, keepdim=True)
    if unlike or all(_same(kind, even) for kind in kinds):
        return None
    return torch.stack(kinds)


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(((one - other).abs() <= _ROUNDING).all())


@dataclasses.dataclass(frozen=True, eq=False)
class _NoQueries:
    site: str = "q"
    layers: None = None

    def edit(self, layer: int, tensor: Tensor) -> Tensor:
        return torch.zeros_like(tensor)


@dataclasses.dataclass(frozen=True, eq=False)
class _Pattern:
    function: Callable[[Tensor], None]
    site: str = "pattern"

    def see(self, layer: int, tensor: Tensor) -> None:
        self.function(tensor)
