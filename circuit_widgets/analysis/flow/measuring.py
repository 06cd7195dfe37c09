"""The stages of measuring flow between layers, and the result after each."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.flow.layer_parts import LayerParts
from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.analysis.flow.levels import Levels, evidence, levels_of, profile_of
from circuit_widgets.analysis.flow.profiles import measured
from circuit_widgets.causal.edge_scores import edge_scores
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.prompts.tokens import tokenize
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_interval
from circuit_widgets.statistics.ranks import rank_correlation
from circuit_widgets.statistics.sign_flips import sign_flip_bound

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.analysis.flow.analyze import LayerSettings

# Prompts on which an estimate is checked, at most.
_CHECKED = 8
# A strength that is smaller, as a share of the largest, is rounding, of one sign in all prompts.
_ROUNDING = 1e-5


class Measuring:
    """Flow between layers on its way: strengths first, then what checks them, then levels."""

    def __init__(
        self,
        model: TransformerBridge,
        nodes: Nodes,
        task: Task,
        settings: LayerSettings,
        made: Provenance,
    ) -> None:
        self._model, self._nodes, self._task = model, nodes, task
        self._settings, self._made = settings, made
        self.parts = LayerParts(nodes)
        self._first = tokenize(model, task.clean[:1].cpu()).strings
        shape = len(self.parts.sources), len(self.parts.targets)
        n_layers, n_heads = len(nodes.heads), max(nodes.heads)
        self._strength: Float[Tensor, "prompt source target"] = torch.empty(0, *shape)
        self._heads = torch.full((len(task), n_layers, n_heads), math.nan)
        self._by_head = torch.full((n_layers, n_heads, shape[1]), math.nan)
        self._by_entry = torch.full((shape[0], n_layers, 3), math.nan)
        self._exact = torch.full(shape, math.nan)
        self._agreement: float | None = None
        self._n_checked = 0
        self._profile: Float[Tensor, "prompt layer feature"] | None = None
        self._levels: Levels | None = None
        self._pending = ["levels"] if settings.levels else []

    def steps(self) -> Iterator[CrossLayerFlow | Progress]:
        """All stages."""
        settings, n = self._settings, len(self._task)
        exact, levels = settings.method == "exact", settings.levels
        n_pairs = int(self.parts.allowed.sum())
        checked = [] if exact else [None] * min(settings.check, n_pairs)
        runs = n_pairs + len(self._nodes.sources) - 1 if exact else n
        work = Work({"strengths": runs, "exact runs": len(checked), "levels": n * levels})
        yield work.now()
        for done in self._cut() if exact else self._estimate():
            yield work.did("strengths", done)
        if checked:
            self._pending.insert(0, "exact runs")
        yield self._result()
        if checked:
            yield from (work.did("exact runs") for _ in self._check())
            self._pending.remove("exact runs")
            yield self._result()
        if levels:
            yield from (work.did("levels", n) for n in self._measure())
            self._pending.clear()
            yield self._result()

    def _estimate(self) -> Iterator[int]:
        settings, parts, nodes = self._settings, self.parts, self._nodes
        found, of_heads, by_node, by_reader = [], [], 0, 0
        for scores in edge_scores(
            self._model, nodes, self._task, settings.method, settings.steps, settings.batch
        ):
            found.append(parts.summed(scores))
            from_nodes = parts.from_nodes(scores)
            of_heads.append(from_nodes.sum(-1))
            by_node = by_node + from_nodes.sum(0) / len(self._task)
            by_reader = by_reader + scores.cpu().nan_to_num(0).sum(0) / len(self._task)
            yield len(scores)
        self._strength = torch.cat(found)
        assert isinstance(by_node, Tensor) and isinstance(by_reader, Tensor)
        lost = torch.cat(of_heads)
        for layer, n_heads in enumerate(nodes.heads):
            at = nodes.heads_of(layer)
            self._heads[:, layer, :n_heads] = lost[:, at]
            after = parts.allowed[parts.of_source[at.start]]
            self._by_head[layer, :n_heads] = by_node[at].where(after, torch.nan)
            for number, entry in enumerate(("q", "k", "v")):
                read = by_reader[:, nodes.targets_of(layer, entry)].sum(1)
                into = torch.zeros(len(parts.sources)).index_add_(0, parts.of_source, read)
                target = int(parts.of_target[nodes.targets_of(layer, entry).start])
                self._by_entry[:, layer, number] = into.where(parts.allowed[:, target], torch.nan)

    def _cut(self) -> Iterator[int]:
        """Every pair, and every head, by a run without its edges."""
        parts, nodes = self.parts, self._nodes
        runs = TaskRuns(self._model, nodes, self._task, "resample", self._settings.batch)
        self._strength = torch.full((len(self._task), *self._exact.shape), math.nan)
        for source, target in parts.allowed.nonzero().tolist():
            scores, _ = runs.along(nodes.allowed & ~parts.edges(source, target))
            self._strength[:, source, target] = runs.clean - scores
            yield 1
        for source in nodes.sources[1:]:
            if source.head is not None:
                scores, _ = runs.along(nodes.without([source.name]))
                self._heads[:, source.layer, source.head] = runs.clean - scores
            yield 1
        self._exact, self._n_checked = self._strength.mean(0), len(self._task)

    def _check(self) -> Iterator[None]:
        """Run some pairs exactly: half of them the strongest, half drawn from the others."""
        settings, parts, nodes = self._settings, self.parts, self._nodes
        some = self._task.batch(slice(0, _CHECKED))
        runs = TaskRuns(self._model, nodes, some, "resample", settings.batch)
        estimates = self._strength[: len(some)].mean(0)
        places = parts.allowed.nonzero()
        order = self._strength.mean(0)[parts.allowed].abs().argsort(descending=True, stable=True)
        n = min(settings.check, len(places))
        strongest, others = order[: (n + 1) // 2], order[(n + 1) // 2 :]
        generator = torch.Generator().manual_seed(settings.seed)
        drawn = others[torch.randperm(len(others), generator=generator)[: n // 2]]
        chosen = places[torch.cat([strongest, drawn])]
        for source, target in chosen.tolist():
            scores, _ = runs.along(nodes.allowed & ~parts.edges(source, target))
            self._exact[source, target] = (runs.clean - scores).mean()
            yield
        self._n_checked = len(some)
        known = self._exact.isfinite()
        if int(known.sum()) > 2:
            self._agreement = float(rank_correlation(self._exact[known], estimates[known]))

    def _measure(self) -> Iterator[int]:
        settings, found = self._settings, []
        for start in range(0, len(self._task), settings.batch):
            some = self._task.batch(slice(start, start + settings.batch))
            found.append(measured(self._model, self._nodes, some))
            yield len(some)
        self._profile = profile_of(torch.cat(found), self.parts.layers(self._strength))
        self._levels = levels_of(self._profile, settings.confidence, settings.seed)

    def _result(self) -> CrossLayerFlow:
        settings, parts = self._settings, self.parts
        by_layer = parts.layers(self._strength)
        # Parts and layers are one family: a flow of either kind is above the same threshold.
        tests = [self._strength[:, parts.allowed], by_layer[:, parts.allowed_layers]]
        bound = sign_flip_bound(torch.cat(tests, 1), settings.confidence, settings.seed)
        if bound is not None:
            bound = max(bound, _ROUNDING * float(self._strength.mean(0).nan_to_num(0).abs().max()))
        by_layer = by_layer.where(parts.allowed_layers, torch.nan)
        profile = self._profile
        return CrossLayerFlow(
            task=self._task.name,
            metric=self._task.metric,
            tokens=self._first,
            nodes=self._nodes,
            n_prompts=len(self._task),
            strength=self._score(self._strength, bound),
            layers=self._score(by_layer, bound),
            bound=bound,
            threshold=bound if settings.threshold is None else settings.threshold,
            exact=self._exact.clone(),
            agreement=self._agreement,
            n_checked=self._n_checked,
            heads=self._score(self._heads, None),
            by_head=self._by_head,
            by_entry=self._by_entry,
            profile={} if profile is None else evidence(profile, settings.confidence),
            levels=self._levels,
            provenance=dataclasses.replace(
                self._made, n_done=len(self._task), pending=tuple(self._pending)
            ),
        )

    def _score(self, samples: Float[Tensor, "prompt ..."], bound: float | None) -> Score:
        value, low, high = mean_interval(samples, self._settings.confidence)
        if bound is None:
            return Score(value, low=low, high=high)
        ends = torch.full_like(value, bound)
        return Score(value, low=low, high=high, extreme_low=-ends, extreme_high=ends)
