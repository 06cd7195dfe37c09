"""The view of `trace_information_flow`."""

from __future__ import annotations

from typing import Any

from circuit_widgets.analysis.flow.results import InformationFlow
from circuit_widgets.heads import Head
from circuit_widgets.jobs.job import Job
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.wire import messages as m
from circuit_widgets.wire import topics as t
from circuit_widgets.wire.numbers import number

# Edges of the graph that are sent: the view's slider goes no lower.
LEAST, MOST = 0.005, 1500


class FlowView(ResultView):
    """Along which routes an output was put together, and what cutting a source off costs."""

    _bundle = "flow"
    _doing = "Following routes"

    def _topic(self, result: InformationFlow | None) -> tuple[m.Topic | None, bytes]:
        return (None if result is None else _flow(result)), b""

    def _reads(self, result: InformationFlow) -> list[int]:
        # Paths name heads, and a head's pattern is a click away.
        return list(result.ids)

    def _shown_text(self, result: InformationFlow | None) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)

    def _highest(self, result: InformationFlow) -> Any:
        # The head that the strongest path comes through last.
        for path in _strongest(result):
            for layer, source, query, head in reversed(path["steps"]):
                if head >= 0 and source != query:
                    return layer, head
        return None


def _strongest(result: InformationFlow) -> list[dict[str, Any]]:
    """Its paths by weight; as the result has them, the best of each source comes first."""
    return sorted(result.key_paths, key=lambda path: -path["weight"])


def _flow(result: InformationFlow) -> m.Topic:
    control, above = result.knockout_control.tolist()
    facts = [
        t.Fact(
            "share from other positions",
            "Share of the residual stream from positions other than this one and the BOS.",
            "",
            number(result.self_influence_score),
            None,
            None,
            "",
            None,
        ),
        t.Fact(
            "attention blocked to a random position",
            "Mean loss of the target's log-probability; a further position stays below the bound.",
            "nats",
            number(control),
            None,
            None,
            "bound",
            number(above),
        ),
    ]
    named = {source["position"]: source for source in result.information_sources}
    sources = []
    for position in range(len(result.ids)):
        found = named.get(position)
        sources.append(
            t.FlowSource(
                position,
                number(result.routes[position]),
                number(result.rollout[position]),
                number(result.knockout.value[position]),
                None,
                None,
                bool(found and found["confirmed"]),
            )
        )
    paths = [
        t.FlowPath(path["weight"], [_edge(step, path["weight"]) for step in path["steps"]])
        for path in _strongest(result)
    ]
    return t.FlowTopic(result.position, result.target_token, facts, _edges(result), paths, sources)


def _edge(step: Any, weight: float) -> t.FlowEdge:
    layer, source, target, head = step
    return t.FlowEdge(layer, source, target, weight, None if head < 0 else head)


def _edges(result: InformationFlow) -> list[t.FlowEdge]:
    """The edges that carry most of what is read, each with its share of it."""
    frame = result.edges(LEAST).sort_values("flow", ascending=False, kind="stable")[:MOST]
    return [
        t.FlowEdge(
            layer, source, query, flow, None if head == "residual" else Head.parse(head).index
        )
        for layer, source, query, head, _, flow in frame.itertuples(index=False)
    ]


def _shape(result: InformationFlow) -> tuple[int, int]:
    model = result.model()
    if model is not None:
        return model.cfg.n_layers, model.cfg.n_heads
    return len(result.contributions), 1 + max(0, int(result.heads.max()))


def view(result: InformationFlow) -> ResultView:
    """The view of a result, as its notebook display opens it."""
    return opened(FlowView, result, _shape(result))


def stream(job: Job[Any]) -> ResultView:
    """The view of a job that it starts: it fills in as sources are cut off."""
    return followed(FlowView, job)
