"""The view of `compute_self_influence`."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from circuit_widgets.wire.packing import Packed, topic
from circuit_widgets.wire.topics import influence as t

# Prompts that are shown one by one, and tokens of a position that are named.
_SHOWN, _NAMED = 100, 4


class InfluenceView(ResultView):
    """What an output depends on, position by position."""

    _bundle = "influence"
    _panels = ("header", "text", "written", "pairs", "prompts", "footer")
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
        "n_prompts": result.n_prompts,
        "by_distance": result.by_distance,
    }
    which, measures = result.interval, _measures(result)
    blocks = [t.outputs_table(_outputs(result), which)]
    if result.matrix is not None:
        blocks.append(t.effects_matrix(result.matrix))
    if not result.prompts:
        return topic("influence", scalars, t.measures_table(measures, which), *blocks)
    others = [_named(result.others(at)) for at in range(len(result.tokens))]
    return topic(
        "influence",
        scalars,
        t.measures_table(measures, which, result.n_at.tolist(), others),
        *blocks,
        *_by_prompt(result),
    )


def _by_prompt(result: SelfInfluence) -> list[Packed]:
    """The effects in each of the first prompts."""
    n = len(result.tokens)
    prompts = []
    for prompt in result.prompts[:_SHOWN]:
        tokens = [""] * n
        tokens[prompt.start : prompt.start + len(prompt.tokens)] = prompt.tokens
        against = "" if prompt.against_token is None else f" against “{prompt.against_token}”"
        prompts.append(
            t.Prompt(written_out(prompt.tokens)[1], f"“{prompt.target_token}”{against}", tokens)
        )
    values = {"norm": result.norm_by_prompt}
    if result.norm_by_prompt is None:
        scores = {"logp": result.logp_by_prompt, "kl": result.kl_by_prompt}
        values = {name: None if score is None else score.value for name, score in scores.items()}
    return [
        *t.prompts_tables(prompts),
        *(
            t.by_prompt(name, of[:_SHOWN], "" if name == "norm" else "nats", signed=name == "logp")
            for name, of in values.items()
            if of is not None
        ),
    ]


def _named(tokens: Sequence[tuple[str, int]]) -> str:
    """“Mary” 4, “John” 3 and 2 others; "" where there is one token."""
    if len(tokens) < 2:
        return ""
    named = ", ".join(f"“{token.strip() or token}” {n}" for token, n in tokens[:_NAMED])
    more = len(tokens) - _NAMED
    return named if more <= 0 else f"{named} and {more} other{'s' * (more > 1)}"


def _measures(result: SelfInfluence) -> list[t.Measure]:
    if result.norm is not None:
        return [
            _measure(
                "norm",
                "change of the logits",
                "L2 norm of the change of the logits when one random token takes its place.",
                "",
                result.score,
            )
        ]
    mean = "mean " if result.prompts else ""
    logp = _measure(
        "logp",
        "effect on the target",
        f"{_capital(mean + result.measured)} with the token minus without it: above 0 it helped.",
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
        f"{_capital(mean)}KL divergence between the output with the token and without it. {null}",
        "nats",
        result.kl,
    )
    return [kl, logp] if result.metric == "kl" else [logp, kl]


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


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
