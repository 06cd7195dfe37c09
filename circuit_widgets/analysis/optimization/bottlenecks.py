"""Heads and MLPs that a task hangs on: one of them away, and most of it is lost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from circuit_widgets.analysis.optimization.results import CAPACITY, Suggestion
from circuit_widgets.causal.edge_scores import patching_of
from circuit_widgets.causal.nodes import Nodes, Source
from circuit_widgets.prompts.tasks import Task
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import further_draw, ratio_interval
from circuit_widgets.wire.numbers import number

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

EXPECTED = "reduced_bottleneck"
MISSING = (
    "Whether more capacity there makes the model better is not known before such a model has been "
    "trained."
)


@dataclasses.dataclass(frozen=True)
class Told:
    """What a share is of, for people: how the sentence begins, which interval, what is measured."""

    lost: str
    which: str
    measured: str


PATCHED = Told(
    "Without {name} (patched from the corrupt prompt) {share} of the task is lost",
    "an interval for all nodes at once",
    "share of the task that is lost without it",
)


class NodeEffects:
    """What each head and MLP is needed for: its write on the corrupt prompt, one at a time.

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = cw.load_model()
    >>> found = NodeEffects(model, nodes_of(model), cw.Task.repeated_tokens(model, n=6), 0.95)
    >>> for _ in found.run(3): pass
    >>> found.shares.value.shape
    torch.Size([9])
    """

    def __init__(
        self, model: TransformerBridge, nodes: Nodes, task: Task, confidence: float
    ) -> None:
        self._model, self._nodes, self._task = model, nodes, task
        # As many as are looked at, so that one of them is wrong no more often than that.
        self._confidence = 1 - (1 - confidence) / max(1, len(nodes.sources) - 1)
        self._effects: list[Tensor] = []
        self._wholes: list[Tensor] = []

    def run(self, batch: int) -> Iterator[None]:
        """A step for each batch of prompts."""
        for start in range(0, len(self._task), batch):
            some = self._task.batch(slice(start, start + batch))
            patching = patching_of(self._model, self._nodes, some)
            self._effects.append(patching.nodes().cpu())
            self._wholes.append((patching.before - patching.other).cpu())
            yield

    @property
    def shares(self) -> Score:
        """Of clean minus corrupt, of each node; intervals hold for all nodes at once."""
        effects, wholes = torch.cat(self._effects), torch.cat(self._wholes)
        value, low, high = ratio_interval(effects, wholes, self._confidence)
        return Score(value, low=low, high=high)


def bottlenecks(
    nodes: Nodes,
    shares: Score,
    least: float,
    confidence: float,
    told: Told = PATCHED,
) -> list[Suggestion]:
    """A suggestion for each node whose share is at least as large, by the lower end."""
    if shares.low is None or shares.high is None:
        return []
    found = []
    for at, source in enumerate(nodes.sources):
        if source.layer < 0 or not float(shares.low[at]) >= least:
            continue
        rest = torch.tensor([float(shares.value[i]) for i in _beside(nodes, source)])
        rest = rest[rest.isfinite()]
        value, low, high = (float(each[at]) for each in (shares.value, shares.low, shares.high))
        beside = further_draw(rest, confidence)
        found.append(
            Suggestion(
                CAPACITY,
                (source.name,),
                _evidence(source, value, low, high, float(beside[0]), told),
                EXPECTED,
                told.measured,
                *map(number, [value, low, high, *beside]),
                tested=False,
                holds=None,
                missing=MISSING,
            )
        )
    return sorted(found, key=lambda each: -(each.value or 0))


def _beside(nodes: Nodes, source: Source) -> list[int]:
    """The other heads of a head's layer; of an MLP the other MLPs."""
    return [
        at
        for at, other in enumerate(nodes.sources)
        if other != source
        and other.layer >= 0
        and (other.head is None) == (source.head is None)
        and (source.head is None or other.layer == source.layer)
    ]


def _evidence(
    source: Source, value: float, low: float, high: float, rest: float, told: Told
) -> str:
    others = "MLPs" if source.head is None else "heads of its layer"
    beside = f", without one of the other {others} {100 * rest:.0f} % on average"
    lost = told.lost.format(name=source.name, share=f"{100 * value:.0f} %")
    ends = f"{100 * low:.0f} to {100 * high:.0f} %, {told.which}"
    return f"{lost} ({ends}){'' if math.isnan(rest) else beside}."


def of_circuit(circuit: Any, least: float, confidence: float) -> list[Suggestion]:
    """The same from the nodes of a circuit, which were taken out of it one by one.

    Its intervals are each node's own: for all of them at once they would be wider.
    """
    told = Told(
        "Taken out of the circuit, {name} costs it {share} of clean minus corrupt",
        circuit.provenance.interval,
        "what the circuit's faithfulness loses without it",
    )
    return bottlenecks(circuit.nodes, circuit.node_effects, least, confidence, told)
