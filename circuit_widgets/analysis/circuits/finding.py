"""The stages of finding a circuit, and the result after each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.circuits.curve import Curve, curves, share_of
from circuit_widgets.analysis.circuits.results import Circuit
from circuit_widgets.causal.carried import mean_attention
from circuit_widgets.causal.choosing import above, sizes_of
from circuit_widgets.causal.edge_scores import exact_scores
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.on_paths import Edges
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.prompts.tokens import tokenize
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import SHARE, mean_interval
from circuit_widgets.statistics.ranks import rank_correlation
from circuit_widgets.statistics.sign_flips import sign_flip_q

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.analysis.circuits.extract import Settings

# Random circuits of a size, where they run together, and where each is a run of its own.
_TOGETHER, _APART = 10, 5


class Finding:
    """A circuit on its way: scores first, then runs of each size, then what single nodes do."""

    def __init__(
        self,
        model: TransformerBridge,
        nodes: Nodes,
        found: Task,
        tested: Task,
        settings: Settings,
        made: Provenance,
    ) -> None:
        self._model, self._nodes, self._made = model, nodes, made
        self._found, self._tested, self._settings = found, tested, settings
        self._first = tokenize(model, found.clean[:1].cpu()).strings
        self._first_corrupt = tokenize(model, found.corrupt[:1].cpu()).strings
        self._attention = None
        if nodes.n_positions:
            self._attention = mean_attention(model, nodes, found, settings.batch)
        self._runs = TaskRuns(model, nodes.anywhere, tested, settings.by, settings.batch)
        self.work = Work({"scores": len(found), "check": 0, "circuits": 10, "nodes": 0})
        self._agreement: float | None = None
        self._n_checked, self._chosen = 0, 0
        self._effects = torch.full((3, *nodes.allowed.shape[:-1]), math.nan)
        self._pending = ("faithfulness", "nodes")

    def progress(self, stage: str) -> Progress:
        """A stage begins, or goes on."""
        return self.work.did(stage, 0)

    def score(
        self,
        samples: Float[Tensor, "prompt *pos source target"],
        strength: Float[Tensor, "*pos source target"] | None = None,
    ) -> None:
        """Edges have their scores: find circuits of all sizes.

        strength: by which they are chosen; None: the size of the mean score.
        """
        settings, nodes = self._settings, self._nodes
        ends = mean_interval(samples, settings.confidence)
        self._score = Score(**dict(zip(("value", "low", "high"), ends, strict=True)))
        self._q = torch.full_like(self._score.value, math.nan)
        self._q[nodes.allowed] = sign_flip_q(samples[:, nodes.allowed], settings.seed)
        self._strength = self._score.value.abs() if strength is None else strength
        size = settings.size
        if settings.threshold is not None:
            edges = above(self._strength, settings.threshold, nodes)
            if not edges.any():
                raise ValueError(
                    f"no path from the embedding to the output has edges of "
                    f"{settings.threshold:g} or more; the strongest edge has "
                    f"{float(self._strength.nan_to_num().max()):.3g}"
                )
            size = int(edges.sum())
        self._kept, asked = sizes_of(self._strength, nodes, size)
        self._asked = asked
        self._chosen = len(self._kept) - 1 if asked is None else asked
        missing = torch.full((len(self._kept),), math.nan)
        blank = Score(value=missing, low=missing, high=missing)
        self._curve = Curve(self._kept, blank, blank, blank)
        self.work.plan("circuits", len(self._kept))

    def run(self) -> Iterator[Circuit | Progress]:
        """Check the scores, run every circuit, and take nodes out of the chosen one."""
        settings = self._settings
        if settings.check and settings.method != "exact":
            self._check()
            yield self.result()
        n_random = settings.random
        if n_random is None:
            n_random = _TOGETHER if self._runs.at_once >= _TOGETHER else _APART
        arguments = self._strength, self._nodes, self._kept, n_random, settings.seed
        for curve in curves(self._runs, *arguments, settings.confidence):
            if curve is None:
                yield self.progress("circuits")
                continue
            self._curve = curve
            self.work.did("circuits")
            yield self.result()
        if self._asked is None:
            enough = self._curve.faithfulness.value >= settings.keep
            self._chosen = int(enough.int().argmax()) if enough.any() else len(self._kept) - 1
        self._pending = ("nodes",) if settings.minimality else ()
        yield self.result()
        if settings.minimality:
            yield from self._take_out()

    def result(self) -> Circuit:
        """What is known by now."""
        runs, confidence = self._runs, self._settings.confidence
        n_done = 0 if self._pending else 1
        return Circuit(
            task=self._found.name,
            tokens=self._first,
            corrupt_tokens=self._first_corrupt,
            roles=self._found.roles,
            metric=self._found.metric,
            nodes=self._nodes,
            n_found=len(self._found),
            n_tested=len(self._tested),
            held_out=self._settings.held_out,
            score=self._score,
            q=self._q,
            kept=self._kept,
            chosen=self._chosen,
            faithfulness=self._curve.faithfulness,
            accuracy=self._curve.accuracy,
            without=self._curve.without,
            clean=_mean(runs.clean, confidence),
            corrupt=_mean(runs.corrupt, confidence),
            clean_accuracy=_mean(runs.clean_right, confidence, SHARE),
            node_effects=_score(self._effects),
            agreement=self._agreement,
            n_checked=self._n_checked,
            attention=self._attention,
            provenance=dataclasses.replace(self._made, n_done=n_done, pending=self._pending),
        )

    def _check(self) -> None:
        """Patch some edges exactly: half of them of the smaller circuits, half of all."""
        n, settings = self._settings.check, self._settings
        generator = torch.Generator().manual_seed(settings.seed)
        kept = self._kept[min(self._chosen, len(self._kept) // 2)]
        pools = kept.nonzero(), (self._nodes.allowed & ~kept).nonzero()
        edges: list[tuple[int, ...]] = []
        for pool, some in zip(pools, (n // 2, n - n // 2), strict=True):
            order = torch.randperm(len(pool), generator=generator)[:some]
            edges += [(*map(int, place),) for place in pool[order]]
        exact = exact_scores(
            self._model, self._nodes, self._found, edges, settings.batch, settings.direction
        ).mean(0)
        estimates = torch.stack([self._score.value[edge] for edge in edges])
        self._agreement = float(rank_correlation(exact, estimates))
        self._n_checked = len(edges)

    def _take_out(self) -> Iterator[Circuit | Progress]:
        kept, runs = self._kept[self._chosen], self._runs
        # The embedding comes first: without it there is no circuit.
        inside = [place for place in kept.any(-1).nonzero().tolist() if place[-1] > 0]
        self.work.plan("nodes", len(inside))
        whole, _ = runs.along(kept)
        for start in range(0, len(inside), runs.at_once):
            some = inside[start : start + runs.at_once]
            left = [_without(kept, place) for place in some]
            for place, (scores, _) in zip(some, runs.several(left), strict=True):
                lost = share_of(runs, whole - scores, self._settings.confidence)
                self._effects[(slice(None), *place)] = torch.stack([*lost])
            yield self.work.did("nodes", len(some))
        self._pending = ()
        yield self.result()


def _without(kept: Edges, place: list[int]) -> Edges:
    left = kept.clone()
    left[tuple(place)] = False
    return left


def _mean(
    values: Float[Tensor, " prompt"], confidence: float, bounds: tuple[float, float] | None = None
) -> Score:
    return _score(torch.stack([*mean_interval(values, confidence, bounds)]))


def _score(ends: Float[Tensor, ends * rest]) -> Score:
    return Score(value=ends[0].clone(), low=ends[1].clone(), high=ends[2].clone())
