"""What the highest of all heads would score if none looked for anything: the null of a class."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.patterns.results import PROBED
from circuit_widgets.attention.diagonals import diagonal_mean
from circuit_widgets.attention.preferences import Preferences
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
    preferred: Preferences | None = None,
) -> dict[str, float]:
    """Of each score of a text the bound for the highest of `n_heads` random heads.

    They keep what they prefer from prompt to prompt, so that more prompts do not lower it. Where
    the architecture has heads that prefer distances, random ones do too: of each kind the bound,
    and the highest of these.

    >>> bounds = highest_on_prompts(torch.arange(12)[None], 36, 0.95, {})
    >>> round(bounds["diagonal"], 1), bounds["hierarchical"] > 0.9
    (0.7, True)
    """
    n = tokens.shape[1]
    known = dict(_on_text(n, n_heads, confidence, None if preferred is None else _Key(preferred)))
    for pattern in _random_heads(n, preferred) if registered else ():
        pattern = pattern.to(tokens.device)
        reducer = PatternScores(tokens[:1], 1, pattern.shape[1], registered)
        reducer.see(0, pattern)
        own = dict(zip(reducer.names, reducer.values[:, 0, 0], strict=True))
        for name in registered:
            bound = float(highest_of(own[name], n_heads, confidence))
            known[name] = max(bound, known.get(name, bound))
    return known


class _Key:
    """Preferences as the key of a cache: the same tensor is the same key."""

    def __init__(self, preferred: Preferences) -> None:
        self.preferred = preferred
        self._key = (preferred.shape, preferred.sum().item(), preferred.square().sum().item())

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and torch.equal(self.preferred, other.preferred)


def _random_heads(
    n: int, preferred: Preferences | None
) -> Iterator[Float[Tensor, "1 draw query key"]]:
    """Random heads of each kind that an architecture has: biases add to their scores."""
    pattern = random_attention(n)
    for kind in [None] if preferred is None else preferred:
        if kind is None:
            yield pattern
        else:
            weights = pattern * kind
            yield weights / weights.sum(-1, keepdim=True).clamp_min(1e-30)


@functools.lru_cache(maxsize=256)
def _on_text(
    n: int, n_heads: int, confidence: float, preferred: _Key | None
) -> Mapping[str, float]:
    found: list[Tensor] = []
    names: list[str] = []
    for pattern in _random_heads(n, preferred and preferred.preferred):
        reducer = PatternScores(torch.arange(n)[None], 1, pattern.shape[1])
        reducer.see(0, pattern)
        names = reducer.names
        found.append(highest_of(reducer.values[:, 0, 0].T, n_heads, confidence))
    return dict(zip(names, torch.stack(found).amax(0).tolist(), strict=True))


def highest_on_repeats(
    layout: Layout, n_heads: int, confidence: float, preferred: Preferences | None = None
) -> dict[str, float]:
    """The same for the scores of random tokens that repeat.

    >>> round(highest_on_repeats(Layout(12, 1), 36, 0.95)["prefix_matching"], 1)
    0.2
    """
    key = None if preferred is None else _Key(preferred)
    return dict(_on_repeats(layout, n_heads, confidence, key))


@functools.lru_cache(maxsize=32)
def _on_repeats(
    layout: Layout, n_heads: int, confidence: float, preferred: _Key | None
) -> Mapping[str, float]:
    bounds = dict.fromkeys(PROBED, 0.0)
    for pattern in _random_heads(layout.n_tokens, preferred and preferred.preferred):
        for name in PROBED:
            draws = diagonal_mean(pattern[0], *layout.diagonal(name))
            bounds[name] = max(bounds[name], float(highest_of(draws, n_heads, confidence)))
    return bounds


def untrained_like(uniform: Score) -> bool:
    """Whether three quarters of the heads are more uniform than rows of random weights.

    Without training every head attends about equally to all tokens. Where most heads of a model do,
    how attention is spread (`SPREAD`) sets none of them apart.
    """
    assert uniform.chance is not None
    seen = uniform.value[~uniform.value.isnan()]
    return bool(len(seen)) and float((seen > uniform.chance).float().mean()) >= _FLAT
