"""Suggest what to prune, where to widen, and what to connect otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.optimization.finding import Finding
from circuit_widgets.analysis.optimization.results import Optimizations
from circuit_widgets.analysis.optimization.rounds import BY
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.tasks import Task, TaskSettings, check_is_task
from circuit_widgets.results.provenance import begun
from circuit_widgets.weights.writing import PartsMissing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

RULES = ("measured", "source")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `suggest_circuit_optimizations`, checked, as provenance keeps them.

    texts: ids. circuit, coordination: what the results are of, as far as they say; None: not given.
    """

    task: TaskSettings | None
    texts: tuple[tuple[int, ...], ...]
    circuit: str | None
    coordination: str | None
    rule: str
    threshold: float
    tolerance: float
    prune_by: str
    upto: float
    step: int
    shortlist: int
    random: int
    bottleneck: float
    passes: int
    batch: int
    seed: int
    confidence: float


@analysis("optimization")
def suggest_circuit_optimizations(
    model: TransformerBridge,
    task: Task | None = None,
    *,
    texts: str | Sequence[Any] | Tensor | None = None,
    circuit: Any = None,
    coordination: Any = None,
    rule: str = "measured",
    threshold: float = 0.3,
    tolerance: float = 0.01,
    prune_by: str = "measured",
    upto: float = 0.5,
    step: int | None = None,
    shortlist: int | None = None,
    random: int = 8,
    bottleneck: float = 0.5,
    passes: int = 0,
    batch: int = 8,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[Optimizations | Progress]:
    """Which heads could go, where a task hangs on one part, and which heads do each other harm.

    - `pruning`: heads go round by round, those first without which the loss rises least, and all
      are scored again after each round, because heads that can stand in for each other look idle
      until one of them is gone (Michel et al. 2019). They are chosen on one half of the texts; on
      the other half the rise of the loss is measured, beside as many random heads of the same
      layers. Besides, heads whose output norm is far below their layer's (idle heads) are
      suggested, with their measured effect as a set.
    - `capacity_increase`: a head or MLP without which most of a task is lost, patched one by one.
    - `architecture_modification`: edges from head to head without which a task goes better, and
      pairs of heads that matter together and have nothing to do with each other.

    Without training it cannot be known what another architecture would learn: such suggestions say
    so, and what was measured in their place.

    Args:
        model: A TransformerBridge.
        task: For bottlenecks and harmful edges; None: only pruning is looked for.
        texts: What the loss is measured on, four or more, of two tokens or more; None: the clean
            prompts of the task. Halves are drawn by text: pieces of one text belong together.
        circuit: What `extract_circuit` found for the task: then its nodes and scores are taken.
        coordination: What `analyze_head_coordination` found.
        rule: "measured"; or "source", the source's rules on the similarities of `coordination` and
            the graph of `circuit`, in place of all others.
        threshold: Output norms below this share of their layer's mean are idle. Of the source's
            rule: redundancy above it, and coordination below it.
        tolerance: By which share the loss may rise.
        prune_by: "measured": by a shortlist of estimates, each measured; or by "estimate" alone,
            by Michel et al.'s "importance", or by output "norm".
        upto: Which share of all heads goes in the rounds.
        step: Heads a round; None: a thirtieth of all, one at least.
        shortlist: Heads that are ablated in a round; None: twice `step`, and 8 at least.
        random: Random sets at each point.
        bottleneck: Which share of a task has to be lost without a part of the model.
        passes: Passes of the smaller and of the whole model by turns, of which the median says how
            much time is saved; it has an interval from 6 on (at 95 %). 0: none is timed.
        batch: Texts or prompts a pass.
        seed: Of the halves and of random heads.
        confidence: Of the intervals over texts.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, a task, texts or results, or an unknown keyword.
        ValueError: Neither a task nor texts, too few of them, a model with one head a layer, or
            results of another model.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=8)
    >>> found = cw.suggest_circuit_optimizations(model, task, progress=False)
    >>> [each.components for each in found.of("capacity_increase")]
    [('0.1',), ('1.2',)]
    """
    if task is not None:
        check_is_task(task)
    listed = _texts(model, task, texts)
    _check_given("circuit", circuit, "circuits", "extract_circuit")
    _check_circuit(model, circuit)
    _check_given("coordination", coordination, "coordination", "analyze_head_coordination")
    _check_heads(model, coordination)
    n_all = int(model.cfg.n_layers * model.cfg.n_heads)
    if model.cfg.n_heads < 2:
        raise ValueError(
            "the model has one head in each layer, and no layer can do without its last one; "
            "accepted are models with two heads or more in each layer"
        )
    asked = round(n_all * arguments.share("upto", upto, example=0.5))
    most = min(asked, n_all - int(model.cfg.n_layers))
    if most < 1:
        raise ValueError(
            f"upto is {upto:g}, which is less than one of {n_all} heads; accepted is a larger share"
        )
    each = max(1, round(n_all / 30)) if step is None else arguments.whole("step", step, 1, most)
    looked = max(8, 2 * each) if shortlist is None else shortlist
    settings = Settings(
        task=None if task is None else task.settings,
        texts=listed.ids,
        circuit=None if circuit is None else circuit.provenance.probe,
        coordination=None if coordination is None else coordination.provenance.probe,
        rule=arguments.choice("rule", rule, RULES),
        threshold=arguments.positive("threshold", threshold, example=0.3),
        tolerance=arguments.positive("tolerance", tolerance, example=0.01),
        prune_by=arguments.choice("prune_by", prune_by, BY),
        upto=float(upto),
        step=each,
        shortlist=arguments.whole("shortlist", looked, 1),
        random=arguments.whole("random", random, 0),
        bottleneck=arguments.share("bottleneck", bottleneck, example=0.5),
        passes=arguments.whole("passes", passes),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
    )
    if settings.rule == "source" and circuit is None and coordination is None:
        raise ValueError(
            "rule 'source' reads results and measures nothing; accepted with it are circuit=, of "
            "extract_circuit, coordination=, of analyze_head_coordination, or both"
        )
    made = begun(
        model,
        "suggest_circuit_optimizations",
        settings,
        method="heads set to zero round by round; patching of nodes and of edges",
        probe=task.described() if task is not None else listed.described(),
        n_total=1,
        unit="models",
    )
    given = circuit, coordination
    return Finding(model, task, *halves(listed, seed), given, most, settings, made).run()


def _texts(model: TransformerBridge, task: Task | None, texts: Any) -> Prompts:
    if texts is None:
        if task is None:
            raise ValueError(
                "there is neither a task nor text; accepted are a Task, texts=, or both"
            )
        texts = task.clean
    elif isinstance(texts, str):
        raise TypeError("texts is one text; accepted are four or more, as a list")
    listed = Prompts(model, texts)
    if len(listed) < 4:
        raise ValueError(
            f"there are {len(listed)} texts; accepted are four or more: heads are chosen on one "
            "half and losses measured on the other"
        )
    return listed


def _check_given(name: str, given: Any, topic: str, by: str) -> None:
    if given is not None and getattr(given, "topic", None) != topic:
        raise TypeError(f"{name} is {arguments.shown(given)}; accepted is what {by} found, or None")


def _check_circuit(model: TransformerBridge, circuit: Any) -> None:
    if circuit is None:
        return
    if circuit.by_position:
        raise ValueError(
            "circuit is one by position, whose nodes are heads at one place of the text; accepted "
            "is one that extract_circuit found with by_position=False"
        )
    try:
        same = circuit.nodes == nodes_of(model)
    except PartsMissing:
        # A model whose parts cannot be told apart has no circuit.
        same = False
    if not same:
        raise ValueError(
            f"circuit is of another model ({circuit.provenance.model}); accepted is one that "
            "extract_circuit found in this model"
        )


def _check_heads(model: TransformerBridge, coordination: Any) -> None:
    if coordination is None:
        return
    n_layers, n_heads = int(model.cfg.n_layers), int(model.cfg.n_heads)
    for head in map(Head.parse, coordination.heads):
        if head.layer >= n_layers or head.index >= n_heads:
            raise ValueError(
                f"coordination is of another model ({coordination.provenance.model}), whose head "
                f"{head} is not in this one; accepted is what analyze_head_coordination found in "
                "this model"
            )


def halves(prompts: Prompts, seed: int) -> tuple[Prompts, Prompts]:
    """Texts to choose on, and texts to measure on.

    >>> import circuit_widgets as cw
    >>> [len(half) for half in halves(Prompts(cw.load_model(), ["a dog"] * 5), 0)]
    [3, 2]
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(prompts), generator=generator).tolist()
    middle = (len(prompts) + 1) // 2
    first, rest = ([prompts.tokens[at] for at in part] for part in (order[:middle], order[middle:]))
    return Prompts.of(first), Prompts.of(rest)
