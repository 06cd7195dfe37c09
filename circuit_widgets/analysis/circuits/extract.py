"""Find the edges of a model that do a task, and measure how well they do it alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float

from circuit_widgets import arguments
from circuit_widgets.analysis.circuits.finding import Finding
from circuit_widgets.analysis.circuits.results import Circuit
from circuit_widgets.causal.edge_scores import (
    EXACT,
    METHODS,
    PRUNING,
    SAID,
    check_method,
    edge_scores,
    read_positions,
)
from circuit_widgets.causal.nodes import Nodes, nodes_of
from circuit_widgets.causal.patching import DIRECTIONS
from circuit_widgets.causal.pruning import Pruning
from circuit_widgets.causal.subgraph import BY
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.tasks import Task, TaskSettings, check_is_task
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.statistics.doing import require_task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `extract_circuit`, checked, as provenance keeps them."""

    task: TaskSettings
    method: str
    direction: str
    size: int | None
    threshold: float | None
    keep: float
    steps: int
    by: str
    held_out: bool
    random: int | None
    check: int
    minimality: bool
    allow_failure: bool
    batch: int
    seed: int
    confidence: float
    by_position: bool = False


@analysis("circuits", uneven=True)
def extract_circuit(
    model: TransformerBridge,
    task: Task,
    *,
    method: str = "eap-ig-inputs",
    by_position: bool = False,
    direction: str = "noising",
    size: float | None = None,
    threshold: float | None = None,
    keep: float = 0.8,
    steps: int = 5,
    by: str = "resample",
    held_out: bool = True,
    random: int | None = None,
    check: int = 24,
    minimality: bool = True,
    allow_failure: bool = False,
    batch: int = 16,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[Circuit | Progress]:
    """Which edges of a model do a task, and how much of it they do alone.

    Every edge gets a score: what the metric loses if its reader sees its writer on the corrupt
    prompt. The strongest edges by size of their score, as far as they lie on a path from the
    embedding to the output, are circuits of ten sizes. Each is run alone, beside random circuits of
    as many edges between the same layers, and is taken out of the model.

    - "exact": patching of every edge; a part of the model runs for each, so for small models.
    - "eap": edge attribution patching, to first order (Syed et al. 2023); one slope a prompt.
    - "eap-ig-inputs": the slope averaged between corrupt and clean embeddings (Hanna et al. 2024).
    - "eap-ig-activations": averaged between corrupt and clean activations of one layer at a time
      (Marks et al. 2024); `steps` passes for each layer's heads and each MLP.
    - "mean": of the three (the best on average in MIB, Mueller et al. 2025).
    - "pruning": edges are taken away from size to size, by slopes in the part that is left, so that
      each size does about as much as the model; the best for small circuits, of 32 prompts to
      score edges on or more. It takes some `10 * steps` passes. Scores are EAP-IG's; which
      edges stay is looked at anew at each size (Molchanov et al. 2019; the mask of edges: Bhaskar
      et al. 2024).
    - "patching", "attribution": of nodes, exact or to first order; a circuit is then all edges
      among its nodes.

    Exact methods go in either direction: with "noising" one edge or node of the clean run carries
    the corrupt prompt's write, with "denoising" one of the corrupt run carries the clean prompt's.

    An edge has an effect only where its writer differs between the two prompts, and slopes see a
    query's part in sure attention only if the corrupt prompt has its match at another place: on
    generated circuits estimates missed the query edges of prompts where the match stays in place.

    By position each edge is many, one at each position of the prompts (Haklay et al. 2025,
    Position-aware Automatic Circuit Discovery), so that a circuit says where each head reads. Then
    the task's positions must mean the same in all prompts: it has `roles`. What a role does not say
    is averaged over: `Task.ioi(model, order="ABBA")` has the indirect object always first.

    Args:
        model: A TransformerBridge.
        task: Its prompts and its metric: `Task.ioi(model)`, `Task.repeated_tokens(model)`, yours.
        method: How edges are scored.
        by_position: Score edges, and choose them, at each position. Not with methods of nodes.
        direction: Of "exact" and "patching".
        size: How many edges the circuit has, or, below 1, which share of all edges. It has as many,
            or as close below it as edges that all lie on a path can be.
        threshold: Instead: edges whose score is as large, either sign.
        keep: Instead of both: the smallest of ten circuits that keeps such a share of clean minus
            corrupt; the whole model where none does.
        steps: Of the integrated methods.
        by: What is read along other edges: "resample", the corrupt prompt's writes, or "mean",
            the mean of the corrupt prompts' writes at each position.
        held_out: Score edges on one half of the prompts, and run circuits on the other. Otherwise
            both on all.
        random: Random circuits of each size. The more, the narrower is where one more would be:
            of 3 its interval is twice as wide as of 10. None: 10 where they run together (small
            models), 5 where each takes a run of its own.
        check: How many edges are patched exactly, too, to say how far an estimate is right: 0, or
            4 or more.
        minimality: Also take each head and MLP out of the circuit.
        allow_failure: Explain a task that the model fails.
        batch: Prompts a pass.
        seed: Of the halves, of random circuits and of the edges that are checked.
        confidence: Of the intervals over prompts.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model or not a task, or an unknown keyword.
        ValueError: Too few prompts, a size that no circuit has, both a size and a threshold, or a
            threshold to prune by; by position, prompts whose positions are not the same, or a
            method that is not of edges.
        TaskFailed: The model does not do the task.
        PartsMissing: The model's stream is no sum of what its nodes write, or its attention reads
            more than q, k and v.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=12)
    >>> circuit = cw.extract_circuit(model, task, progress=False)
    >>> circuit.edges[0].source, circuit.edges[0].target
    ('embedding', '0.1.v')
    """
    if size is not None and threshold is not None:
        raise ValueError("size and threshold are both given; accepted is one of them")
    check_is_task(task)
    method = arguments.choice("method", method, (*METHODS, PRUNING))
    by_position = arguments.flag("by_position", by_position)
    check_method(method, task, by_position)
    if arguments.choice("direction", direction, DIRECTIONS) != "noising" and method not in EXACT:
        raise ValueError(
            f"method {method!r} takes slopes on the clean prompt; accepted with 'denoising' are "
            "'exact' and 'patching'"
        )
    if threshold is not None and method == PRUNING:
        raise ValueError(
            "method 'pruning' chooses edges by size, not by their scores; accepted is size=, or "
            "a threshold with another method"
        )
    nodes = nodes_of(model)
    if by_position:
        nodes = nodes.by_position(task.clean.shape[1], read_positions(task))
    settings = Settings(
        task=task.settings,
        method=method,
        direction=direction,
        size=_size(size, int(nodes.allowed.sum())),
        threshold=None if threshold is None else _threshold(threshold),
        keep=arguments.share("keep", keep, example=0.8),
        steps=arguments.whole("steps", steps, 1),
        by=arguments.choice("by", by, BY),
        held_out=arguments.flag("held_out", held_out),
        random=None if random is None else arguments.whole("random", random, 0),
        check=_check(check),
        minimality=arguments.flag("minimality", minimality),
        allow_failure=arguments.flag("allow_failure", allow_failure),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
        by_position=by_position,
    )
    if len(task) < (4 if held_out else 2):
        raise ValueError(
            f"the task has {len(task)} prompts; accepted are 4 or more, of which half are held "
            "out, or 2 or more with held_out=False"
        )
    require_task(
        model, task, allow_failure=allow_failure, confidence=confidence, batch=settings.batch
    )
    made = begun(
        model,
        "extract_circuit",
        settings,
        method=SAID[method],
        probe=task.described(),
        n_total=1,
        unit="circuits",
    )
    return _results(model, nodes, task, settings, made)


def _size(size: Any, n_all: int) -> int | None:
    if size is None:
        return None
    if isinstance(size, float) and 0 < size < 1:
        return max(1, round(size * n_all))
    try:
        return arguments.whole("size", size, 1, n_all)
    except ValueError as error:
        raise ValueError(f"{error}, or a share of all edges below 1, like 0.1") from None


def _check(check: Any) -> int:
    n = arguments.whole("check", check, 0)
    if 0 < n < 4:
        raise ValueError(f"check is {n}; accepted is 0, or 4 edges or more to correlate")
    return n


def _threshold(threshold: Any) -> float:
    return arguments.positive("threshold", threshold, example=0.01)


def _results(
    model: TransformerBridge, nodes: Nodes, task: Task, settings: Settings, made: Provenance
) -> Iterator[Circuit | Progress]:
    found, tested = task.halves(settings.seed) if settings.held_out else (task, task)
    finding = Finding(model, nodes, found, tested, settings, made)
    yield finding.progress("scores")
    if settings.method == PRUNING:
        yield from _pruned(finding, model, nodes, found, settings)
    else:
        yield from _scored(finding, model, nodes, found, settings)
    yield finding.result()
    yield from finding.run()


def _scored(
    finding: Finding, model: TransformerBridge, nodes: Nodes, found: Task, settings: Settings
) -> Iterator[Progress]:
    parts: list[Float[torch.Tensor, "prompt *pos source target"]] = []
    method, steps, batch = settings.method, settings.steps, settings.batch
    for part in edge_scores(model, nodes, found, method, steps, batch, settings.direction):
        parts.append(part)
        yield finding.work.did("scores", len(part))
    finding.score(torch.cat(parts))


def _pruned(
    finding: Finding, model: TransformerBridge, nodes: Nodes, found: Task, settings: Settings
) -> Iterator[Progress]:
    steps, by, batch = settings.steps, settings.by, settings.batch
    pruning = Pruning(model, nodes, found, steps, by, batch, settings.size)
    finding.work.plan("scores", pruning.n_steps)
    for _ in pruning.run():
        yield finding.work.did("scores")
    finding.score(pruning.samples, pruning.strength)
