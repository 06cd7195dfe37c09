"""The view of `suggest_circuit_optimizations`: suggestions, and a model that gets smaller."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from circuit_widgets.analysis.optimization.results import Optimizations, PrunedCost, Suggestion
from circuit_widgets.heads import Head
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.score import About, Score
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened
from circuit_widgets.widgets.score_planes import HeadScore, head_score
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number, true_minus
from circuit_widgets.wire.packing import Number, topic
from circuit_widgets.wire.topics import optimization as t
from circuit_widgets.wire.topics.shared import Estimate, Fact, facts_table

# Scores that are shares of the loss, and too small to be read as such.
_IN_PERCENT = ("effect", "estimate")


class OptimizationView(ResultView):
    """What of a model could go, what is too narrow, and what does not work together."""

    _bundle = "optimization"
    _panels = ("header", "heads", "card", "pruning", "suggestions", "footer")
    _doing = "Looking for what could go"

    def _scores(self, result: Optimizations | None) -> Iterable[HeadScore]:
        if result is None:
            return []
        which = result.provenance.interval
        found = [
            head_score(name, *_shown(about, result.score(name)), self._shape, which)
            for name, about in result.abouts.items()
        ]
        # Heads are coloured by the first: not by one that was measured of no head.
        return sorted(found, key=lambda each: bool(each.value.isnan().all()))

    def _topic(self, result: Optimizations | None) -> TopicData:
        if result is None:
            return None
        made = result.provenance
        scalars = {
            "task": result.task,
            "chosen": result.chosen,
            "tolerance": 100 * float(made.parameters["tolerance"]),
            "n_scored": result.n_scored,
            "n_held_out": result.n_held_out,
            "n_heads": result.shape[0] * result.shape[1],
            "unsliced": result.unsliced,
            "skipped": result.skipped,
            "complete": made.complete,
        }
        heads = [(at.layer, at.index) for at in map(Head.parse, result.order)]
        return topic(
            "optimization",
            scalars,
            facts_table(_facts(result), made.interval),
            t.points_table(_points(result), made.interval),
            t.order_table(heads),
            t.suggestions_table([_row(each) for each in result.suggestions], made.interval),
        )

    def _adjusts(self, result: Optimizations | None) -> list[c.Control]:
        last = 1 if result is None else max(1, len(result.sizes) - 1)
        at = 0 if result is None else result.chosen
        return [
            c.number(
                "optimization.point",
                "Heads pruned",
                at,
                least=0,
                most=last,
                step=1,
                about="How many heads are gone, in the order in which they went",
            ),
            c.number("optimization.suggestion", "Suggestion", 0, least=0, most=None, step=1),
            word("optimization.sort", "Order of the suggestions", ""),
        ]

    def _highest(self, result: Optimizations) -> Any:
        return result.order[0] if result.order else None


def _shown(about: About, score: Score) -> tuple[About, Score]:
    """A score as the page shows it."""
    if about.name not in _IN_PERCENT:
        return about, score
    parts = {name: 100 * tensor for name, tensor in score.tensors().items()}
    return dataclasses.replace(about, label=f"{about.label} (%)", unit="%"), Score(**parts)


def _facts(result: Optimizations) -> list[Fact]:
    n_all = result.shape[0] * result.shape[1]
    value, low, high = _ends(result.loss, 0, 1)
    return [
        Fact(
            "loss of the whole model",
            f"Mean over tokens on {result.n_held_out} held-out texts.",
            "nats",
            value,
            low,
            high,
        ),
        Fact(
            "redundancy",
            f"Which share of its {n_all} heads can go within the tolerance.",
            "%",
            100 * result.redundancy,
        ),
    ]


def _points(result: Optimizations) -> list[t.PointRow]:
    found, rise = [], result.rise
    assert rise.control is not None
    null = Score(rise.control, low=rise.control_low, high=rise.control_high)
    for at, heads in enumerate(result.sizes):
        cost = result.costs[at] if at < len(result.costs) else None
        best = number(100 * result.best_random[at])
        estimate = Estimate(*_ends(rise, at, 100), *_ends(null, at, 100))
        found.append(t.PointRow(heads, estimate, best, **({} if cost is None else _costs(cost))))
    return found


def _costs(cost: PrunedCost) -> dict[str, Any]:
    names = ("parameters", "bytes", "cache_bytes", "seconds", "whole_seconds")
    shares = (cost.saved, cost.saved_low, cost.saved_high)
    saved = Estimate(*(None if share is None else 100 * share for share in shares))
    return {name: getattr(cost, name) for name in names} | {"saved": saved}


def _row(suggestion: Suggestion) -> t.Row:
    heads = [name for name in suggestion.components if name.replace(".", "").isdigit()]
    first = Head.parse(heads[0]) if heads else None
    if not suggestion.tested:
        state = "takes training" if suggestion.value is not None else "not tried"
    else:
        state = "holds" if suggestion.holds else "does not hold"
    names = ("value", "low", "high", "random", "random_low", "random_high")
    parts = (getattr(suggestion, name) for name in names)
    effect = Estimate(*(None if part is None else 100 * part for part in parts))
    return t.Row(
        suggestion.kind,
        suggestion.components,
        None if first is None else (first.layer, first.index),
        true_minus(suggestion.evidence),
        suggestion.missing,
        state,
        effect,
    )


def _ends(score: Score, at: int, times: float) -> tuple[Number, Number, Number]:
    value, low, high = (
        None if part is None else number(times * part[at])
        for part in (score.value, score.low, score.high)
    )
    return value, low, high


def view(result: Optimizations, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(OptimizationView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: the curve grows round by round."""
    return followed(OptimizationView, job, asked)
