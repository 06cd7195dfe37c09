"""Changes of a token's embedding that mean nothing, each as large as the change to another token.

The null of a measure that cannot be below 0, such as a KL divergence: every change moves the
output, also one in a direction that nothing in the model was trained to read. A token matters if
another one in its place moves the output more than such a change of the same size (random
perturbations of equal norm are the baseline of Lee & Heimersheim 2024, Investigating Sensitive
Directions in GPT-2).
"""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class _Embedded(BaseException):
    """The embeddings are there: no layer has to run.

    Not an `Exception`: `except Exception` somewhere in a model must not swallow it.
    """


class _Embeddings:
    """Reducer: the stream that goes into layer 0, and then the end of the pass."""

    site = "resid_pre"
    layers = frozenset({0})

    def __init__(self) -> None:
        self.stream = torch.empty(0)

    def see(self, layer: int, tensor: Float[Tensor, "batch pos d_model"]) -> None:
        self.stream = tensor.clone()
        raise _Embedded


def embeddings(
    model: TransformerBridge, tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, "batch pos d_model"]:
    """What layer 0 is given for some tokens: embeddings, with positions where those are added.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> embeddings(model, model.to_tokens("blue dog")).shape
    torch.Size([1, 3, 48])
    """
    reducer = _Embeddings()
    with contextlib.suppress(_Embedded):
        capture.run(model, tokens, [reducer], logits=False)
    return reducer.stream


class RandomChanges:
    """Streams into layer 0 with one position changed in random directions.

    Args:
        model: The model.
        ids: The text.
        sizes_from: Tokens, [pos, change]: a change at a position is as large (L2 norm) as the step
            from the embedding there to this token's.
        seed: Of the directions, the same on every device.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue")[0]
    >>> RandomChanges(model, ids, ids.roll(1)[:, None].repeat(1, 5), seed=0).at(2).shape
    torch.Size([5, 48])
    """

    def __init__(
        self,
        model: TransformerBridge,
        ids: Int[Tensor, " pos"],
        sizes_from: Int[Tensor, "pos change"],
        seed: int,
    ) -> None:
        self._seed = seed
        self.clean: Float[Tensor, "pos d_model"] = embeddings(model, ids[None])[0]
        # A row at a time: of a long text and a wide model the streams are large.
        self._sizes = torch.stack(
            [
                (embeddings(model, row[None])[0] - self.clean).float().norm(dim=-1).cpu()
                for row in sizes_from.T
            ]
        )

    def at(self, position: int) -> Float[Tensor, "change d_model"]:
        """What stands at a position instead of its embedding."""
        sizes = self._sizes[:, position, None]
        generator = torch.Generator().manual_seed((self._seed + position) % 2**63)
        directions = torch.randn(len(sizes), self.clean.shape[-1], generator=generator)
        steps = sizes * directions / directions.norm(dim=-1, keepdim=True)
        return self.clean[position] + steps.to(self.clean)


def enough(confidence: float) -> int:
    """How many random changes it takes for "above all of them" to mean this confidence.

    If a value is one more of the same kind it is the largest of n + 1 with probability 1 / (n + 1),
    however they are distributed.

    >>> enough(0.95), enough(0.9)
    (19, 9)
    """
    return max(1, math.ceil(1 / (1 - confidence) - 1e-9) - 1)
