"""The steps of `suggest_circuit_optimizations`, and the result that they make so far."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from circuit_widgets.analysis.optimization import bottlenecks as narrow
from circuit_widgets.analysis.optimization import edges, naive, suggested
from circuit_widgets.analysis.optimization.curve import (
    Losses,
    Point,
    cost_of,
    scores_of,
    within,
)
from circuit_widgets.analysis.optimization.results import (
    Optimizations,
    PrunedCost,
    Suggestion,
    unknown,
)
from circuit_widgets.analysis.optimization.rounds import Rounds
from circuit_widgets.causal.nodes import Nodes, nodes_of
from circuit_widgets.heads import Head
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.statistics.doing import check_task
from circuit_widgets.weights.writing import PartsMissing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.analysis.optimization.suggest import Settings

HEADS, TASK = "heads that could go", "parts of the task"


class Finding:
    """What is known so far. Each step is about a forward pass."""

    def __init__(
        self,
        model: TransformerBridge,
        task: Task | None,
        scored: Prompts,
        held_out: Prompts,
        given: tuple[Any, Any],
        most: int,
        settings: Settings,
        made: Provenance,
    ) -> None:
        self._model, self._task, self._settings, self._made = model, task, settings, made
        self._circuit, self._coordination = given
        self._n = len(scored), len(held_out)
        batches = [ids for _, ids in scored.batches(settings.batch)]
        others = [ids for _, ids in held_out.batches(settings.batch)]
        self._shape = (int(model.cfg.n_layers), int(model.cfg.n_heads))
        self._rounds = Rounds(
            model,
            batches,
            settings.step,
            settings.shortlist,
            most,
            settings.prune_by,
            settings.confidence,
        )
        self._scored, self._held_out = Losses(model, batches), Losses(model, others)
        self._points = [self._point([])]
        self._costs: list[PrunedCost] = []
        self._unsliced = self._skipped = ""
        self._suggestions: list[Suggestion] = []
        n = self._rounds.n_rounds
        a_round = 1 + settings.shortlist + settings.random
        self._work = Work({HEADS: 1 + n * a_round, TASK: 0 if task is None else 2})

    def run(self) -> Iterator[Optimizations | Progress]:
        """Prune round by round, then look at the task."""
        yield from self._measure(self._points[0])
        self._cost([])
        for over in self._rounds.run():
            yield self._work.did(HEADS)
            if over:
                point = self._point(self._rounds.gone)
                yield from self._measure(point)
                self._points.append(point)
                self._cost(self._rounds.gone)
                yield self._result(pending=True)
        yield self._work.end(HEADS)
        if self._settings.rule == "source":
            found = naive.measures_of(self._circuit, self._coordination, self._settings.threshold)
            self._suggestions = naive.source_rules(found, self._settings.threshold)
        else:
            yield from self._idle()
            yield from self._look_at_task()
        yield self._result(pending=False)

    # --- pruning ---

    def _point(self, heads: Sequence[Head]) -> Point:
        settings = self._settings
        return Point(
            self._held_out,
            self._scored,
            self._shape,
            list(heads),
            settings.random,
            settings.seed,
            settings.confidence,
        )

    def _measure(self, point: Point) -> Iterator[Progress]:
        for _ in point.run():
            yield self._work.did(HEADS)

    def _cost(self, heads: Sequence[Head]) -> None:
        if self._unsliced:
            return
        try:
            settings = self._settings
            cost = cost_of(self._model, heads, settings.passes, settings.confidence)
            self._costs.append(cost)
        except ValueError as error:
            self._unsliced = str(error)

    def _idle(self) -> Iterator[Progress]:
        """Heads that write next to nothing, as a set: its effect is measured as any point's."""
        idle = suggested.idle_heads(self._rounds.first["norm"].value, self._settings.threshold)
        self._idle_point = self._point(idle)
        if idle:
            yield from self._measure(self._idle_point)

    # --- the task ---

    def _look_at_task(self) -> Iterator[Progress]:
        if self._coordination is not None:
            self._suggestions += edges.side_by_side(self._coordination)
        if self._task is None:
            self._skipped = "bottlenecks and harmful edges, which need a task"
            return
        settings = self._settings
        checked = check_task(
            self._model, self._task, confidence=settings.confidence, batch=settings.batch
        )
        if checked.failures:
            # What explains a failure explains nothing.
            said = "; ".join(checked.failures)
            self._skipped = f"parts of the task, which the model does not do: {said}"
            yield self._work.end(TASK)
            return
        try:
            nodes = nodes_of(self._model)
            yield from self._bottlenecks(nodes)
            yield from self._edges(nodes)
        except (PartsMissing, ValueError) as error:
            self._skipped = f"parts of the task: {error}"
        yield self._work.end(TASK)

    def _bottlenecks(self, nodes: Nodes) -> Iterator[Progress]:
        assert self._task is not None
        settings = self._settings
        if self._circuit is not None:
            found = narrow.of_circuit(self._circuit, settings.bottleneck, settings.confidence)
        else:
            effects = narrow.NodeEffects(self._model, nodes, self._task, settings.confidence)
            for _ in effects.run(settings.batch):
                yield self._work.did(TASK)
            found = narrow.bottlenecks(
                nodes,
                effects.shares,
                settings.bottleneck,
                settings.confidence,
            )
        self._suggestions = [*found, *self._suggestions]

    def _edges(self, nodes: Nodes) -> Iterator[Progress]:
        assert self._task is not None
        circuit, settings = self._circuit, self._settings
        seed = settings.seed if circuit is None else int(circuit.provenance.seed or 0)
        harmful = edges.HarmfulEdges(
            self._model, nodes, *self._task.halves(seed), seed=settings.seed
        )
        # Scores of the prompts that edges are tested on would choose what they then test.
        score = circuit.score.value if circuit is not None and circuit.held_out else None
        for _ in harmful.run(settings.batch, score):
            yield self._work.did(TASK)
        self._suggestions += harmful.suggestions(settings.confidence)

    # --- what there is ---

    def _result(self, *, pending: bool) -> Optimizations:
        settings, first = self._settings, self._rounds.first
        loss, rise = scores_of(self._points)
        sizes = tuple(len(point.heads) for point in self._points)
        gone_at = torch.full(self._shape, -1)
        for at in range(len(sizes) - 1, 0, -1):
            for head in self._rounds.gone[: sizes[at]]:
                gone_at[head.layer, head.index] = at
        chosen = within(rise, settings.tolerance)
        best = torch.tensor([point.best_random for point in self._points])
        found = Optimizations(
            provenance=self._made if pending else dataclasses.replace(self._made, n_done=1),
            task="" if self._task is None else self._task.name,
            n_scored=self._n[0],
            n_held_out=self._n[1],
            order=tuple(map(str, self._rounds.gone)),
            sizes=sizes,
            chosen=chosen,
            loss=loss,
            rise=rise,
            best_random=best,
            costs=tuple(self._costs),
            unsliced=self._unsliced,
            norm=first["norm"],
            importance=first["importance"],
            estimate=first["estimate"],
            effect=first.get("effect", unknown(*self._shape)),
            gone_at=gone_at,
            redundancy=sizes[chosen] / math.prod(self._shape),
            skipped=self._skipped,
        )
        if settings.rule == "source":
            return dataclasses.replace(found, suggestions=tuple(self._suggestions))
        pruning = suggested.pruning(found)
        if not pending:
            pruning += suggested.of_idle(self._idle_point, found)
        return dataclasses.replace(found, suggestions=(*pruning, *self._suggestions))
