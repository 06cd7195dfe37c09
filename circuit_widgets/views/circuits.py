"""The view of `extract_circuit`: the circuit as a graph at any of its sizes, and what it does."""

from __future__ import annotations

from typing import Any

import torch

from circuit_widgets.analysis.circuits.extract import Settings
from circuit_widgets.analysis.circuits.graphs import node_name
from circuit_widgets.analysis.circuits.results import Circuit
from circuit_widgets.causal.edge_scores import OF_NODES
from circuit_widgets.causal.nodes import OUTPUT
from circuit_widgets.jobs.job import Job
from circuit_widgets.prompts.tasks.scores import IN_WORDS
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number
from circuit_widgets.wire.packing import topic
from circuit_widgets.wire.topics import circuits as t
from circuit_widgets.wire.topics.shared import Fact, facts_table

# Edges of a size that are sent: of larger circuits the strongest, with the number of all.
MOST = 2000


class CircuitView(ResultView):
    """Which edges do a task, by how many, and how much of it they do alone."""

    _bundle = "circuits"
    _panels = ("header", "facts-panel", "graph", "curve", "edges", "selection", "footer")
    _doing = "Scoring edges and running circuits"

    def _topic(self, result: Circuit | None) -> TopicData:
        if result is None:
            return None
        scalars = {
            "task": result.task,
            "metric": IN_WORDS[result.metric],
            "chosen": result.chosen,
            "n_all": result.n_all,
            "n_found": result.n_found,
            "n_tested": result.n_tested,
            "held_out": result.held_out,
            "most": MOST,
            "note": _note(result),
            "method": result.provenance.method,
            "meaning": _meaning(result),
        }
        which = result.provenance.interval
        roles = [result.role(at) for at in range(result.nodes.n_positions)]
        return topic(
            "circuits",
            scalars,
            facts_table(_facts(result), which),
            t.circuit_graph(*_graph(result), which),
            *([t.positions_table(roles)] if roles else []),
            t.sizes_table(_sizes(result), which),
            *self._text.pictures(_strongest_heads(result)[:8]),
        )

    def _some(self, result: Any, done: int, total: int) -> None:
        begun = self.result
        super()._some(result, done, total)
        # Which circuit is the one is known when all are measured: the slider begins there.
        if isinstance(begun, Circuit) and begun.chosen != result.chosen:
            self._declare(self._controls(result))

    def _adjusts(self, result: Circuit | None) -> list[c.Control]:
        # Before there is a result nobody knows how many sizes there are.
        last = None if result is None else len(result.kept) - 1
        chosen = 0 if result is None else result.chosen
        return [
            c.number(
                "circuits.size",
                "Size",
                chosen,
                least=0,
                most=last,
                step=1,
                about="Which of the circuits is shown, the smallest being 0",
            ),
            word("circuits.selected", "What is selected in the graph", ""),
            word("circuits.picked", "Nodes that are picked for a group", ""),
            word("circuits.groups", "Groups of nodes", ""),
            word("circuits.open", "Groups that are unfolded", ""),
            word("circuits.edges.sort", "Order of the edges", ""),
        ]

    def _reads(self, result: Circuit) -> list[int]:
        return list(result.provenance.settings(Settings).task.clean[0])

    def _shown_text(self, result: Circuit | None) -> tuple[list[str], str]:
        return ([], "") if result is None else written_out(result.tokens)

    def _highest(self, result: Circuit) -> Any:
        """The head with the strongest edge."""
        return next(iter(_strongest_heads(result)), None)


def _meaning(result: Circuit) -> str:
    """What an edge's score is."""
    asked = result.provenance.settings(Settings)
    if asked.method in OF_NODES:
        return "the effect of the weaker of its two nodes"
    if asked.direction == "denoising":
        return "what the metric gains with that edge alone from the clean prompt"
    if result.by_position:
        return "what the metric loses without the edge at that position"
    return "what the metric loses without the edge"


def _note(result: Circuit) -> str:
    """Why the whole model is the circuit, where nobody asked for a size."""
    asked = result.provenance.settings(Settings)
    if asked.size or asked.threshold:
        return ""
    if "faithfulness" in result.provenance.pending:
        return "none is chosen yet"
    if result.n_edges < result.n_all:
        return ""
    return f"no smaller one of {len(result.kept)} keeps {100 * asked.keep:g} %"


def _strongest_heads(result: Circuit) -> list[tuple[int, int]]:
    """Heads by the strongest edge that they write along in the circuit."""
    strength = result.score.value.abs().where(result.kept[result.chosen], torch.tensor(0.0))
    most = strength.amax(-1).view(-1, len(result.nodes.sources)).amax(0)
    sources = result.nodes.sources
    order = most.argsort(descending=True, stable=True).tolist()
    return [
        (sources[at].layer, head)
        for at in order
        if most[at] > 0 and (head := sources[at].head) is not None
    ]


