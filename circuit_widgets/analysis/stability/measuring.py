"""What is measured of one model, which may go again afterwards: edges, roles, how well it does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments, capture
from circuit_widgets.attention.roles import RoleScores, chance_of
from circuit_widgets.attention.shapes import Pictures
from circuit_widgets.causal.choosing import sizes_of
from circuit_widgets.causal.edge_scores import SAID, check_method, edge_scores
from circuit_widgets.causal.nodes import Nodes, nodes_of
from circuit_widgets.causal.task_runs import TaskRuns
from circuit_widgets.prompts.repeats import Probe
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.prompts.tokens import tokenize
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.statistics.doing import TaskCheck, check_task
from circuit_widgets.statistics.intervals import mean_interval

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.analysis.stability.settings import Settings

# Pictures of attention have so many rows at most.
SIDE = 48
# About how many steps `measure` has.
STEPS = 5
# What checkpoints of one training have in common, by its name in a model's configuration.
WIDTHS = {
    "d_model": "a residual stream of width",
    "d_vocab": "a vocabulary of",
    "d_head": "heads of width",
    "d_mlp": "MLPs of width",
}


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """One model's numbers; the model itself is not kept.

    Attributes:
        made: Its name, device, dtype and hooks, as provenance has them.
        nodes: Its graph.
        widths: By their names in its configuration; None: it has no such number.
        task: What it was measured on.
        found, tested: Its prompts that edges are scored on, and those that circuits are run on.
        check: How well it does the task.
        samples: Edge scores of each prompt in `found`; NaN: no edge.
        ends: Their mean over prompts, with its interval.
        roles, role_control: Of every sequence; on tokens that do not repeat.
        role_chance: What attending uniformly has.
        loss: Of each prompt in `found`, in nats.
        share: The smallest share of its edges that keeps enough of the task; None: not asked for,
            or it does not do the task.
        pictures: Attention of every head on the first prompt.
        tokens: Of that prompt.
    """

    made: Provenance
    nodes: Nodes
    widths: dict[str, int | None]
    task: Task
    found: Task
    tested: Task
    check: TaskCheck
    samples: Float[Tensor, "prompt source target"]
    ends: tuple[Float[Tensor, "source target"], ...]
    roles: Float[Tensor, "role sequence layer head"]
    role_control: Float[Tensor, "role sequence layer head"]
    role_chance: dict[str, float]
    loss: Float[Tensor, " prompt"]
    share: float | None
    pictures: Float[Tensor, "layer head side side"]
    tokens: tuple[str, ...]

    @property
    def score(self) -> Float[Tensor, "source target"]:
        """The mean over prompts."""
        return self.ends[0]


@dataclasses.dataclass(frozen=True)
class Question:
    """What is asked of several models, as provenance keeps it."""

    analysis: str
    said: str
    unit: str
    pending: tuple[str, ...] = ()

    def begun(self, model: TransformerBridge, settings: Settings, used: Task) -> Provenance:
        """The provenance of one of them."""
        return begun(
            model,
            self.analysis,
            settings,
            method=f"{SAID[settings.method]}; {self.said}",
            probe=used.described(),
            n_total=len(settings.models),
            unit=self.unit,
            pending=self.pending,
        )


def task_for(task: Any, model: TransformerBridge) -> Task:
    """The task, made for this model if it is a function."""
    made = task if isinstance(task, Task) or not callable(task) else task(model)
    if not isinstance(made, Task):
        raise TypeError(
            f"the task is {arguments.shown(made)}; accepted is a Task, or a function that makes "
            "one of a model, such as functools.partial(Task.repeated_tokens, n=16)"
        )
    return made


def measure(
    model: TransformerBridge,
    settings: Settings,
    task: Any,
    question: Question,
    into: Given[Measured],
) -> Iterator[None]:
    """Everything about one model; `into` gets it."""
    task = task_for(task, model)
    if len(task) < (4 if settings.held_out else 2):
        raise ValueError(
            f"{task!r} has too few prompts for intervals; accepted are "
            f"{'4 or more, or held_out=False with 2' if settings.held_out else '2 or more'}"
        )
    check_method(settings.method, task)
    nodes = nodes_of(model)
    found, tested = task.halves(settings.seed) if settings.held_out else (task, task)
    check = check_task(model, task, confidence=settings.confidence, batch=settings.batch)
    yield
    parts: list[Tensor] = []
    for part in edge_scores(model, nodes, found, settings.method, settings.steps, settings.batch):
        parts.append(part)
        yield
    samples = torch.cat(parts)
    ends = mean_interval(samples, settings.confidence)
    loss, pictures = _clean(model, found, settings.batch)
    probe = Probe(model, settings.length, settings.seed, None)
    roles, control = _roles(model, probe, settings)
    yield
    share = None
    if settings.size is None and (check.done or settings.allow_failure):
        share = _share(model, nodes, tested, ends[0], settings)
    yield
    into.value = Measured(
        made=question.begun(model, settings, task),
        nodes=nodes,
        widths={name: getattr(model.cfg, name, None) for name in WIDTHS},
        task=task,
        found=found,
        tested=tested,
        check=check,
        samples=samples,
        ends=ends,
        roles=roles,
        role_control=control,
        role_chance=chance_of(probe.layout),
        loss=loss,
        share=share,
        pictures=pictures,
        tokens=tokenize(model, found.clean[:1].cpu()).strings,
    )


def _clean(
    model: TransformerBridge, task: Task, batch: int
) -> tuple[Float[Tensor, " prompt"], Float[Tensor, "layer head side side"]]:
    """The loss on the right answers, and what attention looks like on the first prompt."""
    by_loss = dataclasses.replace(task, metric="loss")
    n_layers, n_heads = int(model.cfg.n_layers), int(model.cfg.n_heads)
    pictures = Pictures(task.clean.shape[1], n_layers, n_heads, SIDE)
    found = []
    for start in range(0, len(task), batch):
        some = by_loss.batch(slice(start, start + batch))
        logits = capture.run(model, some.clean, [] if start else [pictures])
        found.append(-some.score(logits).float().cpu())
    return torch.cat(found), pictures.pictures


def _roles(
    model: TransformerBridge, probe: Probe, settings: Settings
) -> tuple[Float[Tensor, "role sequence layer head"], Float[Tensor, "role sequence layer head"]]:
    """Of every role and sequence, on tokens that repeat and on tokens that do not."""
    sides = []
    for start in range(0, settings.n_sequences, settings.batch):
        n = min(settings.batch, settings.n_sequences - start)
        scores = RoleScores(probe.layout, int(model.cfg.n_layers))
        capture.run(model, probe.pairs(n), [scores], logits=False)
        sides.append(scores.values().unflatten(1, (2, n)))
    both = torch.cat(sides, 2)
    return both[:, 0], both[:, 1]


def _share(
    model: TransformerBridge,
    nodes: Nodes,
    task: Task,
    score: Float[Tensor, "source target"],
    settings: Settings,
) -> float:
    """The share of edges of the smallest of ten circuits that keeps enough of the task."""
    runs = TaskRuns(model, nodes, task, settings.by, settings.batch)
    for kept in sizes_of(score.abs(), nodes, None)[0]:
        capture.check_stop()
        if runs.ratio(runs.along(kept)[0]) >= settings.keep:
            return int(kept.sum()) / int(nodes.allowed.sum())
    return 1.0
