"""Scores of every head on one text, read while the model runs."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.attention.blocks import query_blocks
from circuit_widgets.attention.diagonals import diagonal
from circuit_widgets.results.score import About, Score

# Float32 values in flight while logits are read: 64 MB, whatever the vocabulary is.
_CHUNK = 2**24
_TINY = torch.finfo(torch.float32).tiny


def _text(name: str, label: str, about: str, source: str) -> About:
    # There is no text without repeats to compare with: chance is the null.
    return About(name, label, about, source, null="chance", group="this text")


TEXT_SCORES: dict[str, About] = {
    about.name: about
    for about in (
        _text(
            "induction",
            "Induction",
            "On this text: mean attention to tokens that come right after an earlier occurrence of "
            "the same token, over the tokens that have one.",
            "after Olsson et al. 2022, on text instead of random tokens",
        ),
        _text(
            "previous_token",
            "Previous token",
            "On this text: mean attention to the previous token; behind a BOS token from the third "
            "token on, because the second one's previous token is also the sink.",
            "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
        ),
        _text(
            "same_token",
            "Same token",
            "On this text: mean attention to earlier occurrences of the same token, over the "
            "tokens that have one.",
            "Wang et al. 2022, Interpretability in the Wild (duplicate token heads)",
        ),
        _text(
            "first_token",
            "First token",
            "On this text: mean attention to the first token, which often is an attention sink.",
            "Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks",
        ),
        _text(
            "entropy",
            "Entropy",
            "On this text: how spread out attention is, from 0 (one token) to 1 (uniform).",
            "entropy over its maximum log(q+1); Clark et al. 2019 for entropy of heads",
        ),
    )
}


class _Pairs:
    """Mean attention mass on given (query, key) pairs, over the queries that have any.

    Pairs as a list, not as a mask: in text they are about one cell in a hundred.
    """

    def __init__(self, mask: Tensor) -> None:
        n = mask.shape[0]
        at = mask.nonzero()
        queries = at[:, 0]
        self._flat = queries * n + at[:, 1]
        self.queries = int(mask.any(1).sum())
        # Which of the queries that have a key each pair belongs to.
        self._row = torch.unique(queries, return_inverse=True)[1]
        # No query has such a key: the score does not exist, for any head.
        self._over = self.queries if self.queries else math.nan
        self.chance = float((1 / (queries + 1)).sum()) / self._over

    def mean(
        self, pattern: Float[Tensor, "head query key"]
    ) -> tuple[Float[Tensor, " head"], Float[Tensor, " head"]]:
        """The mean, and its standard error over the queries."""
        taken = pattern.flatten(1).index_select(1, self._flat).float()
        each = taken.new_zeros(len(pattern), self.queries).index_add_(1, self._row, taken)
        return taken.sum(-1) / self._over, _error(each)


def _error(each: Float[Tensor, "head query"]) -> Float[Tensor, " head"]:
    """Standard error of the mean of a few values; NaN for fewer than two."""
    if each.shape[1] < 2:
        return each.new_full((len(each),), math.nan)
    return each.std(-1) / math.sqrt(each.shape[1])


class TextScores:
    """Reducer: the scores of `TEXT_SCORES` for every head, from one pass over one text.

    - induction: mass on keys k < q with token[k-1] = token[q]; queries that have such a k. k = q is
      left out: in "a a" the second "a" would follow itself.
    - same_token: mass on keys k < q with token[k] = token[q]; queries that have such a k.
    - previous_token: A[q, q-1], q from 1 + b.
    - first_token: A[q, 0], q from 1.
    - entropy: H(A[q]) / log(q+1), q from 1, of rows scaled to sum to 1 (heads with a learned sink
      give part of the attention to no token).

    A score that no query can have is NaN for every head, as is a layer that was not seen.
    """

    site = "pattern"

    def __init__(
        self, ids: Int[Tensor, "1 pos"], n_layers: int, n_heads: int, *, has_bos: bool = False
    ) -> None:
        text = ids.reshape(-1)
        self._n = n = len(text)
        self._first = 1 + has_bos
        same = (text[:, None] == text[None, :]).tril(-1)
        after = torch.zeros_like(same)
        after[:, 1:] = same[:, :-1]
        self._same, self._after = _Pairs(same), _Pairs(after.tril(-1))
        self._values = torch.full((len(TEXT_SCORES), n_layers, n_heads), math.nan)
        self._errors = self._values.clone()
        self.queries: dict[str, int] = {
            "induction": self._after.queries,
            "previous_token": max(0, n - self._first),
            "same_token": self._same.queries,
            "first_token": max(0, n - 1),
            "entropy": max(0, n - 1),
        }
        counts = torch.arange(1, n + 1, device=text.device, dtype=torch.float32)
        self._log_counts = counts.log()[1:]

        def uniform(first: int) -> float:
            return float((1 / counts[first:]).mean()) if n > first else math.nan

        self._chance = {
            "induction": self._after.chance,
            "previous_token": uniform(self._first),
            "same_token": self._same.chance,
            "first_token": uniform(1),
            "entropy": 1.0 if n > 1 else math.nan,
        }

    def see(self, layer: int, tensor: Float[Tensor, "batch head query key"]) -> None:
        pattern = tensor[0]
        before = diagonal(pattern, 1, self._first).float()
        first = pattern[:, 1:, 0].float()
        entropy = self._entropy(pattern)
        rows = {
            "induction": self._after.mean(pattern),
            "previous_token": (before.mean(-1), _error(before)),
            "same_token": self._same.mean(pattern),
            "first_token": (first.mean(-1), _error(first)),
            "entropy": (entropy, torch.full_like(entropy, math.nan)),
        }
        both = torch.stack([torch.stack(rows[name]) for name in TEXT_SCORES]).cpu()
        there = slice(both.shape[-1])
        self._values[:, layer, there], self._errors[:, layer, there] = both.unbind(1)

    def _entropy(self, pattern: Float[Tensor, "head query key"]) -> Float[Tensor, " head"]:
        n_heads, n = pattern.shape[:2]
        total = torch.zeros(n_heads, device=pattern.device)
        # Of each query only the keys it may see: half of the work, and no float32 copy of a layer.
        # log and a product: xlogy, which knows 0 log 0 by itself, takes three times as long.
        for start, stop in query_blocks(pattern, first=1):
            rows = pattern[:, start:stop, :stop].float()
            mass = rows.sum(-1)
            logs = rows.clamp(min=_TINY).log_()
            spread = mass.log() - logs.mul_(rows).sum(-1) / mass
            total += (spread / self._log_counts[start - 1 : stop - 1]).sum(-1)
        return total / (n - 1) if n > 1 else total.fill_(math.nan)

    def errors(self) -> dict[str, Float[Tensor, "layer head"]]:
        """Standard error of each score over the text's queries, as if they were independent.

        NaN where there are fewer than two, and for entropy.
        """
        return {name: self._errors[i].clone() for i, name in enumerate(TEXT_SCORES)}

    def scores(self) -> dict[str, Score]:
        """Value [layer, head] and chance of every score, on the CPU."""
        return {
            name: Score(value=self._values[i].clone(), chance=torch.tensor(self._chance[name]))
            for i, name in enumerate(TEXT_SCORES)
        }
