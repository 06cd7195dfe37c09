"""The same circuit with the heads of each layer in other places: what is alike by chance.

Which of a layer's heads does something is an accident of the initialisation: a model is as likely
to come with its heads in any other order (with shared keys and values: its groups, and the heads
inside a group). So two circuits that know nothing of each other are as alike as one of them and the
other with its heads in random places: an exact permutation test, of circuits of the same size, the
same layers and the same shape. Circuits of random edges would be spread over more heads.
"""

from __future__ import annotations

import dataclasses

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from circuit_widgets.causal.nodes import Nodes


@dataclasses.dataclass(frozen=True)
class Places:
    """Where each source and each target is taken from.

    Attributes:
        sources: [source]; the embedding and MLPs stay.
        targets: [target]; a head's q, k and v move with it.
    """

    sources: Int[Tensor, " source"]
    targets: Int[Tensor, " target"]

    def of(
        self, matrix: Shaped[Tensor, "*rest source target"]
    ) -> Shaped[Tensor, "*rest source target"]:
        """Edges, or numbers of edges, with the heads in these places."""
        return matrix[..., self.sources, :][..., self.targets]


def random_places(nodes: Nodes, generator: torch.Generator) -> Places:
    """Heads in a random order within their layer.

    >>> nodes = Nodes((4, 2), (2, 2), ("", ""))
    >>> places = random_places(nodes, torch.Generator().manual_seed(0))
    >>> [nodes.sources[at].name for at in places.sources]
    ['embedding', '0.1', '0.0', '0.2', '0.3', '1.1', '1.0']
    >>> bool((places.of(nodes.allowed) == nodes.allowed).all())
    True
    """
    sources, targets = torch.arange(len(nodes.sources)), torch.arange(len(nodes.targets))
    for layer, n_heads in enumerate(nodes.heads):
        n_keys = nodes.keys[layer]
        size = n_heads // n_keys
        groups = torch.randperm(n_keys, generator=generator)
        inside = torch.rand(n_keys, size, generator=generator).argsort(1)
        heads = (groups[:, None] * size + inside).flatten()
        at = nodes.heads_of(layer)
        sources[at] = at.start + heads
        for entry, order in (("q", heads), ("k", groups), ("v", groups)):
            at = nodes.targets_of(layer, entry)
            targets[at] = at.start + order
    return Places(sources, targets)
