"""Whether heads copy what they attend to: by the eigenvalues of their weights, and on tokens."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from circuit_widgets import capture
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.analysis.induction.scores import TOP
from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import SHARE, middle_of, score_of
from circuit_widgets.weights.heads import HeadWeights, WeightsMissing, head_weights
from circuit_widgets.weights.unembedding import Unembedding
from circuit_widgets.weights.writing import PartsMissing, writing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Rotated weights to compare with, of all heads together.
_ROTATIONS = 64


def add_copying(
    result: InductionHeads,
    model: TransformerBridge,
    sequences: Sequence[Int[Tensor, "batch pos"]],
    layout: Layout,
    *,
    confidence: float,
    seed: int,
) -> Iterator[InductionHeads | None]:
    """Copying by the weights, then on the tokens of the repeating sequences.

    It yields once for every pass; None where there is nothing new to show.
    """
    try:
        weights, logits = copying_by_weights(model, seed, confidence)
    except WeightsMissing as error:
        warnings.warn(f"copying by weights is missing: {error}", stacklevel=2)
        weights = logits = Score(torch.full(result.shape, math.nan))
    result = dataclasses.replace(result, copying=weights, copying_logits=logits)
    yield result
    n, chance, hits = sum(map(len, sequences)), 0.0, []
    for tokens in sequences:
        copied = CopiedTokens(model, tokens, layout.before + layout.length)
        capture.run(model, tokens, copied.reducers, logits=False)
        if copied.reason and not hits:
            warnings.warn(f"copying on tokens is missing: {copied.reason}", stacklevel=2)
        hits.append(copied.hits)
        chance += copied.chance * len(tokens) / n
        yield None
    score = score_of(torch.cat(hits), None, confidence, chance, bounds=SHARE)
    yield dataclasses.replace(result, copying_tokens=score)


def copying_by_weights(
    model: TransformerBridge, seed: int, confidence: float = 0.95
) -> tuple[Score, Score]:
    """Copying scores of W_OV, and of W_E W_OV W_U: sum of Re(eigenvalue) / sum of |eigenvalue|.

    1: every direction is written as it is read (Elhage et al. 2021). The d_model x d_model matrix
    W_V W_O has the eigenvalues of the d_head x d_head matrix W_O W_V, and zeros. It misses a head
    that copies into another subspace. The control is the same with W_V turned by random rotations:
    its mean and the middle of draws over all heads (a share `confidence` of them), one null for
    every head.

    >>> from circuit_widgets import load_model
    >>> weights, logits = copying_by_weights(load_model(), seed=0)
    >>> weights.value.shape
    torch.Size([2, 4])
    """
    unembedding = Unembedding(model)
    around = unembedding.after(model.W_E.detach())
    eye = torch.eye(model.cfg.d_model, device=around.device)
    layers = [head_weights(model, layer) for layer in range(model.cfg.n_layers)]
    generator = torch.Generator().manual_seed(seed)
    there = [(layer, head) for layer, each in enumerate(layers) for head in range(len(each.o))]
    picks = torch.randint(len(there), (_ROTATIONS,), generator=generator).tolist()
    rotations = [torch.randn(eye.shape, generator=generator) for _ in picks[: _ROTATIONS // 8]]
    turns = [torch.linalg.qr(matrix)[0].to(around.device) for matrix in rotations]
    scores = []
    for through in (eye, around):
        value = pad_sequence(
            [_positivity(w.o @ (through @ w.v)) for w in layers], True, padding_value=math.nan
        )
        null = torch.stack(
            [
                _turned(layers[there[pick][0]], there[pick][1], through, turn)
                for pick, turn in zip(picks, turns * 8, strict=False)
            ]
        )
        null = null[~null.isnan()]
        if len(null):
            mean, low, high = middle_of(null, confidence)
        else:
            mean = low = high = torch.tensor(math.nan)
        missing = torch.full_like(value, math.nan)
        scores.append(
            Score(
                value=value,
                low=missing,
                high=missing.clone(),
                control=torch.full_like(value, float(mean)),
                control_low=torch.full_like(value, float(low)),
                control_high=torch.full_like(value, float(high)),
            )
        )
    return scores[0], scores[1]


def _turned(w: HeadWeights, head: int, through: Tensor, turn: Tensor) -> Float[Tensor, ""]:
    return _positivity((w.o[head] @ through @ (turn @ w.v[head]))[None])[0]


def _positivity(matrix: Float[Tensor, "head d_head d_head"]) -> Float[Tensor, " head"]:
    # On the CPU: eigenvalues of a matrix that is not symmetric are not on every device.
    values = torch.linalg.eigvals(matrix.float().cpu())
    size = values.abs().sum(-1)
    return (values.real.sum(-1) / size).masked_fill(size == 0, math.nan)


class CopiedTokens:
    """Two reducers: how often a head's own logits raise the token that it attends to most.

    At each query of the second copy: is the attended token's logit, from this head's output alone,
    among the `TOP` highest of the sequence's tokens? Means over queries; give both to one run.

    >>> from circuit_widgets import capture, load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog seven blue dog seven")
    >>> copied = CopiedTokens(model, ids, first=4)
    >>> _ = capture.run(model, ids, copied.reducers, logits=False)
    >>> copied.hits.shape
    torch.Size([1, 2, 4])
    """

    def __init__(
        self, model: TransformerBridge, tokens: Int[Tensor, "batch pos"], first: int
    ) -> None:
        self._model, self._first = model, first
        self._ids = tokens.to(model.cfg.device)
        # Logits of the sequence's own tokens; one that stands twice counts once.
        self._directions = Unembedding(model).directions(self._ids)
        same = self._ids[:, :, None] == self._ids[:, None, :]
        self._again = same.tril(-1).any(-1)
        shape = (len(tokens), model.cfg.n_layers, model.cfg.n_heads)
        self.hits: Float[Tensor, "batch layer head"] = torch.full(shape, math.nan)
        distinct = (~self._again).sum(1).float()
        self.chance = float((TOP / distinct).clamp(max=1).mean())
        # Why heads are missing, if some are.
        self.reason = ""
        self.reducers = capture.together(("pattern", "z", "attn_out"), self._see)

    def _see(
        self,
        layer: int,
        pattern: Float[Tensor, "batch head query key"],
        z: Float[Tensor, "batch pos head d_head"],
        attn_out: Float[Tensor, "batch pos d_model"],
    ) -> None:
        queries = slice(self._first, None)
        try:
            found = writing(self._model, layer, z[:, queries], attn_out[:, queries])
        except PartsMissing as error:
            self.reason = str(error)
            return
        best = pattern[:, :, self._first :].max(-1)
        # Where attention is not a number, nothing is attended.
        attended = best.indices.masked_fill(best.values.isnan(), -1)
        writes = found.of_all(z[:, queries]).transpose(1, 2)
        logits = torch.einsum("bhqd,bkd->bhqk", writes, self._directions)
        logits = logits.masked_fill(self._again[:, None, None], -math.inf)
        first_of = (self._ids[:, :, None] == self._ids[:, None, :]).int().argmax(-1)
        key = first_of[:, None, None].expand(*attended.shape, -1)
        at = key.gather(-1, attended.clamp(min=0)[..., None])
        mine = logits.gather(-1, at)
        # A head that writes nothing raises nothing: equal logits are no hit.
        hit = ((logits >= mine).sum(-1) <= TOP).float()
        missing = (attended < 0) | writes.isnan().any(-1)
        rate = hit.masked_fill(missing, math.nan).mean(-1)
        self.hits[:, layer, : rate.shape[1]] = rate.cpu()
