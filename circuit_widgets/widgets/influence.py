"""The views of `compute_self_influence` and `trace_information_flow`."""

from __future__ import annotations

import math
from typing import Any

import torch

from circuit_widgets.analysis._job import Job
from circuit_widgets.analysis.influence import InformationFlow, SelfInfluence
from circuit_widgets.heads import Head
from circuit_widgets.result import Score
from circuit_widgets.stream import messages as m
from circuit_widgets.stream import topics as t
from circuit_widgets.widgets.numbers import number, numbers
from circuit_widgets.widgets.result_view import ResultView, followed, opened

# Edges of the graph that are sent: the view's slider goes no lower.
LEAST, MOST = 0.005, 1500


class InfluenceView(ResultView):
    """What an output depends on, position by position, and along which routes."""

    _bundle = "influence"
    _doing = "Replacing tokens"

    def _topic(self, result: Any) -> tuple[m.Topic | None, bytes]:
        if result is None:
            return None, b""
        if isinstance(result, InformationFlow):
            return _flow(result), b""
        return _influence(result)

    def _reads(self, result: Any) -> Any:
        # Paths name heads, and a head's pattern is a click away; effects of tokens name none.
        return list(result.ids) if isinstance(result, InformationFlow) else None

    def _shown_text(self, result: Any) -> tuple[list[str], str]:
        if result is None:
            return [], ""
        # Words of a vocabulary of words do not carry their spaces.
        apart = not any(token != token.strip() for token in result.tokens)
        return list(result.tokens), (" " if apart else "").join(result.tokens)

    def _highest(self, result: Any) -> Any:
        if not isinstance(result, InformationFlow):
            return None
        # The head that the strongest path comes through last.
        for path in _strongest(result):
            for layer, source, query, head in reversed(path["steps"]):
                if head >= 0 and source != query:
                    return layer, head
        return None


def _influence(result: SelfInfluence) -> tuple[m.Topic, bytes]:
    measures = []
    if result.norm is not None:
        measures.append(
            _measure(
                "norm",
                "change of the logits",
                "L2 norm of the change of the logits when one random token takes its place.",
                "",
                Score(value=result.norm),
            )
        )
    else:
        measures.append(
            _measure(
                "logp",
                "effect on the target",
                "Log-probability with the token minus without it: above 0 it helped.",
                "nats",
                result.logp,
            )
        )
        if not bool(result.kl.value.isnan().all()):
            measures.append(
                _measure(
                    "kl",
                    "on the whole output",
                    "KL divergence between the output with the token and without it.",
                    "nats",
                    result.kl,
                )
            )
    outputs = []
    own, prompt = result.own, result.prompt
    if own is not None and prompt is not None:
        for i in range(len(own.value)):
            ends = [
                None if part is None else number(part[i])
                for score in (own, prompt)
                for part in (score.value, score.low, score.high)
            ]
            outputs.append(t.Output(result.n_prompt + i, *ends))
    data = b""
    if result.matrix is not None:
        data = result.matrix.float().contiguous().numpy().tobytes()
    rho = None if result.screen_rho is None else number(result.screen_rho)
    topic = t.InfluenceTopic(
        result.position,
        result.target_token,
        result.n_prompt,
        measures,
        outputs,
        result.matrix is not None,
        rho,
    )
    return topic, data


def _measure(name: str, label: str, about: str, unit: str, score: Score) -> t.Measure:
    low, high = (
        numbers(torch.full_like(score.value, math.nan) if part is None else part)
        for part in (score.low, score.high)
    )
    return t.Measure(name, label, about, unit, numbers(score.value), low, high)


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


def _strongest(result: InformationFlow) -> list[dict[str, Any]]:
    """Its paths by weight; as the result has them, the best of each source comes first."""
    return sorted(result.key_paths, key=lambda path: -path["weight"])


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


def _shape(result: Any) -> tuple[int, int]:
    model = result.model()
    if model is not None:
        return model.cfg.n_layers, model.cfg.n_heads
    if isinstance(result, InformationFlow):
        return len(result.contributions), 1 + max(0, int(result.heads.max()))
    return 1, 1


def view(result: SelfInfluence | InformationFlow) -> ResultView:
    """The view of a result, as its notebook display opens it."""
    return opened(InfluenceView, result, _shape(result))


def stream(job: Job[Any]) -> ResultView:
    """The view of a job that it starts: it fills in as positions finish."""
    return followed(InfluenceView, job)
