"""The view of `analyze_head_coordination`: the clustered matrix, a graph, and how pairs work."""

from __future__ import annotations

from typing import Any

from circuit_widgets.analysis.coordination.results import HeadCoordination
from circuit_widgets.heads import Head
from circuit_widgets.jobs.job import Job
from circuit_widgets.widgets.result_view import ResultView, followed, opened
from circuit_widgets.wire import messages as m
from circuit_widgets.wire import topics as t

# Likenesses that can be negative: blue to orange.
SIGNED = ("contribution", "pearson")


class CoordinationView(ResultView):
    """Which heads work together, and how."""

    _bundle = "coordination"
    _doing = "Comparing heads"

    def _topic(self, result: HeadCoordination | None) -> tuple[m.Topic | None, bytes]:
        if result is None:
            return None, b""
        topic = t.CoordinationTopic(
            result.method,
            result.method in SIGNED,
            result.fdr,
            [_place(name) for name in result.heads],
            list(result.order),
            [_coordinated(pair) for pair in result.pairs],
        )
        data = b"".join(
            plane.float().contiguous().numpy().tobytes() for plane in (result.value, result.q)
        )
        return topic, data

    def _reads(self, result: HeadCoordination) -> Any:
        prompts = result.provenance.parameters.get("prompts") or ()
        return prompts[0] if prompts else None

    def _shown_text(self, result: HeadCoordination | None) -> tuple[list[str], str]:
        if result is None:
            return [], ""
        return self._text.tokens, result.provenance.probe

    def _highest(self, result: HeadCoordination) -> Any:
        return result.pairs[0].a if result.pairs else result.heads[0]


def _place(name: str) -> tuple[int, int]:
    head = Head.parse(name)
    return head.layer, head.index


def _coordinated(pair: Any) -> t.Coordinated:
    numbers = {
        name: getattr(pair, name)
        for name in t.Coordinated.__struct_fields__
        if name not in ("a", "b", "type", "sign")
    }
    sign = pair.sign or ""
    return t.Coordinated(_place(pair.a), _place(pair.b), type=pair.type, sign=sign, **numbers)


def _shape(result: HeadCoordination) -> tuple[int, int]:
    """Layers and heads: of the model while it is there, else as many as are named."""
    model = result.model()
    if model is not None:
        return model.cfg.n_layers, model.cfg.n_heads
    places = [_place(name) for name in result.heads]
    return 1 + max(layer for layer, _ in places), 1 + max(head for _, head in places)


def view(result: HeadCoordination) -> ResultView:
    """The view of a result, as its notebook display opens it."""
    return opened(CoordinationView, result, _shape(result))


def stream(job: Job[Any]) -> ResultView:
    """The view of a job that it starts."""
    return followed(CoordinationView, job)
