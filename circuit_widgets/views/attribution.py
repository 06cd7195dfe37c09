"""The view of `attribute_logits` and `ablate_heads`: heads by a number, and all parts in a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from circuit_widgets.analysis.attribution.ablation_results import HeadAblation
from circuit_widgets.analysis.attribution.results import LogitAttribution
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

Attributed = LogitAttribution | HeadAblation


class AttributionView(ResultView):
    """What every part of a model adds to a logit, or what is lost without heads."""

    _bundle = "attribution"
    _panels = ("header", "heads", "card", "pattern", "parts", "footer")
    _doing = "Attributing the output"

    def _scores(self, result: Attributed | None) -> Iterable[HeadScore]:
        if result is None:
            return []
        return [
            head_score(name, about, result.score(name), self._shape, result.provenance.interval)
            for name, about in result.abouts.items()
        ]

    def _topic(self, result: Attributed | None) -> TopicData:
        if result is None:
            return None
        return _direct(result) if isinstance(result, LogitAttribution) else _ablation(result)

    def _adjusts(self, result: Attributed | None) -> list[c.Control]:
        return [word("attribution.parts.sort", "Order of the parts", "")]

    def _reads(self, result: Attributed) -> list[int]:
        return list(result.ids)

    def _shown_text(self, result: Attributed | None) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)

    def _highest(self, result: Attributed) -> Any:
        if isinstance(result, HeadAblation) and result.together:
            return result.heads[0]
        for name, *_ in result.highest(len(result.parts())):
            if name.replace(".", "").isdigit():
                return name
        return None


def _direct(result: LogitAttribution) -> TopicData:
    share = result.provenance.interval.removesuffix(" interval")
    capped = ", before the model's soft cap." if result.capped else "."
    facts = [
        Fact(
            "logit difference" if result.against else "logit above the mean",
            f"The {result.read}; the shares of all parts sum to it{capped}",
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
    words = t.Words(
        "share",
        f"What the part adds directly to the {result.read}",
        "",
        result.provenance.interval,
        "random pairs" if result.against else "random tokens",
        f"What the same part adds to {share} of {result.random}, drawn from the vocabulary.",
        result.outside,
    )
    return _told(result, f"Shares of the {result.read}", facts, words, result.missing)


def _ablation(result: HeadAblation) -> TopicData:
    clean = Fact(
        result.measured,
        "Of the model as it is.",
        result.unit,
        number(result.clean.value),
        *_ends(result.clean),
    )
    facts = [clean]
    if result.corrupt is not None:
        facts.append(
            Fact(
                "on the corrupt prompts",
                f"The {result.measured} on the corrupt prompts.",
                result.unit,
                number(result.corrupt.value),
                *_ends(result.corrupt),
            )
        )
    which = result.provenance.interval
    words = t.Words(
        "fall",
        f"How much the {result.measured} falls without the head",
        result.unit,
        which,
        "random heads",
        f"Where one more random head of the same layer would be ({which} of a further draw).",
        result.outside,
    )
    if result.together:
        words = replace(
            words,
            about=f"How much the {result.measured} falls without all of these heads",
            null_about="Where one more random set with as many heads in each layer would be "
            f"({which} of a further draw).",
        )
    return _told(result, f"Fall of the {result.measured} without heads", facts, words, "")


def _told(
    result: Attributed, heading: str, facts: list[Fact], words: t.Words, missing: str
) -> TopicData:
    ordered = sorted(result.parts(), key=lambda part: -abs(float(part[4].value.nan_to_num(0))))
    parts = [
        t.Part(
            name,
            kind,
            None if head is None or layer is None else (layer, head),
            number(score.value),
            *_ends(score),
            _known(score.control_low),
            _known(score.control_high),
            _known(score.extreme_low),
            _known(score.extreme_high),
            bool(score.stands_out()),
        )
        for name, kind, layer, head, score in ordered
    ]
    scalars = {"heading": heading, "n_prompts": result.n_prompts, "missing": missing}
    return topic(
        "attribution",
        scalars,
        facts_table(facts, result.provenance.interval),
        t.parts_table(parts, words),
    )


def _ends(score: Score) -> tuple[Number, Number]:
    return _known(score.low), _known(score.high)


def _known(value: Any) -> Number:
    return None if value is None else number(value)


def view(result: Attributed, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(AttributionView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: it fills in prompt by prompt."""
    return followed(AttributionView, job, asked)
