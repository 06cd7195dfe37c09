"""A task's prompts along any edges of a model: the score of each, and whether it is right."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.on_paths import Edges
from circuit_widgets.causal.subgraph import Subgraphs
from circuit_widgets.prompts.tasks import Task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# The score of each prompt, and whether its answer is right.
Run = tuple[Float[Tensor, " prompt"], Float[Tensor, " prompt"]]


class TaskRuns:
    """A task's prompts, ready to be run along any edges.

    Attributes:
        clean, corrupt: The score of each prompt, and of its corrupt partner.
        clean_right: Whether the whole model's answer is right.
        tasks, each: The prompts of each batch, and its runs.

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
        self,
        model: TransformerBridge,
        nodes: Nodes,
        task: Task,
        by: str,
        batch: int,
        kind: type[Subgraphs] = Subgraphs,
    ) -> None:
        self.tasks = [
            task.batch(slice(start, start + batch)) for start in range(0, len(task), batch)
        ]
        self.each = [kind(model, nodes, each.clean, each.corrupt, by) for each in self.tasks]
        self._clean = [task.read(runs.clean) for task, runs in self._both()]
        self._known: dict[bytes, Run] = {}
        corrupt = [task.read(runs.corrupt) for task, runs in self._both()]
        self.clean, self.clean_right = self._scored([self._clean])[0]
        self.corrupt, _ = self._scored([corrupt])[0]

    @property
    def at_once(self) -> int:
        """How many sets of edges are run together, at most 16: in between one can stop."""
        return min(16, *(runs.at_once for runs in self.each))

    def along(self, kept: Edges) -> Run:
        """The score of each prompt along some edges, and whether its answer is right."""
        return self.several([kept])[0]

    def several(self, kept: Sequence[Edges]) -> list[Run]:
        """The same along each of several sets of edges, as many of them together as are worth it.

        Sets of about one size are best run together: each takes as long as the largest.
        """
        # Of the whole model, and of few edges, random circuits are often the same.
        names = [hashlib.blake2b(each.numpy().tobytes()).digest() for each in kept]
        new = {
            name: each for name, each in zip(names, kept, strict=True) if name not in self._known
        }
        for start in range(0, len(new), self.at_once):
            some = [*new][start : start + self.at_once]
            edges = torch.stack([new[name] for name in some])
            read = [runs.several(edges, task.places) for task, runs in self._both()]
            found = self._scored([[part[at] for part in read] for at in range(len(some))])
            self._known |= dict(zip(some, found, strict=True))
        return [self._known[name] for name in names]

    def ratio(self, scores: Float[Tensor, " prompt"]) -> float:
        """How much of clean minus corrupt some scores keep: a ratio of means, as one number."""
        return float((scores - self.corrupt).mean() / (self.clean - self.corrupt).mean())

    def _both(self) -> Iterator[tuple[Task, Subgraphs]]:
        return zip(self.tasks, self.each, strict=True)

    def _scored(self, several: Sequence[Sequence[Tensor]]) -> list[Run]:
        """Of logits of each batch, where answers are read: scores, and what is right."""
        found: list[Run] = []
        for read in several:
            parts = list(zip(self.tasks, read, self._clean, strict=True))
            scores = [task.score_read(each, clean) for task, each, clean in parts]
            right = [task.correct_read(each) for task, each, _ in parts]
            found.append((torch.cat(scores).float().cpu(), torch.cat(right).float().cpu()))
        return found
