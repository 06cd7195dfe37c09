"""What an attention pattern looks like, as numbers: one reducer for one pass over some prompts.

A = A[query, key] of n tokens. Rows that sum to less than 1 (a learned sink inside the softmax) keep
their mass where a score is a mass, and are scaled to sum to 1 where it is a shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.attention.diagonals import diagonal_mean
from circuit_widgets.results.score import About

# A local window: this many tokens back, and the token itself.
WINDOW = 4
# Shapes of rows are read from this query on: of two or three keys every row is alike.
SHAPED = 3
_BINS = ("1", "2-3", "4-7", "8-15", "16-31", "32-63", "64-127", "128-255", "256-511", "512-1023")
Pattern = Float[Tensor, "batch head query key"]
PerHead = Float[Tensor, "batch head"]
# A score of one's own: (pattern [batch, head, query, key], tokens [batch, pos]) to [batch, head].
Compute = Callable[[Tensor, Tensor], Tensor]


def _about(name: str, label: str, about: str, source: str, group: str = "prompts") -> About:
    return About(name, label, about, source, null="chance", group=group)


_CLARK = "Clark et al. 2019, What Does BERT Look At?"
TEXT_SCORES: dict[str, About] = {
    about.name: about
    for about in (
        _about(
            "diagonal",
            "Diagonal",
            "Mean attention to the token itself and the one before it.",
            _CLARK,
        ),
        _about(
            "previous_token",
            "Previous token",
            "Mean attention to the previous token, from the second token on (also where that is a "
            "BOS token, which the score on random tokens leaves out).",
            _CLARK,
        ),
        _about("current_token", "Current token", "Mean attention to the token itself.", _CLARK),
        _about(
            "local_window",
            "Local window",
            f"Mean attention to the token itself and the {WINDOW} before it.",
            "Beltagy et al. 2020, Longformer (sliding windows)",
        ),
        _about(
            "uniform",
            "Uniform",
            "1 minus the total variation distance between a row and uniform attention. Chance is "
            "what rows of random weights (flat Dirichlet) have.",
            "total variation; " + _CLARK + ", for broad heads",
        ),
        _about(
            "hierarchical",
            "Multi-scale (hierarchical)",
            "Entropy of attention over octaves of distance (0, 1, 2-3, 4-7, ...), divided by its "
            "maximum: 1 if every scale gets as much. Chance is what uniform attention has.",
            "circuit_widgets: entropy over octaves of distance",
        ),
        _about(
            "first_token",
            "First token",
            "Mean attention to the first token, from the second query on.",
            "Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks",
        ),
        _about(
            "entropy",
            "Entropy",
            "How spread out attention is, from 0 (one token) to 1 (uniform).",
            "entropy over its maximum log(q+1); " + _CLARK,
        ),
        _about(
            "no_token",
            "No token",
            "Attention that goes to no token: 1 minus the sum of a row (sinks in the softmax).",
            "Miller 2023, Attention Is Off By One; the sinks of GPT-OSS",
        ),
    )
}


def octave(distance: Int[Tensor, "*some"]) -> Int[Tensor, "*some"]:
    """0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7, ..."""
    return (distance.float() + 1e-3).log2().floor().long().add(1).clamp(min=0)


class Pictures:
    """Reducer: the pattern of every head on the batch's first prompt, in small.

    `pictures` [layer, head, side, side] is max-pooled, so that a single strong cell survives; 0 in
    a layer that was not seen, NaN of heads that a layer has not. `side` is at most the number of
    tokens.
    """

    site = "pattern"

    def __init__(self, n_tokens: int, n_layers: int, n_heads: int, side: int) -> None:
        side = min(side, n_tokens)
        self.pictures = torch.zeros(n_layers, n_heads, side, side)

    def see(self, layer: int, tensor: Pattern) -> None:
        side = self.pictures.shape[-1]
        if side:
            pooled = torch.nn.functional.adaptive_max_pool2d(tensor[0].float(), side)
            self.pictures[layer, : len(pooled)] = pooled.cpu()
            self.pictures[layer, len(pooled) :] = math.nan


class PatternScores:
    """Reducer: scores of every head and prompt, and what is registered.

    `values` [score, batch, layer, head] and `by_position` [batch, layer, head, bin] are NaN in a
    layer that was not seen, and of heads that a layer has not.
    """

    site = "pattern"

    def __init__(
        self,
        tokens: Int[Tensor, "batch pos"],
        n_layers: int,
        n_heads: int,
        registered: Mapping[str, Compute] | None = None,
    ) -> None:
        self._tokens = tokens
        self._registered = dict(registered or {})
        batch, n = tokens.shape
        self._shape = _Shape(n, tokens.device)
        self.names = [*TEXT_SCORES, *self._registered]
        self.values = torch.full((len(self.names), batch, n_layers, n_heads), math.nan)
        self.by_position = torch.full((batch, n_layers, n_heads, len(_BINS)), math.nan)

    def see(self, layer: int, tensor: Pattern) -> None:
        pattern = tensor.float()
        rows = self._shape.scores(pattern, torch.finfo(tensor.dtype).eps)
        for name, compute in self._registered.items():
            rows[name] = _computed(name, compute, pattern, self._tokens)
        there = slice(pattern.shape[1])
        values = torch.stack([rows[name] for name in self.names])
        self.values[:, :, layer, there] = values.cpu()
        self.by_position[:, layer, there] = self._shape.entropy_by_position(pattern).cpu()


class _Shape:
    """The scores of patterns of one size."""

    def __init__(self, n: int, device: torch.device) -> None:
        self._n = n
        position = torch.arange(n, device=device)
        distance = (position[:, None] - position).clamp(min=0)
        self._octave = octave(distance)
        self._n_octaves = int(self._octave.max()) + 1
        self._counts = (position + 1).float()
        self._uniform = (torch.ones(n, n, device=device).tril() / self._counts[:, None])[None]
        self._octaves_at = (octave(position) + 1).float()
        self._position_bin = octave(position[1:]) - 1
        self._inside = (distance <= WINDOW) & torch.ones_like(distance, dtype=torch.bool).tril()

    def scores(
        self, pattern: Pattern, rounding: float = torch.finfo(torch.float32).eps
    ) -> dict[str, PerHead]:
        own = torch.diagonal(pattern, 0, -2, -1)
        before = torch.diagonal(pattern, -1, -2, -1)
        mass = pattern.sum(-1)
        shape = pattern / mass[..., None]
        return {
            "diagonal": _mean(own[..., 1:] + before),
            "previous_token": diagonal_mean(pattern, 1, 1),
            "current_token": _mean(own[..., 1:]),
            "local_window": _mean((pattern * self._inside).sum(-1)[..., 1:]),
            "uniform": _mean(1 - (shape - self._uniform).abs().sum(-1)[..., SHAPED:] / 2),
            "hierarchical": _mean(self._scales(shape)[..., SHAPED:]),
            "first_token": _mean(pattern[..., 1:, 0]),
            "entropy": _mean(self._entropy(shape)),
            "no_token": _mean(_without_rounding(1 - mass, rounding, self._n)),
        }

    def _entropy(self, shape: Pattern) -> Float[Tensor, "batch head query"]:
        """Of each query from 1, over its maximum."""
        rows = shape[..., 1:, :]
        return -torch.xlogy(rows, rows).sum(-1) / self._counts[1:].log()

    def _scales(self, shape: Pattern) -> Float[Tensor, "batch head query"]:
        binned = torch.zeros(*shape.shape[:-1], self._n_octaves, device=shape.device)
        binned.scatter_add_(-1, self._octave.expand(shape.shape), shape)
        # At query 0 there is one octave, and nothing to be spread over.
        return -torch.xlogy(binned, binned).sum(-1) / self._octaves_at.log().clamp(min=1e-9)

    def entropy_by_position(self, pattern: Pattern) -> Float[Tensor, "batch head bin"]:
        entropy = self._entropy(pattern / pattern.sum(-1, keepdim=True))
        bins = self._position_bin.clamp(max=len(_BINS) - 1)
        sums = torch.zeros(*entropy.shape[:2], len(_BINS), device=entropy.device)
        sums.index_add_(-1, bins, entropy)
        counts = torch.bincount(bins, minlength=len(_BINS)).float()
        return sums / torch.where(counts > 0, counts, torch.nan)

    def chance(self) -> dict[str, float]:
        """What uniform attention scores; for `uniform` what random weights score."""
        found = {name: float(v[0, 0]) for name, v in self.scores(self._uniform[None]).items()}
        counts = self._counts[SHAPED:]
        # Total variation of a flat Dirichlet to its mean: (1 - 1/n)^n.
        found["uniform"] = (
            float((1 - (1 - 1 / counts) ** counts).mean()) if len(counts) else math.nan
        )
        return found

    def uniform_pattern(self) -> Pattern:
        """[1, 1, query, key]: what registered classes are compared with."""
        return self._uniform[None]


def chances(
    tokens: Int[Tensor, "batch pos"], registered: Mapping[str, Compute] | None = None
) -> dict[str, float]:
    """Every score by chance, on prompts of this size, in the order of `PatternScores.names`."""
    shape = _Shape(tokens.shape[1], tokens.device)
    found = shape.chance()
    for name, compute in (registered or {}).items():
        uniform = shape.uniform_pattern().expand(len(tokens), -1, -1, -1)
        found[name] = float(_computed(name, compute, uniform, tokens).mean())
    return found


def bins() -> tuple[str, ...]:
    """Query positions of `entropy_by_position`."""
    return _BINS


def _mean(values: Float[Tensor, "batch head query"]) -> PerHead:
    return values.mean(-1) if values.shape[-1] else torch.full(values.shape[:2], math.nan)


def _without_rounding(rest: Tensor, rounding: float, n: int) -> Tensor:
    """Exactly 0 where weights that were rounded, and summed, may well be 1 in all.

    What is left of them is no share, and an interval on the logit scale would make much of it.
    """
    within = rounding + n * torch.finfo(torch.float32).eps
    return rest.masked_fill(rest.abs() <= within, 0)


def _computed(name: str, compute: Compute, pattern: Pattern, tokens: Tensor) -> PerHead:
    """The score of a registered class."""
    values = torch.as_tensor(compute(pattern, tokens))
    if values.shape != pattern.shape[:2]:
        raise ValueError(
            f"the score of pattern class {name!r} has shape {list(values.shape)}; accepted is "
            f"[batch, head], here {list(pattern.shape[:2])}"
        )
    return values.float()
