"""The view of `patch_activations`: heads, or layers and positions, by what patching them does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from circuit_widgets.analysis.patching.results import FDR, WHAT, ActivationPatching
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.widgets.score_planes import HeadScore, head_score
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number
from circuit_widgets.wire.packing import Number, Packed, topic
from circuit_widgets.wire.topics import patching as t
from circuit_widgets.wire.topics.shared import Fact, facts_table

# Effects that are listed, the largest first; the map has all.
MOST = 500
MEASURES = [
    c.option("effect", "effect", "In the units of the task's metric"),
    c.option("share", "share", "The effect over clean minus corrupt"),
]


class PatchingView(ResultView):
    """What each activation does for a task."""

    _bundle = "patching"
    _panels = ("header", "map", "card", "pattern", "parts", "footer")
    _doing = "Patching activations"

    def _scores(self, result: ActivationPatching | None) -> Iterable[HeadScore]:
        if result is None:
            return []
        which = result.provenance.interval
        return [
            head_score(name, about, result.score(name), self._shape, which)
            for name, about in result.abouts.items()
        ]

    def _topic(self, result: ActivationPatching | None) -> TopicData:
        if result is None:
            return None
        scalars = {
            "task": result.task,
            "what": WHAT[result.what],
            "direction": result.direction,
            "measured": result.measured,
            "unit": result.unit,
            "n_prompts": result.n_prompts,
            "n_all": len(result.order()),
            "fdr": FDR,
        }
        which = result.provenance.interval
        about = f"{result.means[0].upper()}{result.means[1:]}"
        return topic(
            "patching",
            scalars,
            facts_table(_facts(result), which),
            t.parts_table(_parts(result), about, result.unit, which),
            *([] if result.by_head else _maps(result)),
        )

    def _adjusts(self, result: ActivationPatching | None) -> list[c.Control]:
        return [
            c.choice("patching.measure", "Measure", MEASURES),
            word("patching.parts.sort", "Order of the effects", ""),
        ]

    def _reads(self, result: ActivationPatching) -> list[int]:
        return list(result.ids)

    def _shown_text(self, result: ActivationPatching | None) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)

    def _highest(self, result: ActivationPatching) -> Any:
        return next(iter(result.order()), None) if result.by_head else None


def _parts(result: ActivationPatching) -> list[t.Part]:
    return [
        t.Part(
            result.name(*at),
            at if result.by_head else None,
            *at,
            *_ends(result.effect, *at),
            *_ends(result.share, *at),
            number(result.q[at]),
        )
        for at in result.order()[:MOST]
    ]


def _maps(result: ActivationPatching) -> list[Packed]:
    labels = result.roles or result.tokens
    named = result.roles is not None
    return [
        t.places_table(labels, result.tokens, result.corrupt_tokens, named=named),
        t.place_map("effect", result.effect.value, "Effect of patching", result.unit),
        t.place_map("share", result.share.value, "Share of clean minus corrupt"),
        t.place_map("q", result.q, "Share of false finds"),
    ]


def _facts(result: ActivationPatching) -> list[Fact]:
    of = "1 prompt" if result.n_prompts == 1 else f"{result.n_prompts} prompts"
    return [
        Fact(
            f"{result.measured}, clean",
            f"The {result.measured} of the whole model on {of} of {result.task!r}, and on their "
            "corrupt partners.",
            result.unit,
            *_ends(result.clean),
            "corrupt",
            number(result.corrupt.value),
        )
    ]


def _ends(score: Score, *at: int) -> tuple[Number, Number, Number]:
    value, low, high = (
        None if part is None else number(part[at]) for part in (score.value, score.low, score.high)
    )
    return value, low, high


def view(result: ActivationPatching, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(PatchingView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: effects get surer with each batch of prompts."""
    return followed(PatchingView, job, asked)
