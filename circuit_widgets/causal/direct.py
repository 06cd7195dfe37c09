"""Direct logit attribution: what each part of a model adds to a logit, the norms held as they were.

The residual stream at a position is a sum: the embedding, and what every layer's attention and MLP
added. The final norm, with its scale held as it was in this run, and the unembedding are linear, so
each part has a share of the logit (Elhage et al. 2021, A Mathematical Framework for Transformer
Circuits; nostalgebraist 2020, logit lens). What a part does through later parts is not in it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.hooks import hook_point
from circuit_widgets.weights.heads import normalises_after
from circuit_widgets.weights.unembedding import Unembedding
from circuit_widgets.weights.writing import PartsMissing, written_by_all

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# How far the parts may be from the logit, as a share of the largest logit.
_TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 6e-2}


@dataclasses.dataclass(frozen=True)
class Direct:
    """What each part adds to the logits of some tokens, above the mean logit of the vocabulary.

    Along "token" are the tokens asked for. All parts but `heads` sum to `logit`; a layer's heads
    and biases sum to its `attention`.

    Attributes:
        heads: Of each head; NaN where a layer's heads do not add up to what its attention adds, and
            where a layer of a pruned model has no head.
        attention: Of each layer's attention, biases included.
        mlp: Of each layer's MLP, whatever is in it; of no layer where the model has none.
        other: Of what else a layer adds, rounding included.
        embedding: Of what goes into the first layer.
        constant: Of the biases of the final norm and of the unembedding.
        logit: The logit less the mean logit, before a soft cap if the model has one.
        capped: Whether the model has a soft cap after it.
        missing: Why heads are missing, "" if none are.
    """

    heads: Float[Tensor, "batch layer head token"]
    attention: Float[Tensor, "batch layer token"]
    mlp: Float[Tensor, "batch mlp_layer token"]
    other: Float[Tensor, "batch layer token"]
    embedding: Float[Tensor, "batch token"]
    constant: Float[Tensor, "batch token"]
    logit: Float[Tensor, "batch token"]
    capped: bool
    missing: str


class DirectLogits:
    """Reads one position of each row of a run: give its `reducers` to the run, then ask.

    Args:
        model: A TransformerBridge.
        positions: Whose output is read, one a row.

    Raises:
        RuntimeError: The stream is no sum of parts: the model normalises it after each (GPT-1).

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog seven blue dog")
    >>> direct = DirectLogits(model, torch.tensor([5]))
    >>> logits = capture.run(model, ids, direct.reducers)
    >>> found = direct.of(logits, torch.tensor([[3, 4]]))
    >>> parts = found.embedding + found.constant + found.mlp.sum(1)
    >>> parts = parts + (found.attention + found.other).sum(1)
    >>> bool((parts - found.logit).abs().max() < 1e-4)
    True
    """

    def __init__(self, model: TransformerBridge, positions: Int[Tensor, " batch"]) -> None:
        if normalises_after(model):
            raise RuntimeError(
                "this architecture normalises the residual stream itself after each part, so that "
                "no part stays what it was when it was added, and none has a share of a logit"
            )
        self._model, self._positions = model, positions.to(model.cfg.device)
        self._rows = torch.arange(len(positions), device=model.cfg.device)
        sites = ["resid_pre", "z", "attn_out", "resid_post"]
        # A model of attention alone has no MLP.
        if model.get_hook_point("blocks.0.hook_mlp_out") is not None:
            sites.append("mlp_out")
        for site in sites:
            try:
                for layer in range(len(model.blocks)):
                    hook_point(model, layer, site)
            except ValueError as error:
                raise RuntimeError(f"no part has a share of a logit: {error}") from error
        self._seen: dict[int, dict[str, Tensor]] = {}
        self._missing = ""
        # A layer's output is what goes into the next one: only the last one's is read.
        last = {len(model.blocks) - 1}
        self.reducers: list[capture.Reducer] = [
            _At(site, self._take, last if site == "resid_post" else None) for site in sites
        ]

    def _take(self, site: str, layer: int, tensor: Float[Tensor, "batch pos ..."]) -> None:
        at = tensor[self._rows, self._positions].float()
        self._seen.setdefault(layer, {})[site] = at
        self._dtype = tensor.dtype

    def of(
        self,
        logits: Float[Tensor, "batch pos vocab"],
        tokens: Int[Tensor, "batch token"],
        *,
        above_mean: bool = True,
    ) -> Direct:
        """What each part of the run adds to the logits of some tokens of each row.

        above_mean: Less what it adds to the mean logit. Where only differences between tokens are
        asked for, it cancels, and costs a tenth of a pass.

        Raises:
            RuntimeError: The logits are not what the final norm and the unembedding make of the
                stream: this architecture does something else to them.
        """
        model, tokens = self._model, tokens.to(self._model.cfg.device)
        unembedding = Unembedding(model)
        stream = self._seen[len(model.blocks) - 1]["resid_post"]
        normed, bias = unembedding.normed(stream)
        actual = logits[self._rows, self._positions].float().gather(1, tokens)
        factor, capped = self._factor(unembedding, normed, tokens, actual)
        size = unembedding.norm.fold_output(stream)
        square = size.square().sum(1, keepdim=True)
        scale = ((normed - bias) * size).sum(1, keepdim=True) / torch.where(square > 0, square, 1)
        # [batch, token, d_model]: a part's share is its product with it.
        directions = factor * scale[..., None] * unembedding.directions(tokens, above_mean)

        def share(part: Float[Tensor, "batch *more d_model"]) -> Float[Tensor, "batch *more token"]:
            return torch.einsum("b...d,btd->b...t", part, directions).cpu()

        seen = [self._seen[layer] for layer in sorted(self._seen)]
        before, attention = (
            torch.stack([layer[site] for layer in seen], 1) for site in ("resid_pre", "attn_out")
        )
        after = torch.cat([before[:, 1:], stream[:, None]], 1)
        mlp = attention[:, :0]
        if "mlp_out" in seen[0]:
            mlp = torch.stack([layer["mlp_out"] for layer in seen], 1)
        added = attention + mlp if mlp.shape[1] else attention
        layers = {
            "heads": share(torch.stack([*self._heads(seen)], 1)),
            "attention": share(attention),
            "mlp": share(mlp),
            "other": share(after - before - added),
        }
        constant = factor * unembedding.constant(tokens, bias, above_mean)
        embedding = share(before[:, 0])
        whole = sum((layers[name].sum(1) for name in ("attention", "mlp", "other")), embedding)
        return Direct(
            **layers,
            embedding=embedding,
            constant=constant.cpu(),
            logit=whole + constant.cpu(),
            capped=capped,
            missing=self._missing,
        )

    def _heads(
        self, seen: Sequence[Mapping[str, Tensor]]
    ) -> Iterator[Float[Tensor, "batch head d_model"]]:
        """What each head of each layer adds to the stream."""
        z, attention = (
            [layer[site].to(self._dtype) for layer in seen] for site in ("z", "attn_out")
        )
        for at, found in enumerate(written_by_all(self._model, z, attention)):
            if isinstance(found, PartsMissing):
                self._missing = str(found)
                found = torch.full((*z[at].shape[:2], attention[at].shape[1]), torch.nan)
                found = found.to(attention[at].device)
            # A layer of a pruned model may have fewer heads than the others.
            absent = int(self._model.cfg.n_heads) - found.shape[1]
            yield torch.nn.functional.pad(found, (0, 0, 0, absent), value=math.nan)

    def _factor(
        self, unembedding: Unembedding, normed: Tensor, tokens: Tensor, actual: Tensor
    ) -> tuple[float, bool]:
        """What the model multiplies its logits by, and whether it caps them: by comparison."""
        plain = unembedding.logits(normed, tokens)
        # A model with broken weights is itself all the same: two values that are NaN agree.
        plain, actual = plain.nan_to_num(), actual.nan_to_num()
        most = _TOLERANCE.get(self._dtype, 1e-3) * max(1.0, float(actual.abs().max()))
        cap = float(getattr(self._model.cfg, "output_logits_soft_cap", 0) or 0)
        if cap > 0 and bool(((cap * (plain / cap).tanh() - actual).abs() <= most).all()):
            return 1.0, True
        if bool(((plain - actual).abs() <= most).all()):
            return 1.0, False
        square = float(plain.square().sum())
        factor = float((plain * actual).sum()) / square if square else 1.0
        if bool(((factor * plain - actual).abs() <= most).all()):
            return factor, False
        raise RuntimeError(
            "the logits of this model are not what its final norm and its unembedding make of the "
            "residual stream, so that no part of the stream has a share of a logit"
        )


class _At:
    """A reducer made of a function that is told the site."""

    def __init__(self, site: str, take: Any, layers: set[int] | None) -> None:
        self.site, self._take, self.layers = site, take, layers

    def see(self, layer: int, tensor: Tensor) -> None:
        self._take(self.site, layer, tensor)
