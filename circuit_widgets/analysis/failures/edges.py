"""An edge that lost its effect: what a reader reads is the reference's, without one write."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.failures.fixes import Part
from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.causal.nodes import Nodes, nodes_of
from circuit_widgets.causal.subgraph import mlp_writes
from circuit_widgets.causal.writes import Writes, node_writes
from circuit_widgets.weights.groups import keys_read
from circuit_widgets.weights.writing import PartsMissing, writing

# What an edge leaves unexplained, as a share of the change, at most.
_LEFT = 0.02
# A change of an entry as small as this share of it is none.
_LEAST = 1e-3
# Sources that come near enough, to first order, to be tried with the share that fits.
_TRIED = 4


def cut_edge_of(own: Seen, usual: Seen, row: int, part: Part) -> str | None:
    """The one edge into a part whose loss explains what it does; None: none does.

    Both runs were given the same. For each writer before it the part's q, k and v (or its MLP) are
    made again in the reference, of the stream without some share of what the writer writes; the
    share is fitted. An edge is named if it leaves 2 % of the change unexplained at most, if no
    other entry of the part changed, and if more than one writer could have been the one.
    """
    changed = [entry for entry in _entries(part) if _changed(own, usual, row, part, entry)]
    if len(changed) != 1:
        return None
    try:
        nodes = nodes_of(usual.model)
        writes = node_writes(usual.model, usual.inputs.tokens[row : row + 1], nodes)
    except (RuntimeError, PartsMissing):
        return None
    (entry,) = changed
    stage = 2 * part.layer + 1 + (entry == "mlp" and nodes.mlps[part.layer] == "after")
    n_sources = nodes.n_before(stage)
    if n_sources < 2:
        return None
    read = _reader(usual, writes, nodes, part, entry)
    was, now = (_entry(each, row, part, entry) for each in (usual, own))
    writers = _without_biases(usual, row, nodes, writes)[:n_sources]
    found = _explained(read, writers, was, now)
    if found is None:
        return None
    name = str(part) if entry == "mlp" else f"{part}.{entry}"
    return f"{nodes.sources[found].name} to {name}"


def _without_biases(
    usual: Seen, row: int, nodes: Nodes, writes: Writes
) -> Float[Tensor, "source pos d_model"]:
    """What each source writes; of a layer's bias no head loses a share."""
    parts = writes.parts[0].movedim(1, 0).clone()
    for layer in range(len(nodes.heads)):
        z, out = (usual.sites[site][layer][row : row + 1] for site in ("z", "attn_out"))
        own = writing(usual.model, layer, z, out).of_all(z)
        parts[nodes.heads_of(layer)] = own[0].movedim(1, 0).to(parts)
    return parts


def _explained(
    read: Callable[[Tensor], Tensor],
    writers: Float[Tensor, "source pos d_model"],
    was: Float[Tensor, "pos d"],
    now: Float[Tensor, "pos d"],
) -> int | None:
    """Which writer's loss turns one entry into the other."""
    change = (now - was).flatten()
    size = change.norm()
    shares = torch.ones(len(writers), device=writers.device)
    chosen = torch.arange(len(writers), device=writers.device)
    left = torch.full((len(writers),), torch.inf)
    for tried in range(4):
        made = (read(shares[:, None, None] * writers[chosen]) - was).flatten(1)
        left = ((change - made).norm(dim=1) / size).cpu()
        if bool((left <= _LEFT).any()):
            return int(chosen[int(left.argmin())])
        along = (made @ change) / made.square().sum(1).clamp_min(1e-12)
        shares = (shares * along).clamp(0, 1)
        if not tried:
            # With the best multiple of each: to first order.
            rest = (change - along.clamp(0, 2)[:, None] * made).norm(dim=1)
            near = rest.argsort()[:_TRIED]
            shares, chosen = shares[near], chosen[near]
    return None


def _entries(part: Part) -> tuple[str, ...]:
    return ("mlp",) if part.head is None else ("q", "k", "v")


def _entry(seen: Seen, row: int, part: Part, entry: str) -> Float[Tensor, "pos d"]:
    if part.head is None:
        return seen.sites["mlp_out"][part.layer][row].float()
    tensor = seen.sites[entry][part.layer][row].float()
    return tensor[:, _index(seen, part, entry, tensor.shape[1])]


def _index(seen: Seen, part: Part, entry: str, n: int) -> int:
    assert part.head is not None
    if entry == "q":
        return part.head
    return keys_read(seen.model, part.layer, seen.nodes.heads[part.layer], n)[part.head]


def _changed(own: Seen, usual: Seen, row: int, part: Part, entry: str) -> bool:
    was, now = (_entry(each, row, part, entry) for each in (usual, own))
    return bool((now - was).norm() > _LEAST * was.norm())


def _reader(
    usual: Seen, writes: Writes, nodes: Nodes, part: Part, entry: str
) -> Callable[[Tensor], Tensor]:
    """What the part's entry is, of the stream less some writes [row, pos, d_model]."""
    model, layer = usual.model, part.layer

    def read(less: Tensor) -> Tensor:
        if part.head is None:
            rows = writes.before_mlp(nodes, layer) - less
            dtype = writes.inputs.stream(layer).dtype
            return mlp_writes(model, nodes, writes.inputs, layer, rows.to(dtype))
        stream = writes.inputs.stream(layer)
        rows = (stream.float() - less).to(stream.dtype)
        found = capture.replay(model, writes.inputs, layer, [entry], rows)[entry].float()
        return found[:, :, _index(usual, part, entry, found.shape[2])]

    return read
