"""Edges that are cut in a model by a fault: what changes at their writer is not heard.

Whoever changes what a reader reads, and not what the writer writes (path patching, edges of first
order), cannot leave that to the model's pass: the fault takes away what the writer wrote there.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.causal.nodes import Nodes

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# By model: what is lost of each edge (source, target).
_cut: weakref.WeakKeyDictionary[TransformerBridge, Mapping[tuple[str, str], float]] = (
    weakref.WeakKeyDictionary()
)


@contextmanager
def cutting(model: TransformerBridge, lost: Mapping[tuple[str, str], float]) -> Iterator[None]:
    """Within, these edges of the model are known to be cut.

    lost: by names of source and target, the share that is not heard.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> with cutting(model, {("0.1", "1.2.q"): 1.0}):
    ...     heard(model, "0.1", "1.2", "q"), heard(model, "0.1", "1.2", "k")
    (0.0, 1.0)
    """
    try:
        _cut[model] = lost
        yield
    finally:
        _cut.pop(model, None)


def heard(model: TransformerBridge, source: str, node: str, entry: str) -> float:
    """What share of a source a node hears by an entry, which a group of heads may share."""
    lost = 0.0
    for (writer, reader), share in _cut.get(model, {}).items():
        if writer == source and _reads(reader, node, entry):
            lost = share
    return 1 - lost


def gains(model: TransformerBridge, nodes: Nodes) -> Float[Tensor, "source target"]:
    """What share each target hears of each source: 1, where nothing is cut.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> bool((gains(model, nodes_of(model)) == 1).all())
    True
    """
    found = torch.ones(len(nodes.sources), len(nodes.targets))
    names = {target.name: at for at, target in enumerate(nodes.targets)}
    for (writer, reader), share in _cut.get(model, {}).items():
        found[nodes.source_at[writer], names[reader]] = 1 - share
    return found


def cut_readers(model: TransformerBridge, source: str) -> frozenset[str]:
    """Names of the targets that do not hear a source in full."""
    return frozenset(reader for writer, reader in _cut.get(model, {}) if writer == source)


def _reads(reader: str, node: str, entry: str) -> bool:
    """Whether a target is a node's by an entry: "1.2.q", or "1.2-3.k" of heads 2 and 3."""
    layer, _, rest = reader.partition(".")
    heads, _, by = rest.partition(".")
    at, _, index = node.partition(".")
    if (layer, by) != (at, entry) or not index.isdigit():
        return False
    first, _, last = heads.partition("-")
    return int(first) <= int(index) <= int(last or first)
