"""The views of stability: circuits of several models, or of the checkpoints of one training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

from circuit_widgets.analysis.stability.results import CrossModelStability
from circuit_widgets.analysis.stability.training_results import UNSTABLE, TrainingStability
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.score import Score
from circuit_widgets.widgets.circuits_of import MOST, circuits_of
from circuit_widgets.widgets.heads_view import TopicData
from circuit_widgets.widgets.opening import opening
from circuit_widgets.widgets.result_view import ResultView, opened, written_out
from circuit_widgets.widgets.score_planes import HeadScore, head_score
from circuit_widgets.wire import controls as c
from circuit_widgets.wire import packing
from circuit_widgets.wire.controls import word
from circuit_widgets.wire.packing import Packed, topic
from circuit_widgets.wire.topics import stability as t
from circuit_widgets.wire.topics.shared import Fact, facts_table

Stability = CrossModelStability | TrainingStability
# Before its first result nobody knows the models' shapes: any head may be asked for.
UNKNOWN = (1024, 1024)
COMPARED = ("", "edges", "roles")
# Of every two models: field, title, meaning.
MATRICES = (
    (
        "overlap",
        "Overlap of the circuits",
        "Shared edges of all edges of both (Jaccard), or shared roles where the models differ in "
        "shape; corrected for chance: 0 if the heads of each layer change places, 1 the same.",
    ),
    (
        "halves",
        "Overlap of circuits of half of the prompts",
        "The same between circuits that were found on different halves of the prompts.",
    ),
    (
        "role_overlap",
        "Overlap of roles",
        "Which share of what the circuits' heads write is of heads that attend in the same way, "
        "corrected for chance.",
    ),
    (
        "correlation",
        "Rank correlation of all edges",
        "Spearman's correlation of the scores of all edges.",
    ),
    (
        "transfer",
        "Faithfulness in another model",
        "How much of the task the circuit of one model does in another one: 1 is as well as the "
        "whole model, 0 as on corrupt prompts.",
    ),
)
SHOW = [
    c.option("heads", "heads", "How heads attend at both checkpoints"),
    c.option("circuit", "circuit", "The circuits of both checkpoints"),
]
SIMILAR = [
    c.option("effects", "effects", "Which share of all edges' effects both have"),
    c.option("circuit", "edges", "Which edges their circuits share"),
    c.option("rank", "ranks", "Rank correlation of the scores of all edges"),
]
ORDERS = [
    c.option("overlap", "edges", "Which edges the circuits share"),
    c.option("role_overlap", "roles", "How the circuits' heads attend, wherever they are"),
    c.option("correlation", "all scores", "Rank correlation of the scores of all edges"),
]


class StabilityView(ResultView):
    """How alike the circuits of models or of checkpoints are, and any two of them side by side."""

    _bundle = "stability"
    _panels = (
        *("header", "overlap", "transfer", "pair", "edges", "parts"),
        *("steps", "curves", "heads", "roles", "phases", "footer"),
    )
    _doing = "Finding circuits"

    def _scores(self, result: Stability | None) -> Iterable[HeadScore]:
        """Of a training, how heads attend at its last checkpoint; others are in the topic."""
        if not isinstance(result, TrainingStability):
            return []
        which = result.provenance.interval
        return [
            head_score(name, about, result.score_of(name), result.shape, which)
            for name, about in result.abouts.items()
        ]

    def _topic(self, result: Stability | None) -> TopicData:
        if result is None:
            return None
        scalars = {
            "task": result.task,
            "metric": result.metric,
            "held_out": result.held_out,
            "method": result.provenance.method,
            "most": MOST,
        }
        if isinstance(result, TrainingStability):
            scalars |= {"of": "steps", "n_edges": result.n_edges, "n_found": result.n_found}
            return topic("stability", scalars, *_training(result))
        scalars |= {"of": "models", "same_parts": result.same_parts}
        return topic("stability", scalars, *_models(result))

    def _adjusts(self, result: Stability | None) -> list[c.Control]:
        # Of a job that has no result yet nobody knows which of the two it is.
        both = [
            word("stability.edges.sort", "Order of the edges", ""),
            word("stability.part", "The head or MLP that is selected in both circuits", ""),
        ]
        models = [] if isinstance(result, TrainingStability) else _of_models(result)
        steps = [] if isinstance(result, CrossModelStability) else _of_steps(result)
        return [*models, *steps, *both]

    def _shown_text(self, result: Stability | None) -> tuple[list[str], str]:
        if not isinstance(result, TrainingStability):
            return [], ""
        return written_out(result.tokens)

    def _highest(self, result: Stability) -> Any:
        """Of a training, the head that has most of the first role at the last step reached."""
        if not isinstance(result, TrainingStability):
            return None
        value = result.roles[result.names[0]].value
        reached = value[~value.isnan().flatten(1).any(1)]
        return divmod(int(reached[-1].argmax()), value.shape[2]) if len(reached) else None

    def _learn(self, result: Any) -> None:
        # A job of several models has no shape before its first result.
        self._shape, self._named = result.shape, result.provenance.model
        super()._learn(result)


def _of_models(result: CrossModelStability | None) -> list[c.Control]:
    names = [] if result is None else [c.option(name, name) for name in result.models]
    if result is None:
        pair = [
            word("stability.a", "The one model", ""),
            word("stability.b", "The other model", ""),
        ]
    else:
        pair = [
            c.choice("stability.a", "The one model", names),
            c.choice("stability.b", "The other one", names, value=names[-1].value),
        ]
    return [
        c.choice("stability.by", "Compare by", ORDERS),
        *pair,
        word("stability.parts.sort", "Order of heads and MLPs", ""),
    ]


def _of_steps(result: TrainingStability | None) -> list[c.Control]:
    one, other = (0, 0) if result is None else _two_steps(result)
    least = 0 if result is None else result.steps[0]
    most = None if result is None else result.steps[-1]
    about = "A step; the checkpoint that is nearest is shown"
    return [
        c.number("stability.step", "Step", one, about=about, least=least, most=most, step=1),
        c.number(
            "stability.other", "beside step", other, about=about, least=least, most=most, step=1
        ),
        c.choice("stability.show", "Side by side", SHOW),
        c.choice("stability.similar", "Similarity of neighbouring checkpoints", SIMILAR),
    ]


def _two_steps(result: TrainingStability) -> tuple[int, int]:
    """What is shown first: both ends of the first unstable phase, else of the training."""
    unstable = [phase for phase in result.phases if phase.kind == UNSTABLE]
    return (
        (unstable[0].first, unstable[0].last) if unstable else (result.steps[0], result.steps[-1])
    )


def _training(result: TrainingStability) -> list[Packed]:
    names, which = [f"{step}" for step in result.steps], result.provenance.interval
    sizes = result.kept.flatten(1).sum(1).tolist()
    n_all = int(result.nodes.allowed.sum())
    members = [
        t.Member(name, done, size, n_all)
        for name, done, size in zip(names, result.done, sizes, strict=True)
    ]
    measures = [
        packing.whole("step", result.steps, "step"),
        *t.measured("loss", result.loss, "loss", which, unit="nats"),
        *t.measured("score", result.task_score, result.metric.replace("_", " "), which),
        *t.measured("accuracy", result.accuracy, "right answers", which),
        *t.measured("faithfulness", result.faithfulness, "faithfulness", which),
    ]
    for name, score in result.similarities.items():
        measures += t.measured(f"similar_{name}", _with_the_one_before(score), name, which)
    return [
        t.members_table(members, measures),
        *t.roles_blocks(result.roles, names),
        *circuits_of([result.nodes], result.score, result.kept, names, [0] * len(names)),
        t.phases_table(result.phases),
        t.changes_table(result.changes),
        t.swaps_table(result.swaps, which),
        *t.pictures(
            result.pictures, result.picture_scale, result.picture_heads, len(result.tokens)
        ),
    ]


def _models(result: CrossModelStability) -> list[Packed]:
    names, which = list(result.models), result.provenance.interval
    graphs = list(dict.fromkeys(result.nodes))
    at = [graphs.index(nodes) for nodes in result.nodes]
    members = [
        t.Member(*row)
        for row in zip(names, result.done, result.sizes, result.n_all, at, strict=True)
    ]
    rows, cols = packing.text_axis(names, "model"), packing.text_axis(names, "model")
    source, target = packing.text_axis(names, "circuit of"), packing.text_axis(names, "in")
    blocks: list[Packed] = []
    for field, title, about in MATRICES:
        axes = (source, target) if field == "transfer" else (rows, cols)
        blocks += t.beside(field, getattr(result, field), *axes, title=title, about=about)
    by = torch.tensor([[COMPARED.index(one) for one in row] for row in result.by])
    mass = packing.text_axis(result.roles, "role")
    # Attention of no kind is nowhere.
    depth = packing.text_axis(result.roles[: result.role_depth.shape[1]], "role")
    for name, values in (("by", by), ("jaccard", result.jaccard), ("chance", result.chance)):
        blocks.append(packing.matrix(name, values, rows, cols, title=name))
    return [
        t.members_table(
            members,
            [
                packing.whole("n_found", result.n_found, "prompts that edges were scored on"),
                packing.whole("n_tested", result.n_tested, "prompts that circuits were run on"),
                *t.measured("score", result.task_score, result.metric.replace("_", " "), which),
            ],
        ),
        *blocks,
        *t.beside("role_mass", result.role_mass, rows, mass, title="Roles of the circuits' heads"),
        packing.matrix(
            "role_depth", result.role_depth, rows, depth, title="Depth of the roles' heads"
        ),
        *circuits_of(graphs, result.score, result.kept, names, at),
        t.components_table("parts", result.components, which, title="Heads and MLPs"),
        t.draws_matrix("parts_draws", result.components, names),
        t.components_table("roles", result.role_components, which, title="Roles"),
        t.draws_matrix("roles_draws", result.role_components, names),
        facts_table([_in_every_circuit(result)], which),
    ]


def _in_every_circuit(result: CrossModelStability) -> Fact:
    score = result.n_stable
    low, high = (None if end is None else float(end) for end in (score.low, score.high))
    return Fact(
        "heads in every circuit",
        "How many heads are in the circuits of all models; by chance: if the heads of each layer "
        "were in random places.",
        "",
        float(score.value),
        low,
        high,
        "by chance",
        None if score.control is None else float(score.control),
    )


def _with_the_one_before(score: Score) -> Score:
    """Of every checkpoint but the first, how alike it is to the one before; the first has none."""
    blank = torch.full((1,), torch.nan)
    return Score(
        **{
            name: part if name == "chance" else torch.cat([blank, part])
            for name, part in score.tensors().items()
        }
    )


def view(result: Stability, **asked: Any) -> ResultView:
    """The view of a result, as its notebook display and `result.view(...)` open it."""
    return opened(StabilityView, result, result.shape, asked)


def stream(job: Job[Any], **asked: Any) -> ResultView:
    """The view of a job that it starts: models or checkpoints come in one by one."""
    shown = StabilityView(None, "", UNKNOWN, opening("stream", asked))
    shown.follow(job)
    return shown
