"""Heads that should work together and do not: what one tells the other does harm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.optimization.results import ARCHITECTURE, Suggestion
from circuit_widgets.causal.edge_scores import edge_scores, patching_of
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.statistics.intervals import further_draw, ratio_interval
from circuit_widgets.wire.numbers import number

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

EXPECTED = "better_coordination"
MISSING = (
    "What a model that was built without this edge would learn is not known before it has been "
    "trained."
)
METHOD, STEPS = "eap-ig-inputs", 5
# Edges that are tried, and random edges beside them.
TRIED = 8


class HarmfulEdges:
    """Edges from head to head without which a task goes better.

    Scored on some prompts to first order (EAP-IG); those with the lowest scores are patched exactly
    on others, and so are as many random edges between heads.

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = cw.load_model()
    >>> halves = cw.Task.repeated_tokens(model, n=8).halves()
    >>> found = HarmfulEdges(model, nodes_of(model), *halves, seed=0)
    >>> for _ in found.run(8): pass
    >>> [each.kind for each in found.suggestions(0.95)]
    []
    """

    def __init__(
        self, model: TransformerBridge, nodes: Nodes, found: Task, tested: Task, seed: int
    ) -> None:
        self._model, self._nodes, self._seed = model, nodes, seed
        self._found, self._tested = found, tested
        writes = torch.tensor([each.head is not None for each in nodes.sources])
        reads = torch.tensor([each.entry in ("q", "k", "v") for each in nodes.targets])
        self._between = writes[:, None] & reads & nodes.allowed
        self._edges: list[tuple[int, int]] = []
        self._random: list[tuple[int, int]] = []
        self._effects: list[Tensor] = []
        self._wholes: list[Tensor] = []

    def run(self, batch: int, score: Tensor | None = None) -> Iterator[None]:
        """A step for each batch of prompts; `score` [source, target] is of a circuit found before.

        It has to be of prompts that are not tested here.
        """
        if score is None:
            parts = []
            for part in edge_scores(self._model, self._nodes, self._found, METHOD, STEPS, batch):
                parts.append(part)
                yield
            score = torch.cat(parts).mean(0)
        self._choose(score)
        tried = [*self._edges, *self._random]
        for start in range(0, len(self._tested), batch) if self._edges else ():
            some = self._tested.batch(slice(start, start + batch))
            patching = patching_of(self._model, self._nodes, some)
            source, target = torch.tensor(tried).T
            self._effects.append(patching.edges(tried)[:, source, target].cpu())
            self._wholes.append((patching.before - patching.other).cpu())
            yield

    def _choose(self, score: Float[Tensor, "source target"]) -> None:
        value = torch.where(self._between, score.cpu().nan_to_num(0), 0)
        n_targets = value.shape[1]
        for at in value.flatten().argsort()[:TRIED].tolist():
            edge = divmod(at, n_targets)
            if float(value[edge]) < 0:
                self._edges.append(edge)
        free = [edge for edge in self._between.nonzero().tolist() if (*edge,) not in self._edges]
        generator = torch.Generator().manual_seed(self._seed)
        order = torch.randperm(len(free), generator=generator)[:TRIED].tolist()
        self._random = [(free[at][0], free[at][1]) for at in order]

    def suggestions(self, confidence: float) -> list[Suggestion]:
        """Edges whose effect is below 0, by an interval for all of them, and beyond random ones."""
        if not self._effects:
            return []
        effects, wholes = torch.cat(self._effects), torch.cat(self._wholes)
        n = len(self._edges)
        value, low, high = ratio_interval(effects[:, :n], wholes, 1 - (1 - confidence) / n)
        random, _, _ = ratio_interval(effects[:, n:], wholes, confidence)
        beside = further_draw(random, confidence)
        found = []
        for at, (i, j) in enumerate(self._edges):
            if not (float(high[at]) < 0 and not float(value[at]) >= float(beside[1])):
                continue
            name = f"{self._nodes.sources[i].name} → {self._nodes.targets[j].name}"
            numbers = [float(each[at]) for each in (value, low, high)]
            found.append(
                Suggestion(
                    ARCHITECTURE,
                    (name,),
                    _evidence(name, numbers, float(beside[0]), n),
                    EXPECTED,
                    "share of the task that is lost without it",
                    *map(number, [*numbers, *beside]),
                    tested=True,
                    holds=True,
                    missing=MISSING,
                )
            )
        return sorted(found, key=lambda each: each.value or 0)


def _evidence(name: str, numbers: list[float], random: float, n: int) -> str:
    gain, most, least = (-100 * each for each in numbers)
    return (
        f"Without {name}, patched from the corrupt prompt, the task goes {gain:.1f} % better "
        f"({least:.1f} to {most:.1f} %, an interval for all {n} edges that were tried; random "
        f"edges between heads {-100 * random:.1f} %): its reader does better when it does not "
        "hear it."
    )


def side_by_side(coordination: Any) -> list[Suggestion]:
    """Pairs that matter on the same prompts and have nothing to do with each other."""
    found = []
    for pair in coordination.pairs:
        if pair.type != "parallel" or pair.sign is not None:
            continue
        found.append(
            Suggestion(
                ARCHITECTURE,
                (pair.a, pair.b),
                f"{pair.a} and {pair.b} matter on the same prompts (similarity {pair.value:.2f}, "
                f"q {pair.q:.2g}), but neither hears the other, and neither makes up for the "
                "other: path and interaction are as good as none.",
                EXPECTED,
                missing="Whether a connection between them would help is not known before a model "
                "with one has been trained.",
            )
        )
    return found
