"""What a vector of the residual stream adds to the logits, the final norm held as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.weights.heads import norm_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Unembedding:
    """From what is written to the residual stream to logits, with the final norm folded in.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> Unembedding(model).directions(torch.tensor([3, 4])).shape
    torch.Size([2, 48])
    """

    def __init__(self, model: TransformerBridge) -> None:
        cfg: Any = model.cfg
        self._model = model
        self.norm = norm_of(getattr(model, "ln_final", None), cfg.d_model, cfg.device, cfg.dtype)
        self._mean: Tensor | None = None

    @property
    def _weight(self) -> Tensor:
        # Not kept: of a large vocabulary it is the model's largest tensor.
        return self._model.W_U.detach()

    @property
    def mean(self) -> Float[Tensor, " d_model"]:
        """The direction of the mean logit."""
        if self._mean is None:
            self._mean = self.norm.fold(self._weight.float().mean(1)[:, None])[:, 0]
        return self._mean

    def directions(self, ids: Int[Tensor, "*some"]) -> Float[Tensor, "*some d_model"]:
        """Directions that raise a token's logit above the mean logit."""
        columns = self._weight[:, ids.flatten()].float()
        return (self.norm.fold(columns).T - self.mean).view(*ids.shape, -1)

    def after(self, embedding: Float[Tensor, "vocab d_model"]) -> Float[Tensor, "d_model d_model"]:
        """W_U W_E, by parts of the vocabulary: in float32 a whole one may not fit."""
        total = torch.zeros(embedding.shape[1], embedding.shape[1], device=embedding.device)
        for start in range(0, len(embedding), 8192):
            rows = embedding[start : start + 8192].float()
            total += self.norm.fold(self._weight[:, start : start + 8192].float()) @ rows
        return total
