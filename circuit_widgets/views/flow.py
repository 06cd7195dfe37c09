"""The view of `trace_information_flow`; that of flow between layers is `views/layers.py`."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.analysis.flow.results import InformationFlow
from circuit_widgets.analysis.flow.routes import FlowPath
from circuit_widgets.jobs.job import Job
from circuit_widgets.views import layers
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number, true_minus
from circuit_widgets.wire.packing import Number, topic
from circuit_widgets.wire.topics import flow as t
from circuit_widgets.wire.topics.shared import Fact, facts_table

# Edges of the graph that are sent: the view's slider goes no lower.
LEAST, MOST = 0.005, 1500
# Heads of an edge that are named, those that carry most.
CARRIERS = 4


class FlowView(ResultView):
    """What blocking attention to a source costs, and the routes that contribute to an output."""

    _bundle = "flow"
    _panels = ("header", "text", "graph", "paths", "sources", "head", "footer")
    _doing = "Tracing routes"

    def _topic(self, result: InformationFlow | None) -> TopicData:
        return None if result is None else _flow(result)

    def _adjusts(self, result: InformationFlow | None) -> list[c.Control]:
        # Before there is a result nobody knows how many paths there are.
        last = None if result is None else max(0, len(result.key_paths) - 1)
        return [
            c.number("flow.least", "Hide steps below", 0.02, least=LEAST, most=0.3, step=LEAST),
            word("flow.paths.sort", "Order of the paths", "-share"),
            word("flow.sources.sort", "Order of the sources", "-knockout"),
            c.number("flow.path", "Path", 0, least=0, most=last, step=1),
        ]

    def _reads(self, result: InformationFlow) -> list[int]:
        # Paths name heads, and a head's pattern is a click away.
        return list(result.ids)

    def _shown_text(self, result: InformationFlow | None) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)

    def _highest(self, result: InformationFlow) -> Any:
        """The head that the strongest path comes through last."""
        for path in _strongest(result):
            for layer, source, query, head in reversed(path.steps):
                if head >= 0 and source != query:
                    return layer, head
        return None


def _flow(result: InformationFlow) -> TopicData:
    paths = [
        t.Path(path.weight, [_edge(result, step, path.weight) for step in path.steps])
        for path in _strongest(result)
    ]
    several = result.n_prompts > 1
    return topic(
        "flow",
        {
            "position": result.position,
            "target": result.target_token,
            "against": result.against_token or "",
            "measured": result.measured,
            "unit": result.unit,
            "n_prompts": result.n_prompts,
        },
        facts_table(_facts(result)),
        t.routes_graph(_edges(result)),
        *t.path_tables(paths),
        t.sources_table(
            _sources(result),
            which=result.provenance.interval if several else "",
            measured=result.measured,
            unit=result.unit,
        ),
    )


def _facts(result: InformationFlow) -> list[Fact]:
    control, bound = result.knockout_control.tolist()
    return [
        Fact(
            "share from other positions",
            "Share of the residual stream from positions other than this one and the BOS.",
            "",
            number(result.self_influence_score),
        ),
        Fact(
            "attention blocked at another query",
            "Fall of "
            + ("the log-probability of what" if result.against_token is None else "what")
            + f" is read there, median over {result.n_control} random pairs of another query and a "
            f"position before it; {result.n_control_above} of those are above the bound, too.",
            result.unit,
            number(control),
            null_label="bound",
            null=number(bound),
        ),
    ]


def _sources(result: InformationFlow) -> list[t.FlowSource]:
    confirmed = {s.position for s in result.information_sources if s.confirmed}
    score, between = result.knockout, result.routes_between

    def at(tensor: Tensor | None, position: int) -> Number:
        return None if tensor is None else number(tensor[position])

    return [
        t.FlowSource(
            position=position,
            route=number(result.routes[position]),
            rollout=number(result.rollout[position]),
            route_low=at(None if between is None else between[0], position),
            route_high=at(None if between is None else between[1], position),
            knockout=number(score.value[position]),
            knockout_low=at(score.low, position),
            knockout_high=at(score.high, position),
            likely=at(score.control, position),
            bound=at(score.control_high, position),
            confirmed=position in confirmed,
            window=_window(result, position),
        )
        for position in range(len(result.ids))
    ]


def _window(result: InformationFlow, source: int) -> str:
    """`19–24: +1.86`, the layers in which blocking a source costs most; nothing if not run."""
    if (found := result.strongest_window(source)) is None:
        return ""
    (first, last), cost = found
    return f"{first if first == last else f'{first}–{last}'}: {true_minus(f'{cost:+.2f}')}"


def _strongest(result: InformationFlow) -> list[FlowPath]:
    """Its paths by weight; as the result has them, the best of each source comes first."""
    return sorted(result.key_paths, key=lambda path: -path.weight)


def _edge(result: InformationFlow, step: Any, weight: float) -> t.Edge:
    layer, source, target, head = step
    if head < 0:
        return t.Edge(layer, source, target, weight, None)
    part = result.share_of_step(layer, source, target, head)
    return t.Edge(layer, source, target, weight, head, part=part)


def _edges(result: InformationFlow) -> list[t.Edge]:
    """The edges that carry most of what is read, each with its share of it."""
    import pandas as pd

    frame = result.edges(LEAST)
    found = []
    for _, rows in frame.groupby(["layer", "source", "query"], sort=False):
        # What carries most of it comes first.
        first = rows.iloc[0]
        by = [f"{name} {flow:.3f}" for name, flow in zip(rows["name"], rows["flow"], strict=True)]
        layer, source, query = (int(first[name]) for name in ("layer", "source", "query"))
        head = None if pd.isna(first["head"]) else int(first["head"])
        said = ", ".join(by[:CARRIERS])
        found.append(t.Edge(layer, source, query, float(first["edge"]), head, by=said))
    return sorted(found, key=lambda edge: -edge.weight)[:MOST]


def _shape(result: InformationFlow) -> tuple[int, int]:
    model = result.model()
    if model is not None:
        return model.cfg.n_layers, model.cfg.n_heads
    return len(result.contributions), 1 + max(0, int(result.heads.max()))


def view(result: InformationFlow | CrossLayerFlow, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    if isinstance(result, CrossLayerFlow):
        return layers.view(result, **asked)
    return opened(FlowView, result, _shape(result), asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: it fills in as sources are cut off."""
    if job.name == "analyze_cross_layer_flow":
        return layers.stream(job, **asked)
    return followed(FlowView, job, asked)
