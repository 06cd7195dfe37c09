"""Exact patching: one node, one place of the stream, or one edge at a time, and the model runs on.

Two directions (Heimersheim & Nanda 2024, How to use and interpret activation patching): with
"noising" the clean prompt runs, and one part is what it was on the corrupt one: what is lost is
what the part is needed for. With "denoising" the corrupt prompt runs, and one part is what it was
on the clean one: what comes back is what the part is enough for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.first_order import Measure
from circuit_widgets.causal.nodes import Nodes, Target
from circuit_widgets.causal.subgraph import mlp_writes
from circuit_widgets.causal.writes import node_writes

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

DIRECTIONS = ("noising", "denoising")
# Tokens a pass is filled up to with variants: more than that a CPU does no faster.
_TOKENS, _TOKENS_GPU = 1024, 16384


class Patching:
    """One batch of prompts, clean and corrupt, and what patches do to a metric.

    An effect is metric without the patch minus metric with it ("noising"), or with it minus without
    it ("denoising"): positive where the part helps the metric.

    Args:
        model: A TransformerBridge.
        nodes: Its graph.
        clean: Ids.
        corrupt: Ids of the same shape.
        measure: The metric, one number a prompt.
        direction: "noising" or "denoising".

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> clean, corrupt = (model.to_tokens(text) for text in ("blue dog blue", "blue cat blue"))
    >>> patching = Patching(model, nodes_of(model), clean, corrupt, lambda logits: logits[:, -1, 5])
    >>> patching.nodes().shape, patching.edges().shape, patching.stream().shape
    (torch.Size([1, 9]), torch.Size([1, 9, 25]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self,
        model: TransformerBridge,
        nodes: Nodes,
        clean: Int[Tensor, "batch pos"],
        corrupt: Int[Tensor, "batch pos"],
        measure: Measure,
        direction: str = "noising",
    ) -> None:
        self._model, self._nodes, self._measure = model, nodes, measure
        runs = node_writes(model, clean, nodes), node_writes(model, corrupt, nodes)
        self._sign = 1 if direction == "noising" else -1
        # Which prompt runs, and whose activations are put into it.
        self._run, self._other = runs if direction == "noising" else runs[::-1]
        self._before = measure(self._run.logits).detach()
        most = _TOKENS if str(model.cfg.device) == "cpu" else _TOKENS_GPU
        self._variants = max(1, most // clean.numel())

    def nodes(self) -> Float[Tensor, "batch source"]:
        """Of each source: all that it writes is the other prompt's, at every position."""
        run, other, found = self._run, self._other, []
        embedding = other.inputs.stream(0)
        found.append(self._effect(0, 1, lambda _: [capture.patch("resid_pre", {0: embedding})]))
        for layer, n_heads in enumerate(self._nodes.heads):

            def heads(some: Sequence[int], layer: int = layer) -> list[capture.Intervention]:
                z = run.z[layer].repeat(len(some), 1, 1, 1).unflatten(0, (len(some), -1))
                z[range(len(some)), :, :, list(some)] = other.z[layer].movedim(2, 0)[list(some)]
                return [capture.patch("z", {layer: z.flatten(0, 1)})]

            found.append(self._effect(layer, n_heads, heads))
            if self._nodes.mlps[layer]:
                edit = capture.patch("mlp_out", {layer: other.mlp_out[layer]})
                found.append(self._effect(layer, 1, lambda _, edit=edit: [edit]))
        return torch.cat(found, 1)

    def stream(self) -> Float[Tensor, "batch layer pos"]:
        """Of the stream before each layer at each position."""
        n_pos, found = self._run.parts.shape[1], []
        for layer in range(len(self._nodes.heads)):
            own, put = self._run.inputs.stream(layer), self._other.inputs.stream(layer)

            def places(
                some: Sequence[int], layer: int = layer, own: Tensor = own, put: Tensor = put
            ) -> list[capture.Intervention]:
                rows = own.repeat(len(some), 1, 1).unflatten(0, (len(some), -1))
                rows[range(len(some)), :, list(some)] = put.movedim(1, 0)[list(some)]
                return [capture.patch("resid_pre", {layer: rows.flatten(0, 1)})]

            found.append(self._effect(layer, n_pos, places))
        return torch.stack(found, 1)

    def edges(
        self, only: Sequence[tuple[int, int]] | None = None
    ) -> Float[Tensor, "batch source target"]:
        """Of each edge: one reader sees one source's write on the other prompt (path patching).

        only: (source, target) pairs; others are NaN. A layer's rest runs for each edge: for
        small models, or a few edges.
        """
        nodes = self._nodes
        shape = (len(self._before), len(nodes.sources), len(nodes.targets))
        found = torch.full(shape, torch.nan, device=self._before.device)
        wanted = nodes.allowed.clone()
        if only is not None:
            wanted = torch.zeros_like(wanted)
            wanted[tuple(torch.tensor([*only]).T)] = True
        for at, target in enumerate(nodes.targets):
            sources = (wanted & nodes.allowed)[:, at].nonzero().flatten().tolist()
            if sources:
                found[:, sources, at] = self._edges_into(target, sources)
        return found

    def _edges_into(self, target: Target, sources: list[int]) -> Float[Tensor, "batch source"]:
        run, n_layers = self._run, len(self._nodes.heads)
        layer = min(target.layer, n_layers - 1)
        change = (self._other.parts - run.parts)[:, :, sources].movedim(2, 0)

        def heard(some: Sequence[int]) -> list[capture.Intervention]:
            each = change[list(some)]
            if target.entry == "logits":
                rows = (run.last.float() + each).flatten(0, 1)
                return [capture.patch("resid_post", {layer: rows.to(run.last.dtype)})]
            dtype = run.inputs.stream(layer).dtype
            if target.entry == "mlp":
                rows = (run.before_mlp(self._nodes, layer) + each).flatten(0, 1).to(dtype)
                out = mlp_writes(self._model, self._nodes, run.inputs, layer, rows)
                return [capture.patch("mlp_out", {layer: out})]
            rows = (run.inputs.stream(layer).float() + each).flatten(0, 1).to(dtype)
            read = capture.replay(self._model, run.inputs, layer, [target.entry], rows)
            values = {layer: read[target.entry]}
            return [capture.patch(target.entry, values, heads=(layer, target.index))]

        return self._effect(layer, len(sources), heard)

    def _effect(
        self, layer: int, n: int, edits: Callable[[Sequence[int]], list[capture.Intervention]]
    ) -> Float[Tensor, "batch variant"]:
        """Of n variants of a layer, as many a pass as are worth it, with its rows together."""
        own = self._run.inputs.stream(layer)
        found = []
        for some in _split(n, self._variants):
            rows = own.repeat(len(some), 1, 1)
            logits = capture.resume(
                self._model, self._run.inputs, layer, rows, interventions=edits(some)
            )
            each = torch.stack([self._measure(part) for part in logits.split(len(own))])
            found.append(self._sign * (self._before - each))
        return torch.cat(found).T.detach()


def _split(n: int, most: int) -> Iterator[range]:
    for start in range(0, n, most):
        yield range(start, min(start + most, n))
