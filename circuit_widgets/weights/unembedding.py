"""What a vector of the residual stream adds to the logits, the final norm held as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.weights.norms import norm_of

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
        self._column_mean: Tensor | None = None
        self._last: tuple[Tensor, Tensor] | None = None

    @property
    def _weight(self) -> Tensor:
        # Not kept: of a large vocabulary it is the model's largest tensor.
        return self._model.W_U.detach()

    @property
    def _mean_column(self) -> Float[Tensor, " d_model"]:
        """The mean over the vocabulary: one read of the model's largest tensor, and no copy."""
        if self._column_mean is None:
            weight = self._weight
            if weight.dtype == torch.float32:  # A product takes half as long.
                of_each = torch.full_like(weight[0], 1 / weight.shape[1])
                self._column_mean = weight @ of_each
            else:
                self._column_mean = weight.mean(1, dtype=torch.float32)
        return self._column_mean

    def _columns(self, ids: Int[Tensor, "*some"]) -> Float[Tensor, "*some d_model"]:
        """Of tokens, which are asked for several times in turn."""
        if self._last is None or self._last[0] is not ids:
            self._last = ids, self._weight.T[ids].float()
        return self._last[1]

    @property
    def mean(self) -> Float[Tensor, " d_model"]:
        """The direction of the mean logit."""
        return self.norm.fold(self._mean_column[:, None])[:, 0]

    @property
    def _bias(self) -> Float[Tensor, " vocab"] | None:
        bias = getattr(self._model, "b_U", None)
        return None if bias is None else bias.detach()

    def normed(
        self, stream: Float[Tensor, "batch d_model"]
    ) -> tuple[Float[Tensor, "batch d_model"], Float[Tensor, " d_model"]]:
        """What the final norm makes of streams, and what it makes of nothing: its bias."""
        module: Any = getattr(self._model, "ln_final", None)
        nothing = torch.zeros_like(stream[:1])
        if module is None:
            return stream, nothing[0]
        with torch.no_grad():
            normed = module(torch.cat([stream, nothing])[:, None].to(self._model.cfg.dtype))
        return normed[:-1, 0].float(), normed[-1, 0].float()

    def logits(
        self, normed: Float[Tensor, "batch d_model"], ids: Int[Tensor, "batch token"]
    ) -> Float[Tensor, "batch token"]:
        """Logits of some tokens of each row, from normed streams."""
        logits = torch.einsum("bd,btd->bt", normed, self._columns(ids))
        return logits if self._bias is None else logits + self._bias[ids].float()

    def constant(
        self,
        ids: Int[Tensor, "batch token"],
        norm_bias: Float[Tensor, " d_model"],
        above_mean: bool = True,
    ) -> Float[Tensor, "batch token"]:
        """What biases add to the logits of tokens above the mean logit, or to the logits."""
        bias = self._bias
        own = torch.einsum("d,btd->bt", norm_bias, self._columns(ids))
        own = own if bias is None else own + bias[ids].float()
        if not above_mean:
            return own
        own = own - norm_bias @ self._mean_column
        return own if bias is None else own - bias.float().mean()

    def directions(
        self, ids: Int[Tensor, "*some"], above_mean: bool = True
    ) -> Float[Tensor, "*some d_model"]:
        """Directions that raise a token's logit above the mean logit, or its logit.

        The mean reads the model's largest tensor once, and differences of logits need none.
        """
        columns = self._columns(ids).reshape(ids.numel(), -1)
        found = self.norm.fold(columns.T).T
        return (found - self.mean if above_mean else found).view(*ids.shape, -1)

    def after(self, embedding: Float[Tensor, "vocab d_model"]) -> Float[Tensor, "d_model d_model"]:
        """W_U W_E, by parts of the vocabulary: in float32 a whole one may not fit."""
        total = torch.zeros(embedding.shape[1], embedding.shape[1], device=embedding.device)
        for start in range(0, len(embedding), 8192):
            rows = embedding[start : start + 8192].float()
            total += self.norm.fold(self._weight[:, start : start + 8192].float()) @ rows
        return total
