"""Edges taken away size by size: after each, what the rest does is looked at anew.

What an edge does in the whole model says little about what it does in a small part of it. So the
model is pruned from size to size, and at each size slopes are taken in the part that is left, as
networks are pruned (Molchanov et al. 2019, Importance Estimation for Neural Network Pruning: first
order, and again after every round). The slope of the metric at the share of each edge is averaged
over shares that all edges have alike, up to the whole: integrated gradients (Sundararajan et al.
2017) along the mask of the edges (Bhaskar et al. 2024, Edge Pruning), not along the inputs. Edges
stay that change the metric the most, either way. In the whole model, where clean and corrupt inputs
are what differs, the inputs are integrated along (EAP-IG, Hanna et al. 2024). But where a part does
too little of the task, those that help stay before those that harm, and the other way round where
it does too much: how far is found by running parts, so that each size is about as good as the
model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.causal.choosing import SHARES, Ranking, Strength
from circuit_widgets.causal.edge_scores import edge_scores, measure
from circuit_widgets.causal.mask_slopes import MaskSlopes
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.on_paths import Edges
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.prompts.tasks import Task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# How much more an edge counts that helps, at most, and how near to the whole model is near enough.
_MOST, _NEAR, _TRIES = 0.9, 0.03, 4
# Steps of EAP-IG on the inputs, at least.
_INPUT_STEPS = 5


class Pruning:
    """The edges of a model for one task, in the order in which they are taken away.

    Args:
        model: A TransformerBridge.
        nodes: Its graph.
        task: Its prompts and its metric.
        steps: Of the mean over shares, and of EAP-IG.
        by: What is read along other edges; see `Subgraphs`.
        batch: Prompts a pass.
        size: One more size, beside those of `SHARES`.

    Attributes:
        samples: Scores of all edges of the whole model on each prompt, by EAP-IG on the inputs; by
            the slopes of the mask where other edges read a mean. NaN: no edge.
        strength: How long each edge stays, as a rank; NaN: no edge.

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=4)
    >>> pruning = Pruning(model, nodes_of(model), task, steps=2, by="resample", batch=4)
    >>> stages = [*pruning.run()]
    >>> int(pruning.strength.isfinite().sum()) == int(nodes_of(model).allowed.sum())
    True
    """

    def __init__(
        self,
        model: TransformerBridge,
        nodes: Nodes,
        task: Task,
        steps: int,
        by: str,
        batch: int,
        size: int | None = None,
    ) -> None:
        self._model, self._nodes, self._task, self._batch = model, nodes, task, batch
        self._input_steps = max(steps, _INPUT_STEPS) if by == "resample" else 0
        self._runs = TaskRuns(model, nodes, task, by, batch, MaskSlopes)
        self._measures = [measure(model, some) for some in self._runs.tasks]
        self._shares = _shares_of(steps, len(nodes.heads))
        total = int(nodes.allowed.sum())
        wanted = {max(1, round(share * total)) for share in SHARES} | ({size} if size else set())
        self._sizes = sorted(wanted - {total}, reverse=True)
        self.samples: Float[Tensor, "prompt source target"]
        self.strength: Strength = torch.full(nodes.allowed.shape, torch.nan)

    @property
    def n_steps(self) -> int:
        """How many steps `run` has."""
        n, by_mask = len(self._sizes), len(self._shares) * len(self._measures)
        first = len(self._measures) if self._input_steps else by_mask
        return n + first + (n - 1) * by_mask

    def run(self) -> Iterator[None]:
        """Step by step; afterwards `samples` and `strength` are there."""
        left, n_gone = self._nodes.allowed.clone(), 0
        order = torch.zeros_like(self.strength)
        for at, size in enumerate(self._sizes):
            samples = torch.zeros(len(self._task), *left.shape)
            if at == 0 and self._input_steps:
                yield from self._by_inputs(samples)
            else:
                for share in self._shares:
                    yield from self._add(samples, share * left)
                samples /= len(self._shares)
            if at == 0:
                self.samples = samples.where(left, torch.nan)
            kept, order = self._chosen(samples.mean(0), left, size)
            yield
            gone = left & ~kept
            self.strength[gone] = n_gone + _ranks(order[gone])
            left, n_gone = kept, n_gone + int(gone.sum())
        self.strength[left] = n_gone + _ranks(order[left])

    def _add(self, samples: Tensor, shares: Float[Tensor, "source target"]) -> Iterator[None]:
        """One more pass of all prompts, some at a time."""
        start = 0
        for runs, how in zip(self._runs.each, self._measures, strict=True):
            found = cast("MaskSlopes", runs).slopes(shares, how).cpu()
            samples[start : start + len(found)] += found
            start += len(found)
            yield

    def _by_inputs(self, samples: Tensor) -> Iterator[None]:
        """Scores of the whole model's edges, by EAP-IG on the inputs."""
        start, how = 0, ("eap-ig-inputs", self._input_steps, self._batch)
        for found in edge_scores(self._model, self._nodes, self._task, *how):
            samples[start : start + len(found)] = found.nan_to_num(0.0)
            start += len(found)
            yield

    def _chosen(
        self, slope: Float[Tensor, "source target"], left: Edges, size: int
    ) -> tuple[Edges, Strength]:
        """The edges that stay, and how long each would, by slopes in the part that is left."""
        runs = self._runs
        found: dict[float, tuple[float, Edges, Strength]] = {}

        def ratio(more: float) -> float:
            strength = slope.abs() + more * slope
            kept = Ranking(strength.where(left, torch.nan), self._nodes).of_size_or_all(size)
            found[more] = runs.ratio(runs.along(kept)[0]), kept, strength
            return found[more][0]

        _search(ratio)
        best = min(found, key=lambda more: abs(found[more][0] - 1))
        return found[best][1:]


def _search(ratio: Callable[[float], float]) -> None:
    """Try where it comes to 1: halfway between too little and too much, some times."""
    first = ratio(0.0)
    low, high = (0.0, _MOST) if first < 1 else (-_MOST, 0.0)
    for _ in range(_TRIES if abs(first - 1) > _NEAR else 0):
        middle = (low + high) / 2
        found = ratio(middle)
        if abs(found - 1) <= _NEAR:
            return
        low, high = (middle, high) if found < 1 else (low, middle)


def _shares_of(steps: int, n_layers: int) -> list[float]:
    """Shares that edges have on the way to the whole model.

    A path has as many edges as layers that it goes through, and lets through the product of their
    shares: in a deep model nothing comes through until shares are near 1. So they are even in what
    a path of a fifth of the layers lets through, the mean over which is what counts.

    >>> _shares_of(4, 2), [round(share, 2) for share in _shares_of(3, 30)]
    ([0.25, 0.5, 0.75, 1.0], [0.83, 0.93, 1.0])
    """
    power = max(1.0, n_layers / 5)
    return [(step / steps) ** (1 / power) for step in range(1, steps + 1)]


def _ranks(values: Float[Tensor, " edge"]) -> Float[Tensor, " edge"]:
    return values.argsort(stable=True).argsort(stable=True).to(values.dtype)
