"""The checkpoints of a training on their way, and the result at each stage."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets.analysis.stability.arriving import Arrived, Begin, Given, placed
from circuit_widgets.analysis.stability.changes import change_of, highest_head, swaps_of
from circuit_widgets.analysis.stability.drawing import heads_of, weights_of
from circuit_widgets.analysis.stability.phases import (
    CIRCUIT,
    EFFECTS,
    RANK,
    Neighbours,
    neighbours,
    phases_of,
)
from circuit_widgets.analysis.stability.settings import Settings, size_in
from circuit_widgets.analysis.stability.training_results import (
    Change,
    Phase,
    Swap,
    TrainingStability,
)
from circuit_widgets.attention.pictures import as_bytes
from circuit_widgets.attention.roles import ROLES
from circuit_widgets.causal.choosing import of_size
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.heads import Head
from circuit_widgets.jobs.elsewhere import Failure
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import SHARE, mean_interval, ratio_interval, score_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Heads of which pictures are kept: a byte a cell, for every checkpoint.
PICTURES = 16
T = TypeVar("T")


class Tracking:
    """Checkpoints that are measured, their circuits, and what changed between them."""

    def __init__(self, steps: Sequence[int], arrived: Arrived, settings: Settings) -> None:
        self._steps, self._settings = tuple(steps), settings
        self._models, self._where, self._made = arrived.models, arrived.where, arrived.made
        self._failed = arrived.failed
        models, n = self._models, len(steps)
        self._kept: Bool[Tensor, "step source target"] = torch.zeros(
            n, *models[0].nodes.allowed.shape, dtype=torch.bool
        )
        self._faithful = torch.full((3, n), math.nan)
        self._pending: tuple[str, ...] = ("circuits", "phases")
        self._alike: Neighbours | None = None
        self._phases: tuple[Phase, ...] = ()
        self._changes: tuple[Change, ...] = ()
        self._swaps: tuple[Swap, ...] = ()

    def choose(self) -> None:
        """One size for all, and the circuit of each checkpoint that does the task.

        Raises:
            ValueError: No path is as small.
        """
        settings, nodes = self._settings, self._models[0].nodes
        doing = [
            at for at, one in enumerate(self._models) if one.check.done or settings.allow_failure
        ]
        if not doing:
            return
        n_all = int(nodes.allowed.sum())
        if settings.size is None:
            size = round((self._models[doing[-1]].share or 1.0) * n_all)
        else:
            size = size_in(settings.size, n_all, "the model")
        for at in doing:
            self._kept[at] = of_size(self._models[at].score.abs(), size, nodes)

    def runs(self) -> dict[int, Begin[Tensor]]:
        """Of each step that has a circuit, how faithful that is."""
        return {
            step: functools.partial(_run, own.nodes, own.tested, self._kept[at], self._settings)
            for at, (step, own) in enumerate(zip(self._steps, self._models, strict=True))
            if self._kept[at].any()
        }

    def ran(self, step: int, ends: Tensor | Failure) -> None:
        """What a circuit's run came to."""
        if isinstance(ends, Failure):
            self._failed = (*self._failed, ends.of(f"step {step}"))
        else:
            self._faithful[:, self._steps.index(step)] = ends

    def compare(self) -> None:
        """What differs between checkpoints."""
        settings, models = self._settings, self._models
        draws, seed, confidence = settings.draws, settings.seed, settings.confidence
        self._alike = neighbours(models, self._kept, draws, seed, confidence)
        self._phases = phases_of(self._steps, self._alike, confidence)
        roles = {
            name: torch.stack([one.roles[at] for one in models], 1) for at, name in enumerate(ROLES)
        }
        loss = torch.stack([one.loss for one in models], 1)
        own: Callable[[Tensor], Tensor] = lambda values: values  # noqa: E731
        self._changes = (
            change_of("loss", loss, self._steps, own, seed, confidence),
            *(
                change_of(name, samples, self._steps, highest_head, seed, confidence)
                for name, samples in roles.items()
            ),
        )
        self._swaps = swaps_of(roles, self._steps, self._writing(), confidence)
        self._pending = ()

    def _writing(self) -> Bool[Tensor, "step layer head"]:
        """Which heads write along an edge of the circuit."""
        nodes = self._models[0].nodes
        found = torch.zeros(len(self._steps), *self._models[0].roles.shape[2:], dtype=torch.bool)
        for at in heads_of(nodes).tolist():
            source = nodes.sources[at]
            assert source.head is not None
            found[:, source.layer, source.head] = self._kept[:, at].any(1)
        return found

    def result(self) -> TrainingStability:
        """What is known by now."""
        models, settings, alike = self._models, self._settings, self._alike
        first, n = models[0], len(self._steps)
        intervals = torch.full((n - 1,), math.nan)
        blank = {name: Score(intervals.clone()) for name in (CIRCUIT, EFFECTS, RANK)}
        pictures, scale, heads = self._pictures()
        value, low, high = self._faithful.clone()
        loss = [mean_interval(one.loss, settings.confidence) for one in models]
        return TrainingStability(
            task=first.found.name,
            metric=first.found.metric,
            steps=self._steps,
            tokens=first.tokens,
            nodes=first.nodes,
            n_found=len(first.samples),
            n_tested=len(first.tested),
            n_sequences=first.roles.shape[1],
            held_out=settings.held_out,
            done=tuple(self._placed([one.check.done for one in models], None)),
            task_score=self._checked("score"),
            loss=self._ends([torch.stack([*each]) for each in loss]),
            accuracy=self._checked("accuracy"),
            score=self._ends([torch.stack([*one.ends]) for one in models]),
            kept=self._kept.clone(),
            faithfulness=Score(value, low=low, high=high),
            roles=self._roles(),
            similarities=blank if alike is None else alike.scores,
            jaccard=intervals if alike is None else alike.jaccard,
            chance=intervals.clone() if alike is None else alike.chance,
            phases=self._phases,
            changes=self._changes,
            swaps=self._swaps,
            pictures=pictures,
            picture_scale=scale,
            picture_heads=heads,
            provenance=dataclasses.replace(
                self._made, n_done=len(models), pending=self._pending, failed=self._failed
            ),
        )

    def _filled(self, parts: list[Tensor], missing: float = math.nan) -> Tensor:
        """One for each checkpoint; those that have not been reached are missing."""
        return torch.stack(self._placed(parts, torch.full_like(parts[0], missing)))

    def _placed(self, parts: Sequence[T], missing: T) -> list[T]:
        return placed(parts, self._where, len(self._steps), missing)

    def _ends(self, each: list[Tensor]) -> Score:
        """Value, low and high of each checkpoint."""
        value, low, high = self._filled(each).unbind(1)
        return Score(value.clone(), low=low.clone(), high=high.clone())

    def _checked(self, name: str) -> Score:
        scores = [getattr(one.check, name).tensors() for one in self._models]
        return Score(
            **{
                part: tensor
                if part == "chance"
                else self._filled([score[part] for score in scores])
                for part, tensor in scores[0].items()
            }
        )

    def _roles(self) -> dict[str, Score]:
        confidence = self._settings.confidence
        found = {}
        for at, name in enumerate(ROLES):
            # A control is where there is nothing to find; of some roles it finds as much.
            control = ROLES[name].null == "control"
            scores = [
                score_of(
                    one.roles[at],
                    one.role_control[at] if control else None,
                    confidence,
                    one.role_chance[name],
                    bounds=SHARE,
                ).tensors()
                for one in self._models
            ]
            found[name] = Score(
                **{
                    part: tensor if part == "chance" else self._filled([s[part] for s in scores])
                    for part, tensor in scores[0].items()
                }
            )
        return found

    def _pictures(self) -> tuple[Tensor, Tensor, tuple[Head, ...]]:
        """Of the heads that do most in any circuit, or before there is one, of all edges."""
        nodes, models = self._models[0].nodes, self._models
        kept = self._kept[list(self._where)] if self._kept.any() else nodes.allowed
        weights = weights_of(kept, torch.stack([one.score for one in models])).amax(0)
        heads = heads_of(nodes)
        order = heads[weights[heads].argsort(descending=True, stable=True)]
        chosen = sorted(at for at in order[:PICTURES].tolist() if float(weights[at]) > 0)
        found = [Head.parse(nodes.sources[at].name) for at in chosen]
        places = [(head.layer, head.index) for head in found]
        side = models[0].pictures.shape[-1]
        some = [
            torch.stack([one.pictures[place] for place in places])
            if places
            else torch.zeros(0, side, side)
            for one in models
        ]
        pictures, scale = as_bytes(self._filled(some, 0.0))
        # No picture: not one of zeros.
        scale[[at for at in range(len(self._steps)) if at not in self._where]] = math.nan
        return pictures, scale, tuple(found)


def _run(
    nodes: Nodes,
    tested: Task,
    kept: Bool[Tensor, "source target"],
    settings: Settings,
    model: TransformerBridge,
    into: Given[Float[Tensor, " end"]],
) -> Iterator[None]:
    """How faithful one circuit is, with its interval."""
    runs = TaskRuns(model, nodes, tested, settings.by, settings.batch)
    scores, _ = runs.along(kept)
    whole = runs.clean - runs.corrupt
    ends = ratio_interval(scores - runs.corrupt, whole, settings.confidence)
    into.value = torch.stack([*ends])
    yield
