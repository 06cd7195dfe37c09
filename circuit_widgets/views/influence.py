"""The view of `compute_self_influence`."""

from __future__ import annotations

import math
from typing import Any

import torch

from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number, numbers
from circuit_widgets.wire.packing import topic
from circuit_widgets.wire.topics import influence as t


class InfluenceView(ResultView):
    """What an output depends on, position by position."""

    _bundle = "influence"
    _panels = ("header", "text", "written", "pairs", "footer")
    _doing = "Replacing tokens"

    def _topic(self, result: SelfInfluence | None) -> TopicData:
        return None if result is None else _influence(result)

    def _adjusts(self, result: SelfInfluence | None) -> list[c.Control]:
        return [word("influence.measure", "Measure", "")]

    def _shown_text(self, result: Any) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)


def _influence(result: SelfInfluence) -> TopicData:
    scalars = {
        "position": result.position,
        "target": result.target_token,
        "against": result.against_token or "",
        "n_prompt": result.n_prompt,
        "replaced_by": result.replaced_by,
        "enumerated": result.enumerated,
    }
    which = result.provenance.interval
    return topic(
        "influence",
        scalars,
        t.measures_table(_measures(result), which),
        t.outputs_table(_outputs(result), which),
        *([] if result.matrix is None else [t.effects_matrix(result.matrix)]),
    )


def _measures(result: SelfInfluence) -> list[t.Measure]:
    if result.norm is not None:
        return [
            _measure(
                "norm",
                "change of the logits",
                "L2 norm of the change of the logits when one random token takes its place.",
                "",
                Score(value=result.norm),
            )
        ]
    logp = _measure(
        "logp",
        "effect on the target",
        f"{result.measured[:1].upper()}{result.measured[1:]} with the token minus without it: "
        "above 0 it helped.",
        "nats",
        result.logp,
    )
    null = (
        "Faint: no more than the most that random changes of the embedding of equal size do."
        if result.kl.control_high is not None
        else "It is never below 0; metric='kl' holds it against random changes of equal size."
    )
    kl = _measure(
        "kl",
        "on the whole output",
        f"KL divergence between the output with the token and without it. {null}",
        "nats",
        result.kl,
    )
    return [kl, logp] if result.metric == "kl" else [logp, kl]


def _outputs(result: SelfInfluence) -> list[t.Output]:
    if result.own is None or result.prompt is None:
        return []
    return [
        t.Output(result.n_prompt + i, _estimate(result.own, i), _estimate(result.prompt, i))
        for i in range(len(result.own.value))
    ]


def _estimate(score: Score, i: int) -> t.Estimate:
    ends = (score.value, score.low, score.high, score.control)
    return t.Estimate(*(None if part is None else number(part[i]) for part in ends))


def _measure(name: str, label: str, about: str, unit: str, score: Score) -> t.Measure:
    parts = (score.low, score.high, score.control, score.control_high)
    low, high, null, most = (
        numbers(torch.full_like(score.value, math.nan) if part is None else part) for part in parts
    )
    return t.Measure(name, label, about, unit, numbers(score.value), low, high, null, most)


def _shape(result: SelfInfluence) -> tuple[int, int]:
    model = result.model()
    return (1, 1) if model is None else (model.cfg.n_layers, model.cfg.n_heads)


def view(result: SelfInfluence, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(InfluenceView, result, _shape(result), asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: it fills in as positions finish."""
    return followed(InfluenceView, job, asked)
