"""What the highest of all heads would score if none looked for anything: the null of a class."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import torch
from jaxtyping import Int
from torch import Tensor

from circuit_widgets.analysis.patterns.results import PROBED
from circuit_widgets.attention.diagonals import diagonal_mean
from circuit_widgets.attention.random_attention import random_attention
from circuit_widgets.attention.shapes import Compute, PatternScores
from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import highest_of

# If so many heads are more uniform than random rows, that is what the model's heads begin as.
_FLAT = 0.75
# Classes by how attention is spread, and not by where it goes.
SPREAD = ("uniform", "hierarchical")


def highest_on_prompts(
    tokens: Int[Tensor, "batch pos"],
    n_heads: int,
    confidence: float,
    registered: Mapping[str, Compute],
) -> dict[str, float]:
    """Of each score of a text the bound for the highest of `n_heads` random heads.

    They keep what they prefer from prompt to prompt, so that more prompts do not lower it.

    >>> bounds = highest_on_prompts(torch.arange(12)[None], 36, 0.95, {})
    >>> round(bounds["diagonal"], 1), bounds["hierarchical"] > 0.9
    (0.7, True)
    """
    known = _on_text(tokens.shape[1], n_heads, confidence)
    if not registered:
        return known
    pattern = random_attention(tokens.shape[1]).to(tokens.device)
    reducer = PatternScores(tokens[:1], 1, pattern.shape[1], registered)
    reducer.see(0, pattern)
    own = dict(zip(reducer.names, reducer.values[:, 0, 0], strict=True))
    return known | {name: float(highest_of(own[name], n_heads, confidence)) for name in registered}


@functools.lru_cache(maxsize=256)
def _on_text(n: int, n_heads: int, confidence: float) -> dict[str, float]:
    pattern = random_attention(n)
    reducer = PatternScores(torch.arange(n)[None], 1, pattern.shape[1])
    reducer.see(0, pattern)
    bounds = highest_of(reducer.values[:, 0, 0].T, n_heads, confidence)
    return dict(zip(reducer.names, bounds.tolist(), strict=True))


@functools.lru_cache(maxsize=32)
def highest_on_repeats(layout: Layout, n_heads: int, confidence: float) -> dict[str, float]:
    """The same for the scores of random tokens that repeat.

    >>> round(highest_on_repeats(Layout(12, 1), 36, 0.95)["prefix_matching"], 1)
    0.2
    """
    pattern = random_attention(layout.n_tokens)[0]
    return {
        name: float(highest_of(diagonal_mean(pattern, *layout.diagonal(name)), n_heads, confidence))
        for name in PROBED
    }


def untrained_like(uniform: Score) -> bool:
    """Whether three quarters of the heads are more uniform than rows of random weights.

    Without training every head attends about equally to all tokens. Where most heads of a model do,
    how attention is spread (`SPREAD`) sets none of them apart.
    """
    assert uniform.chance is not None
    seen = uniform.value[~uniform.value.isnan()]
    return bool(len(seen)) and float((seen > uniform.chance).float().mean()) >= _FLAT
