"""The views of `compute_self_influence` and `trace_information_flow`."""

from __future__ import annotations

import math
from typing import Any

import torch

from circuit_widgets.analysis._job import Job
from circuit_widgets.analysis.influence import InformationFlow, SelfInfluence
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
        steps = [step for path in result.key_paths for step in path["steps"] if step[3] >= 0]
        return None if not steps else (steps[-1][0], steps[-1][3])


def _influence(result: SelfInfluence) -> tuple[m.Topic, bytes]:
    measures = []
    if result.norm is not None:
        measures.append(
            _measure(
                "norm",
                "norm of the change",
                "L2 norm of the change of the logits, for one random token.",
                "",
                Score(value=result.norm),
            )
        )
    else:
        measures.append(
            _measure(
                "logp",
                "help for the target",
                "Log probability of the target with the token less without it: orange helped.",
                "nats",
                result.logp,
            )
        )
        if not bool(result.kl.value.isnan().all()):
            measures.append(
                _measure(
                    "kl",
                    "change of the output",
                    "KL divergence of the output with the token from that without it.",
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
            "from other positions",
            "Share of the routes that starts elsewhere, without a BOS.",
            "",
            number(result.self_influence_score),
            None,
            None,
            "",
            None,
        ),
        t.Fact(
            "knockout at random positions",
            "Mean loss of the target's log probability, and what one more would stay below.",
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
        for path in result.key_paths
    ]
    return t.FlowTopic(result.position, result.target_token, facts, _edges(result), paths, sources)


def _edge(step: Any, weight: float) -> t.FlowEdge:
    layer, source, target, head = step
    return t.FlowEdge(layer, source, target, weight, None if head < 0 else head)


def _edges(result: InformationFlow) -> list[t.FlowEdge]:
    """The edges that carry most of what is read, each with its share of it."""
    n_layers = len(result.contributions)
    share = torch.zeros(len(result.ids))
    share[result.position] = 1.0
    found: list[t.FlowEdge] = []
    for layer in reversed(range(n_layers)):
        carried = share[:, None] * result.contributions[layer].nan_to_num(0)
        for target, source in (carried > LEAST).nonzero().tolist():
            head = int(result.heads[layer, target, source])
            found.append(
                t.FlowEdge(
                    layer,
                    source,
                    target,
                    float(carried[target, source]),
                    None if head < 0 else head,
                )
            )
        share = carried.sum(0)
    return sorted(found, key=lambda edge: -edge.weight)[:MOST]


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
