"""The view of `analyze_cross_layer_flow`: layers as a flow diagram, their levels and heads."""

from __future__ import annotations

from typing import Any

from circuit_widgets.analysis.flow.analyze import LayerSettings
from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.analysis.flow.layer_words import agreement_said, levels_said, threshold_said
from circuit_widgets.analysis.flow.profiles import MEANING
from circuit_widgets.jobs.job import Job
from circuit_widgets.prompts.tasks.scores import IN_WORDS
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number
from circuit_widgets.wire.packing import topic
from circuit_widgets.wire.topics import layers as t

# Flows that are sent, the strongest; and those that are shown first where there is no threshold.
MOST, FIRST = 600, 12


class LayersView(ResultView):
    """How strongly layers act on each other, and which levels they make."""

    _bundle = "layers"
    _panels = ("header", "facts-panel", "graph", "flows", "profile", "selection", "footer")
    _doing = "Scoring edges"

    def _topic(self, result: CrossLayerFlow | None) -> TopicData:
        if result is None:
            return None
        which = result.provenance.interval
        heads = _heads(result)
        places = [head.head for head in heads]
        to = result.by_head[tuple(zip(*places, strict=True))]
        targets = [part.name for part in result.parts.targets]
        levels = [result.level_of(layer) for layer in range(result.n_layers)]
        features = {
            name: (MEANING[name], [_ends(score, at) for at in range(result.n_layers)])
            for name, score in result.profile.items()
        }
        known = () if result.levels is None else result.levels.found
        scalars = {
            "task": result.task,
            "metric": IN_WORDS[result.metric],
            "n_prompts": result.n_prompts,
            "bound": result.bound,
            "threshold": result.threshold,
            "first": _first(result),
            "n_all": int(result.parts.allowed.sum()),
            "method": result.provenance.method,
            "said": threshold_said(result),
            "levels_said": levels_said(result),
            "agreement_said": agreement_said(result),
        }
        return topic(
            "layers",
            scalars,
            t.flow_graph(_parts(result), _flows(result), which),
            *t.heads_tables(heads, to, targets, which),
            t.layers_table(
                ["" if level is None else level.name for level in levels], features, which
            ),
            t.levels_table(
                [t.Level(e.name, e.first, e.last, e.first_low, e.first_high) for e in known]
            ),
            *self._text.pictures(places[:4]),
        )

    def _some(self, result: Any, done: int, total: int) -> None:
        begun = self.result
        super()._some(result, done, total)
        if isinstance(begun, CrossLayerFlow) and begun.threshold != result.threshold:
            self._declare(self._controls(result))

    def _adjusts(self, result: CrossLayerFlow | None) -> list[c.Control]:
        return [
            c.number(
                "layers.least",
                "Threshold",
                0.0 if result is None else _first(result),
                least=0,
                most=None,
                step=0,
                about="Flows that are weaker, either sign, are hidden",
            ),
            word("layers.selected", "What is selected: a part, a flow or a level", ""),
            word("layers.flows.sort", "Order of the flows", ""),
            word("layers.layers.sort", "Order of the layers", "layer"),
            word("layers.heads.sort", "Order of the heads", ""),
        ]

    def _reads(self, result: CrossLayerFlow) -> list[int]:
        return list(result.provenance.settings(LayerSettings).task.clean[0])

    def _shown_text(self, result: CrossLayerFlow | None) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)

    def _highest(self, result: CrossLayerFlow) -> Any:
        """The head whose write matters most."""
        return max(
            (head for head in _heads(result) if head.strength.value is not None),
            key=lambda head: abs(head.strength.value or 0.0),
        ).head


def _first(result: CrossLayerFlow) -> float:
    """The threshold that the view opens with: the result's, else what shows the strongest few."""
    if result.threshold is not None:
        return result.threshold
    strongest = result.pairs(FIRST)
    return abs(strongest[-1].strength) if strongest else 0.0


def _parts(result: CrossLayerFlow) -> list[t.Part]:
    parts = (*result.parts.sources, *result.parts.targets[-1:])
    return [t.Part(part.name, part.layer, part.kind) for part in parts]


def _flows(result: CrossLayerFlow) -> list[t.Flow]:
    row = {part.name: at for at, part in enumerate(_parts(result))}
    return [
        t.Flow(
            row[pair.source],
            row[pair.target],
            t.Ends(number(pair.strength), number(pair.low), number(pair.high)),
            pair.exact,
        )
        for pair in result.pairs(min(MOST, int(result.parts.allowed.sum())))
    ]


def _heads(result: CrossLayerFlow) -> list[t.Head]:
    """The strongest first."""
    value = result.heads.value
    places = value.isfinite().nonzero().tolist()
    places.sort(key=lambda place: -abs(float(value[tuple(place)])))
    return [t.Head((layer, head), _ends(result.heads, layer, head)) for layer, head in places]


def _ends(score: Score, *at: int) -> t.Ends:
    parts = (score.value, score.low, score.high)
    return t.Ends(*(None if part is None else number(part[at]) for part in parts))


def view(result: CrossLayerFlow, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    shape = result.n_layers, max(result.nodes.heads)
    return opened(LayersView, result, shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: strengths first, then what checks them, then levels."""
    return followed(LayersView, job, asked)
