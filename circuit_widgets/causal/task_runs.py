"""A task's prompts along any edges of a model: the score of each, and whether it is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.causal.choosing import Edges
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.subgraph import Subgraphs
from circuit_widgets.prompts.tasks import Task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class TaskRuns:
    """A task's prompts, ready to be run along any edges.

    Attributes:
        clean, corrupt: The score of each prompt, and of its corrupt partner.
        clean_right: Whether the whole model's answer is right.

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = cw.load_model()
    >>> nodes = nodes_of(model)
    >>> runs = TaskRuns(model, nodes, cw.Task.repeated_tokens(model, n=4), "resample", batch=4)
    >>> scores, right = runs.along(nodes.allowed)
    >>> bool((scores - runs.clean).abs().max() < 1e-4)
    True
    """

    def __init__(
        self, model: TransformerBridge, nodes: Nodes, task: Task, by: str, batch: int
    ) -> None:
        self._tasks = [
            task.batch(slice(start, start + batch)) for start in range(0, len(task), batch)
        ]
        self._runs = [Subgraphs(model, nodes, each.clean, each.corrupt, by) for each in self._tasks]
        self._known: dict[bytes, tuple[Tensor, Tensor]] = {}
        self.clean, self.clean_right = self._joined(
            self._score(each, runs, runs.clean) for each, runs in self._each()
        )
        self.corrupt, _ = self._joined(
            self._score(each, runs, runs.corrupt) for each, runs in self._each()
        )

    def along(self, kept: Edges) -> tuple[Float[Tensor, " prompt"], Float[Tensor, " prompt"]]:
        """The score of each prompt along some edges, and whether its answer is right."""
        # Of the whole model, and of few edges, random circuits are often the same.
        known = kept.numpy().tobytes()
        if known not in self._known:
            self._known[known] = self._joined(
                self._score(each, runs, runs.logits(kept)) for each, runs in self._each()
            )
        return self._known[known]

    def ratio(self, scores: Float[Tensor, " prompt"]) -> float:
        """How much of clean minus corrupt some scores keep: a ratio of means, as one number."""
        return float((scores - self.corrupt).mean() / (self.clean - self.corrupt).mean())

    def _each(self) -> Iterator[tuple[Task, Subgraphs]]:
        return zip(self._tasks, self._runs, strict=True)

    @staticmethod
    def _joined(parts: Iterable[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        scores, correct = zip(*parts, strict=True)
        return torch.cat(scores), torch.cat(correct)

    @staticmethod
    def _score(task: Task, runs: Subgraphs, logits: Tensor) -> tuple[Tensor, Tensor]:
        score = task.score(logits, clean_logits=runs.clean)
        return score.float().cpu(), task.correct(logits).float().cpu()