# A part of the model and, in a circuit by position, where it is.
Place = tuple[int, ...]


def _graph(result: Circuit) -> tuple[list[t.Node], list[t.CircuitEdge]]:
    """Nodes of all edges that are sent, as the model computes them, the output last."""
    sent, masks = _sent(result)
    reads = [_reader(result, place) for place in sent]
    writes = [(*position, source) for *position, source, _ in sent]
    every = range(len(result.nodes.sources) + 1)
    places = {*writes, *reads} if result.by_position else {(part,) for part in every}
    row = {
        place: at for at, place in enumerate(sorted(places, key=lambda each: (each[-1], each[0])))
    }
    edges = []
    for place, source, reader, mask in zip(sent, writes, reads, masks, strict=True):
        target = result.nodes.targets[place[-1]]
        ends, q = _ends(result.score, *place), number(result.q[place])
        shared, by = len(target.nodes), target.entry
        edges.append(
            t.CircuitEdge(row[source], row[reader], reader[-1], shared, by, *ends, q, mask)
        )
    return [_node(result, place) for place in row], edges


def _node(result: Circuit, place: Place) -> t.Node:
    *position, part = place
    sources, at = result.nodes.sources, position[0] if position else None
    if part == len(sources):
        name = node_name(OUTPUT, at)
        return t.Node(name, len(result.nodes.heads), None, part, position=at or 0)
    source = sources[part]
    head = None if source.head is None else (source.layer, source.head)
    ends = _ends(result.node_effects, *place)
    return t.Node(node_name(source.name, at), source.layer, head, part, *ends, at or 0)


def _reader(result: Circuit, place: Place) -> Place:
    """The first part that reads an edge."""
    *position, _, target = place
    row = {**result.nodes.source_at, OUTPUT: len(result.nodes.sources)}
    return (*position, row[result.nodes.targets[target].nodes[0]])


def _sent(result: Circuit) -> tuple[list[Place], list[int]]:
    """The edges of every size, and of sizes above `MOST` the strongest; the strongest first.

    And at which sizes each is there, a bit a size.
    """
    strength = result.score.value.abs()
    sent = torch.zeros_like(result.kept[0])
    for kept in result.kept:
        within = strength.where(kept, torch.tensor(-1.0)).flatten()
        strongest = within.topk(min(MOST, int(kept.sum()))).indices
        sent.view(-1)[strongest] = True
    order = strength[sent].argsort(descending=True, stable=True)
    bits = 2 ** torch.arange(len(result.kept))
    masks = (result.kept[:, sent] * bits[:, None]).sum(0)
    return [(*map(int, place),) for place in sent.nonzero()[order]], masks[order].tolist()


def _sizes(result: Circuit) -> list[t.Size]:
    return [
        t.Size(
            edges,
            len(result.components_of(at)),
            _estimate(result.faithfulness, at),
            _estimate(result.accuracy, at),
            _estimate(result.without, at),
        )
        for at, edges in enumerate(result.sizes)
    ]


def _facts(result: Circuit) -> list[Fact]:
    metric = IN_WORDS[result.metric]
    name = metric.removesuffix(", negated,")
    told = "nats" if result.metric in ("kl", "loss") else ""
    facts = [
        Fact(
            f"{name}, clean",
            f"The {metric} of the whole model on the {result.n_tested} prompts that circuits are "
            "run on, and on their corrupt partners.",
            told,
            *_ends(result.clean),
            "corrupt",
            number(result.corrupt.value),
        ),
        Fact(
            "right answers",
            "Share of the prompts on which the whole model's answer is right.",
            "",
            *_ends(result.clean_accuracy),
        ),
    ]
    if not bool(result.faithfulness.value.isnan().any()):
        facts.append(
            Fact(
                "CMD",
                "Area between faithfulness and 1 over the share of edges (MIB): 0 is best.",
                "",
                result.cmd,
            )
        )
    if result.agreement is not None:
        facts.append(
            Fact(
                "agreement with exact patching",
                "Rank correlation (Spearman) of the scores with exact patching, over "
                f"{result.n_checked} edges drawn at random, half of them from the circuit.",
                "",
                number(result.agreement),
            )
        )
    return facts


def _ends(score: Score, *at: int) -> tuple[float | None, float | None, float | None]:
    parts = (score.value, score.low, score.high)
    value, low, high = (None if part is None else number(part[at]) for part in parts)
    return value, low, high


def _estimate(score: Score, at: int) -> t.Estimate:
    nulls = (score.control, score.control_low, score.control_high)
    return t.Estimate(
        *_ends(score, at), *(None if part is None else number(part[at]) for part in nulls)
    )


def view(result: Circuit, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    shape = len(result.nodes.heads), max(result.nodes.heads)
    return opened(CircuitView, result, shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: scores first, then size by size."""
    return followed(CircuitView, job, asked)
