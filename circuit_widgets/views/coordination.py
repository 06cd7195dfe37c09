"""The view of `analyze_head_coordination`: the clustered matrix, a graph, and how pairs work."""

from __future__ import annotations

from typing import Any

from circuit_widgets.analysis.coordination.analyze import Settings
from circuit_widgets.analysis.coordination.results import HeadCoordination
from circuit_widgets.analysis.coordination.words import significance
from circuit_widgets.jobs.job import Job
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.packing import place, topic
from circuit_widgets.wire.topics import coordination as t


class CoordinationView(ResultView):
    """Which heads work together, and how."""

    _bundle = "coordination"
    _panels = ("header", "matrix", "graph", "pairs", "patterns", "footer")
    _doing = "Comparing heads"

    def _topic(self, result: HeadCoordination | None) -> TopicData:
        if result is None:
            return None
        signed = result.signed
        scalars = {
            "method": result.method,
            "signed": signed,
            "fdr": result.fdr,
            "equivalence": result.provenance.settings(Settings).equivalence,
            "significance": "\n".join(significance(result)),
        }
        return topic(
            "coordination",
            scalars,
            *t.matrices(
                result.value, result.q, result.why, result.heads, result.order, signed=signed
            ),
            t.reasons_table(result.reasons),
            t.pairs_table(result.pairs, result.interval_of_pairs),
        )

    def _adjusts(self, result: HeadCoordination | None) -> list[c.Control]:
        return [
            c.number("coordination.least", "Hide pairs below", 0.0, least=0, most=1, step=0.01),
            word("coordination.pairs.sort", "Order of the pairs", ""),
        ]

    def _reads(self, result: HeadCoordination) -> Any:
        text = result.provenance.settings(Settings).prompts[0]
        model: Any = result.model()
        if model is not None and getattr(model, "tokenizer", None) is None:
            # The prompts of a model without a tokenizer are ids, written out.
            return [int(word) for word in text.split()]
        return text

    def _shown_text(self, result: HeadCoordination | None) -> tuple[list[str], str]:
        if result is None:
            return [], ""
        return self._text.tokens, result.provenance.probe

    def _highest(self, result: HeadCoordination) -> Any:
        return result.pairs[0].a if result.pairs else result.heads[0]


def _shape(result: HeadCoordination) -> tuple[int, int]:
    """Layers and heads: of the model while it is there, else as many as are named."""
    model = result.model()
    if model is not None:
        return model.cfg.n_layers, model.cfg.n_heads
    places = [place(name) for name in result.heads]
    return 1 + max(layer for layer, _ in places), 1 + max(head for _, head in places)


def view(result: HeadCoordination, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(CoordinationView, result, _shape(result), asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts."""
    return followed(CoordinationView, job, asked)
