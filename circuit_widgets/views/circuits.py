"""The view of `extract_circuit`: the circuit as a graph at any of its sizes, and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from circuit_widgets.analysis.circuits.extract import Settings
from circuit_widgets.analysis.circuits.results import Circuit
from circuit_widgets.causal.edge_scores import OF_NODES, PRUNING
from circuit_widgets.jobs.job import Job
from circuit_widgets.prompts.tasks.scores import IN_WORDS
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.circuit_graph import carried_of, ends_of, graph_of
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.result_view import ResultView, followed, opened, written_out
from circuit_widgets.wire import controls as c
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.numbers import number
from circuit_widgets.wire.packing import Packed, topic
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
        nodes, edges = graph_of(result, MOST)
        return topic(
            "circuits",
            scalars,
            facts_table(_facts(result), which),
            t.circuit_graph(nodes, edges, which),
            *_positions(result, nodes, edges),
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
    if asked.method == PRUNING:
        return (
            "what the metric loses without the edge in the whole model; which edges stay is looked "
            "at anew at each size"
        )
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
    if result.n_edges < result.n_all or bool(result.faithfulness.value.isnan().any()):
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


def _positions(
    result: Circuit, nodes: Sequence[t.Node], edges: Sequence[t.CircuitEdge]
) -> list[Packed]:
    if not result.by_position:
        return []
    roles = [result.role(at) for at in range(result.nodes.n_positions)]
    return t.positions_blocks(roles, carried_of(result, nodes, edges))


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
            *ends_of(result.clean),
            "corrupt",
            number(result.corrupt.value),
        ),
        Fact(
            "right answers",
            "Share of the prompts on which the whole model's answer is right.",
            "",
            *ends_of(result.clean_accuracy),
        ),
    ]
    cpr, cmd, right = result.random_areas
    if not bool(result.faithfulness.value.isnan().any()):
        about = "Area between faithfulness and 1 over the share of edges (MIB): 0 is best."
        facts.append(_area("CMD", about, result.cmd, cmd))
        about = "Area under faithfulness over the share of edges (MIB); beyond 1 is not better."
        facts.append(_area("CPR", about, result.cpr, cpr))
    if not bool(result.accuracy.value.isnan().any()):
        about = (
            "The circuits' share of right answers, the mean over the logarithm of their sizes: "
            "small circuits count as much as large ones."
        )
        facts.append(_area("right, over log size", about, result.log_accuracy, right))
    if result.agreement is not None:
        facts.append(
            Fact(
                "correlation with exact",
                "Rank correlation (Spearman) of the scores with exact patching, over "
                f"{result.n_checked} edges drawn at random, half of them from the circuit.",
                "",
                number(result.agreement),
            )
        )
    return facts


def _area(label: str, about: str, value: float, random: float) -> Fact:
    return Fact(label, about, "", value, None, None, "random", number(random))


def _estimate(score: Score, at: int) -> t.Estimate:
    nulls = (score.control, score.control_low, score.control_high)
    return t.Estimate(
        *ends_of(score, at), *(None if part is None else number(part[at]) for part in nulls)
    )


def view(result: Circuit, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    shape = len(result.nodes.heads), max(result.nodes.heads)
    return opened(CircuitView, result, shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: scores first, then size by size."""
    return followed(CircuitView, job, asked)
