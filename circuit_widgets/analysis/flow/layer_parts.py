"""Attention and MLPs of whole layers, and edges summed between them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets.causal.nodes import EMBEDDING, OUTPUT, Nodes, Source, Target


@dataclasses.dataclass(frozen=True)
class Part:
    """The embedding, the attention or the MLP of a layer, or the output.

    Attributes:
        name: "embedding", "5.attn", "5.mlp" or "logits".
        layer: -1 for the embedding, the number of layers for the output.
        kind: "embedding", "attn", "mlp" or "logits".
    """

    name: str
    layer: int
    kind: str


@dataclasses.dataclass(frozen=True)
class LayerParts:
    """A model's parts in the order in which it computes them, and which edges are between which.

    >>> parts = LayerParts(Nodes((2, 2), (2, 1), ("after", "")))
    >>> [part.name for part in parts.sources]
    ['embedding', '0.attn', '0.mlp', '1.attn']
    >>> [part.name for part in parts.targets]
    ['0.attn', '0.mlp', '1.attn', 'logits']
    >>> int(parts.allowed.sum())
    10
    """

    nodes: Nodes

    @functools.cached_property
    def sources(self) -> tuple[Part, ...]:
        """What writes."""
        return _distinct(self.nodes.sources)

    @functools.cached_property
    def targets(self) -> tuple[Part, ...]:
        """What reads."""
        return _distinct(self.nodes.targets)

    @functools.cached_property
    def of_source(self) -> Int[Tensor, " node"]:
        """Which part each source belongs to."""
        return torch.tensor([self.sources.index(_part(each)) for each in self.nodes.sources])

    @functools.cached_property
    def of_target(self) -> Int[Tensor, " reader"]:
        """Which part each target belongs to."""
        return torch.tensor([self.targets.index(_part(each)) for each in self.nodes.targets])

    @functools.cached_property
    def allowed(self) -> Bool[Tensor, "source target"]:
        """Between which parts there are edges."""
        return self._sum(self.nodes.allowed.float()) > 0

    @functools.cached_property
    def allowed_layers(self) -> Bool[Tensor, "source_layer target_layer"]:
        """Between which layers there are edges: from the embedding on, up to the output."""
        return self.layers(self.allowed.float()) > 0

    def summed(
        self, scores: Float[Tensor, "prompt node reader"]
    ) -> Float[Tensor, "prompt source target"]:
        """The sum of all edges between two parts; NaN where there is none."""
        return torch.where(self.allowed, self._sum(scores.float().cpu().nan_to_num(0)), torch.nan)

    def from_nodes(
        self, scores: Float[Tensor, "prompt node reader"]
    ) -> Float[Tensor, "prompt node target"]:
        """The sum of all edges from one node to a part; 0 where there is none."""
        return _added(scores.float().cpu().nan_to_num(0), self.of_target, len(self.targets))

    def layers(
        self, strength: Float[Tensor, "*prompt source target"]
    ) -> Float[Tensor, "*prompt source_layer target_layer"]:
        """Parts added to layers: row 0 is the embedding, the last column the output; 0: no edge."""
        n_layers = len(self.nodes.heads)
        rows = torch.tensor([part.layer + 1 for part in self.sources])
        columns = torch.tensor([part.layer for part in self.targets])
        added = _added(strength.nan_to_num(0), columns, n_layers + 1)
        return _added(added.mT, rows, n_layers + 1).mT

    def edges(self, source: int, target: int) -> Bool[Tensor, "node reader"]:
        """The edges between two parts."""
        both = (self.of_source == source)[:, None] & (self.of_target == target)
        return both & self.nodes.allowed

    def _sum(self, scores: Float[Tensor, "*prompt node reader"]) -> Tensor:
        added = _added(scores, self.of_target, len(self.targets))
        return _added(added.mT, self.of_source, len(self.sources)).mT


def _part(node: Source | Target) -> Part:
    if node.name in (EMBEDDING, OUTPUT):
        return Part(node.name, node.layer, node.name)
    kind = "mlp" if node.name.endswith(".mlp") else "attn"
    return Part(f"{node.layer}.{kind}", node.layer, kind)


def _distinct(nodes: Sequence[Source] | Sequence[Target]) -> tuple[Part, ...]:
    return tuple(dict.fromkeys(_part(node) for node in nodes))


def _added(values: Float[Tensor, "*rest n"], at: Int[Tensor, " n"], size: int) -> Tensor:
    """Values of the last dimension added up by where they belong."""
    return torch.zeros(*values.shape[:-1], size).index_add_(-1, at, values)
