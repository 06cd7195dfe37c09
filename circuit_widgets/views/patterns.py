"""The view of `detect_attention_patterns`: scores, and a gallery by class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from circuit_widgets.analysis.patterns.results import AttentionPatterns
from circuit_widgets.jobs.job import Job
from circuit_widgets.widgets.result_view import ResultView, followed, opened
from circuit_widgets.widgets.score_planes import HeadScore, head_score
from circuit_widgets.wire import messages as m
from circuit_widgets.wire import topics as t


class PatternsView(ResultView):
    """Every head's scores, and small pictures of them by class."""

    _bundle = "patterns"
    _doing = "Scoring patterns"

    def _scores(self, result: AttentionPatterns | None) -> Iterable[HeadScore]:
        if result is None:
            return []
        return [
            head_score(name, about, result.score(name), self._shape)
            for name, about in result.abouts.items()
        ]

    def _topic(self, result: AttentionPatterns | None) -> tuple[m.Topic | None, bytes]:
        if result is None:
            return None, b""
        kinds = [
            t.PatternKind(
                kind["name"],
                kind["label"],
                kind["description"],
                kind["function"],
                kind["score"],
                kind["threshold"],
            )
            for kind in result.classes
        ]
        pictures = result.thumbnails.contiguous().numpy().tobytes()
        # Floats begin at a multiple of four.
        data = pictures + bytes(-len(pictures) % 4) + _floats(result.thumbnail_scale)
        return t.PatternsTopic(kinds, result.thumbnails.shape[-1], self._n_tokens(result)), data

    def _n_tokens(self, result: AttentionPatterns) -> int:
        return len(result.thumbnail_tokens)

    def _reads(self, result: AttentionPatterns) -> list[int]:
        return list(result.thumbnail_ids)

    def _shown_text(self, result: AttentionPatterns | None) -> tuple[list[str], str]:
        if result is None:
            return [], ""
        return list(result.thumbnail_tokens), result.provenance.probe

    def _highest(self, result: AttentionPatterns) -> Any:
        heads = [head for heads in result.typical_heads.values() for head in heads]
        return heads[0] if heads else None


def _floats(values: torch.Tensor) -> bytes:
    return values.float().contiguous().numpy().tobytes()


def view(result: AttentionPatterns) -> ResultView:
    """The view of a result, as its notebook display opens it."""
    return opened(PatternsView, result, result.shape)


def stream(job: Job[Any]) -> ResultView:
    """The view of a job that it starts: the gallery fills in."""
    return followed(PatternsView, job)
