"""The view of `detect_attention_patterns`: scores, and a gallery by class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from circuit_widgets.analysis.patterns.classes import ATTENTION_PATTERNS
from circuit_widgets.analysis.patterns.results import AttentionPatterns
from circuit_widgets.jobs.job import Job
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.params import THRESHOLD
from circuit_widgets.widgets.result_view import ResultView, followed, opened
from circuit_widgets.widgets.score_planes import HeadScore, head_score
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.packing import topic
from circuit_widgets.wire.topics import patterns as t


class PatternsView(ResultView):
    """Every head's scores, and small pictures of them by class."""

    _bundle = "patterns"
    _panels = ("header", "heads", "card", "pattern", "gallery", "footer")
    _doing = "Scoring patterns"

    def _scores(self, result: AttentionPatterns | None) -> Iterable[HeadScore]:
        if result is None:
            return []
        return [
            head_score(name, about, result.score(name), self._shape, result.provenance.interval)
            for name, about in result.abouts.items()
        ]

    def _topic(self, result: AttentionPatterns | None) -> TopicData:
        if result is None:
            return None
        n_tokens = len(result.thumbnail_tokens)
        return topic(
            "patterns",
            {"tokens": n_tokens, "prompts": result.n_prompts, "sequences": result.n_sequences},
            t.classes_table(result.classes, result.nulls),
            t.thumbnails(result.thumbnails, result.thumbnail_scale, n_tokens),
            t.thumbnails(
                result.repeats_thumbnails,
                result.repeats_thumbnail_scale,
                result.n_repeats_tokens,
                "repeats",
            ),
        )

    def _adjusts(self, result: AttentionPatterns | None) -> list[c.Control]:
        """A threshold a class, the result's own at first, and what the gallery is sorted by."""
        kinds = ATTENTION_PATTERNS.values() if result is None else result.classes
        thresholds = [
            c.number(
                f"{THRESHOLD}{kind.name}",
                kind.label,
                kind.threshold,
                least=0.0,
                most=max(1.0, kind.threshold),
                step=0.01,
                about=kind.description,
            )
            for kind in kinds
        ]
        orders = [c.option("class", "class score"), c.option("grid", "grid score")]
        return [*thresholds, c.choice("gallery.sort", "Sort by", orders)]

    def _reads(self, result: AttentionPatterns) -> list[int]:
        return list(result.thumbnail_ids)

    def _shown_text(self, result: AttentionPatterns | None) -> tuple[list[str], str]:
        if result is None:
            return [], ""
        return list(result.thumbnail_tokens), result.provenance.probe

    def _highest(self, result: AttentionPatterns) -> Any:
        heads = [head for heads in result.typical_heads.values() for head in heads]
        return heads[0] if heads else None


def view(result: AttentionPatterns, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(PatternsView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: the gallery fills in."""
    return followed(PatternsView, job, asked)
