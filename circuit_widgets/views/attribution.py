"""The view of `attribute_logits`: heads by their share of a logit, and every part in a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from circuit_widgets.analysis.attribution.results import ATTRIBUTION, LogitAttribution
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.widgets.score_planes import HeadScore, head_score
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number
from circuit_widgets.wire.packing import Number, topic
from circuit_widgets.wire.topics import attribution as t
from circuit_widgets.wire.topics.shared import Fact, facts_table


class AttributionView(ResultView):
    """What every part of a model adds to a logit."""

    _bundle = "attribution"
    _panels = ("header", "heads", "card", "pattern", "parts", "footer")
    _doing = "Attributing the logit"

    def _scores(self, result: LogitAttribution | None) -> Iterable[HeadScore]:
        score = None if result is None else result.heads
        which = "" if result is None else result.provenance.interval
        return [head_score(ATTRIBUTION.name, ATTRIBUTION, score, self._shape, which)]

    def _topic(self, result: LogitAttribution | None) -> TopicData:
        return None if result is None else _attribution(result)

    def _adjusts(self, result: LogitAttribution | None) -> list[c.Control]:
        return [word("attribution.parts.sort", "Order of the parts", "")]

    def _reads(self, result: LogitAttribution) -> list[int]:
        return list(result.ids)

    def _shown_text(self, result: LogitAttribution | None) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)

    def _highest(self, result: LogitAttribution) -> Any:
        value = result.heads.value.nan_to_num(0)
        return divmod(int(value.abs().argmax()), value.shape[1])


def _attribution(result: LogitAttribution) -> TopicData:
    share = result.provenance.interval.removesuffix(" interval")
    null = f"{share} of random tokens"
    facts = [
        Fact(
            "logit difference" if result.against else "logit above the mean",
            f"The {result.read}; the shares of all parts sum to it"
            + (", before the model's soft cap." if result.capped else "."),
            "",
            number(result.logit.value),
            *_ends(result.logit),
        ),
        Fact(
            "log-probability of the target",
            "Of the model as it is.",
            "nats",
            number(result.logp),
        ),
    ]
    parts = [
        t.Part(
            name,
            kind,
            None if head is None or layer is None else (layer, head),
            number(score.value),
            *_ends(score),
            _known(score.control_low),
            _known(score.control_high),
        )
        for name, kind, layer, head, score in sorted(
            result.parts(), key=lambda part: -abs(float(part[4].value.nan_to_num(0)))
        )
    ]
    scalars = {
        "position": result.position,
        "read": result.read,
        "n_prompts": result.n_prompts,
        "missing": result.missing,
    }
    return topic(
        "attribution",
        scalars,
        facts_table(facts, result.provenance.interval),
        t.parts_table(parts, result.provenance.interval, null),
    )


def _ends(score: Score) -> tuple[Number, Number]:
    return _known(score.low), _known(score.high)


def _known(value: Any) -> Number:
    return None if value is None else number(value)


def view(result: LogitAttribution, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(AttributionView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: it fills in prompt by prompt."""
    return followed(AttributionView, job, asked)
