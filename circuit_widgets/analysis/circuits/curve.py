"""How well circuits of several sizes do the task, beside random ones and without them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets.causal.choosing import of_size, random_strengths, smallest
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.subgraph import Subgraphs
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import (
    SHARE,
    further_draw,
    mean_interval,
    ratio_interval,
)

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# The sizes of MIB (Mueller et al. 2025, section 4), as shares of all edges.
SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

Edges = Bool[Tensor, "source target"]


class Runs:
    """A task's prompts, ready to be run along any edges.

    Attributes:
        clean, corrupt: The score of each prompt, and of its corrupt partner.
        clean_right: Whether the whole model's answer is right.
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

    def share(
        self, part: Float[Tensor, " prompt"], confidence: float
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""], Float[Tensor, ""]]:
        """A difference of scores as a share of clean - corrupt, with its interval."""
        return ratio_interval(part, self.clean - self.corrupt, confidence)

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


@dataclasses.dataclass(frozen=True)
class Curve:
    """Of circuits of several sizes; NaN where a size has not been run yet.

    Attributes:
        kept: The edges of each.
        faithfulness: (circuit - corrupt) / (clean - corrupt), a ratio of means over prompts with
            Fieller's interval; control: of random circuits of the same size and layers, the mean
            and where one more would be.
        accuracy: On how many of the prompts the answer is right, with the random circuits' as
            control.
        without: Faithfulness of the model without the circuit: 0 if nothing else does the task.
    """

    kept: Bool[Tensor, "size source target"]
    faithfulness: Score
    accuracy: Score
    without: Score


def sizes_of(
    strength: Float[Tensor, "source target"], nodes: Nodes, asked: int | None
) -> tuple[Bool[Tensor, "size source target"], int | None]:
    """Circuits of ten sizes, and of the one asked for: their edges, and which is that one.

    Sizes at which no path is there, or that have the same edges, are left out.
    """
    total = int(nodes.allowed.sum())
    wanted = {max(1, round(share * total)) for share in SHARES} | ({asked} if asked else set())
    least = smallest(strength, nodes)
    found: dict[int, Edges] = {}
    at = None
    for size in sorted(wanted | {least}):
        if size >= least:
            kept = of_size(strength, size, nodes)
            found.setdefault(int(kept.sum()), kept)
            if size == asked:
                at = list(found).index(int(kept.sum()))
    return torch.stack([*found.values()]), at


def curves(
    runs: Runs,
    strength: Float[Tensor, "source target"],
    nodes: Nodes,
    kept: Bool[Tensor, "size source target"],
    n_random: int,
    seed: int,
    confidence: float,
) -> Iterator[Curve]:
    """The curve, size by size; those not run yet are NaN."""
    n = len(kept)
    faithful, accurate, without = _Points(n), _Points(n), _Points(n)
    drawn = [*random_strengths(strength, nodes, n_random, seed)]
    for at, edges in enumerate(kept):
        scores, correct = runs.along(edges)
        left, _ = runs.along(nodes.allowed & ~edges)
        random = [runs.along(of_size_or_all(each, int(edges.sum()), nodes)) for each in drawn]
        faithful.put(at, runs.share(scores - runs.corrupt, confidence))
        without.put(at, runs.share(left - runs.corrupt, confidence))
        accurate.put(at, mean_interval(correct, confidence, SHARE))
        others = torch.tensor([_ratio(runs, score) for score, _ in random])
        faithful.control(at, further_draw(others, confidence))
        hits = torch.tensor([float(right.mean()) for _, right in random])
        middle, low, high = further_draw(hits, confidence)
        accurate.control(at, (middle, low.clamp(*SHARE), high.clamp(*SHARE)))
        yield Curve(kept, faithful.score(), accurate.score(), without.score(False))


def of_size_or_all(strength: Float[Tensor, "source target"], size: int, nodes: Nodes) -> Edges:
    """The strongest edges on a path, as many as `size`; the first path where that is larger."""
    return of_size(strength, max(size, smallest(strength, nodes)), nodes)


def areas(
    shares: Float[Tensor, " size"], faithfulness: Float[Tensor, " size"]
) -> tuple[float, float]:
    """CPR, the area under faithfulness over the share of edges, and CMD, that under |1 - it|.

    Mueller et al. 2025 (MIB), section 4, by the trapezoid rule.

    >>> areas(torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 1.0, 1.0]))
    (0.75, 0.25)
    """
    cpr = torch.trapezoid(faithfulness, shares)
    cmd = torch.trapezoid((1 - faithfulness).abs(), shares)
    return float(cpr), float(cmd)


def log_area(shares: Float[Tensor, " size"], values: Float[Tensor, " size"]) -> float:
    """The mean of something over the logarithm of size.

    >>> log_area(torch.tensor([0.01, 0.1, 1.0]), torch.tensor([0.0, 1.0, 1.0]))
    0.75
    """
    at = shares.log10()
    return float(torch.trapezoid(values, at) / (at[-1] - at[0])) if len(at) > 1 else math.nan


def _ratio(runs: Runs, scores: Float[Tensor, " prompt"]) -> float:
    return float((scores - runs.corrupt).mean() / (runs.clean - runs.corrupt).mean())


class _Points:
    """A score of every size, filled in one by one."""

    def __init__(self, n: int) -> None:
        self._values = torch.full((6, n), torch.nan)

    def put(self, at: int, ends: tuple[Tensor, Tensor, Tensor]) -> None:
        self._values[:3, at] = torch.stack([*ends])

    def control(self, at: int, ends: tuple[Tensor, Tensor, Tensor]) -> None:
        self._values[3:, at] = torch.stack([*ends])

    def score(self, control: bool = True) -> Score:
        names = ("value", "low", "high", "control", "control_low", "control_high")
        kept = names if control else names[:3]
        return Score(**dict(zip(kept, self._values.clone(), strict=False)))
