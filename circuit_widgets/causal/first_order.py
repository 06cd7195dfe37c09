"""Every edge's effect at once, to first order: edge attribution patching, and its integrated forms.

The effect of an edge u -> v is what the metric loses if v reads u's write on the corrupt prompt in
the place of that on the clean one, all else unchanged. To first order that is (clean write of u -
corrupt write of u) · d metric / d (what v reads).

- eap: the slope on the clean prompt (Syed et al. 2023).
- eap-ig-inputs: the mean slope on the way from the corrupt embedding to the clean one, in steps
  (Hanna et al. 2024, Have Faith in Faithfulness, section 3).
- eap-ig-activations: for the edges of a layer's heads, or MLP, the mean slope on the way of their
  activations alone (Marks et al. 2024, Sparse Feature Circuits, section 3.1, for edges).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.read_slopes import ReadSlopes, read_slopes
from circuit_widgets.causal.cuts import gains
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.writes import Writes, node_writes

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# From logits to one number a prompt, whose slope can be taken.
Measure = Callable[[Float[Tensor, "batch pos vocab"]], Float[Tensor, " batch"]]
WAYS = ("eap", "eap-ig-inputs", "eap-ig-activations")


class FirstOrder:
    """One batch of prompts, clean and corrupt, and the effects of all edges on a metric.

    Args:
        model: A TransformerBridge.
        nodes: Its graph.
        clean: Ids.
        corrupt: Ids, token by token in the place of the clean ones.
        measure: The metric, one number a prompt.

    Raises:
        PartsMissing: What nodes write does not add up to the stream.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> clean, corrupt = (model.to_tokens(text) for text in ("blue dog blue", "blue cat blue"))
    >>> edges = FirstOrder(model, nodes_of(model), clean, corrupt, lambda logits: logits[:, -1, 5])
    >>> edges.scores("eap").shape
    torch.Size([1, 9, 25])
    """

    def __init__(
        self,
        model: TransformerBridge,
        nodes: Nodes,
        clean: Int[Tensor, "batch pos"],
        corrupt: Int[Tensor, "batch pos"],
        measure: Measure,
    ) -> None:
        self._model, self._nodes, self._measure = model, nodes, measure
        self._tokens = clean.to(model.cfg.device)
        self.clean: Writes = node_writes(model, clean, nodes)
        self.corrupt: Writes = node_writes(model, corrupt, nodes)
        self._change = self.clean.parts - self.corrupt.parts

    def scores(
        self, way: str, steps: int = 5, *, by_position: bool = False
    ) -> Float[Tensor, "batch *pos source target"]:
        """Effects of all edges on each prompt's metric; NaN where there is no edge.

        steps: of the integrated ways.
        """
        if way == "eap":
            found = self._effects(self._clean_slopes, by_position)
        elif way == "eap-ig-inputs":
            found = self._effects(self._mean(self._inputs(steps)), by_position)
        else:
            found = self._activations(steps, by_position)
        found = found * gains(self._model, self._nodes).to(found.device)
        return torch.where(self._nodes.allowed.to(found.device), found, torch.nan)

    @functools.cached_property
    def _clean_slopes(self) -> Float[Tensor, "batch pos target d"]:
        return self._slopes([])

    def _slopes(self, edits: list[capture.Intervention]) -> Float[Tensor, "batch pos target d"]:
        got = read_slopes(self._model, self._tokens, self._measure, edits)
        return in_order(got, self._nodes)

    def _mean(
        self, edits: Iterator[list[capture.Intervention]]
    ) -> Float[Tensor, "batch pos target d"]:
        # The last step of every way is the clean prompt itself.
        total, n = self._clean_slopes.clone(), 1
        for each in edits:
            total, n = total.add_(self._slopes(each)), n + 1
        return total / n

    def _inputs(self, steps: int) -> Iterator[list[capture.Intervention]]:
        clean, corrupt = (writes.inputs.stream(0) for writes in (self.clean, self.corrupt))
        for step in range(1, steps):
            yield [capture.patch("resid_pre", {0: corrupt + step / steps * (clean - corrupt)})]

    def _activations(self, steps: int, by_position: bool) -> Tensor:
        """Stage by stage: the embedding, each layer's heads, each MLP."""
        nodes = self._nodes
        stages = [(slice(0, 1), self._inputs(steps))]
        for layer in range(len(nodes.heads)):
            z = self.clean.z[layer], self.corrupt.z[layer]
            stages.append((nodes.heads_of(layer), _between("z", layer, *z, steps)))
            if nodes.mlps[layer]:
                at = nodes.source_at[f"{layer}.mlp"]
                out = self.clean.mlp_out[layer], self.corrupt.mlp_out[layer]
                stages.append((slice(at, at + 1), _between("mlp_out", layer, *out, steps)))
        parts = [
            self._effects(self._mean(edits), by_position, sources) for sources, edits in stages
        ]
        return torch.cat(parts, -2)

    def _effects(
        self,
        slopes: Float[Tensor, "batch pos target d"],
        by_position: bool,
        sources: slice = slice(None),
    ) -> Float[Tensor, "batch *pos source target"]:
        change = self._change[:, :, sources]
        if by_position:
            return torch.einsum("bpsd,bptd->bpst", change, slopes)
        # One product a prompt: positions and directions are summed together.
        one, other = (each.transpose(1, 2).flatten(2) for each in (change, slopes))
        return one @ other.transpose(1, 2)


def in_order(got: ReadSlopes, nodes: Nodes) -> Float[Tensor, "batch pos target d_model"]:
    """Slopes of all targets, in the graph's order, in float32.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> got = read_slopes(model, model.to_tokens("blue dog"), lambda logits: logits[:, -1, 5])
    >>> in_order(got, nodes_of(model)).shape
    torch.Size([1, 3, 25, 48])
    """
    parts: list[Tensor] = []
    for layer in range(len(nodes.heads)):
        parts += [got.heads[entry, layer].float() for entry in ("q", "k", "v")]
        if nodes.mlps[layer]:
            parts.append(got.mlp[layer].float().unsqueeze(2))
    return torch.cat([*parts, got.output.float().unsqueeze(2)], 2)


def _between(
    site: str, layer: int, clean: Tensor, corrupt: Tensor, steps: int
) -> Iterator[list[capture.Intervention]]:
    for step in range(1, steps):
        yield [capture.patch(site, {layer: corrupt + step / steps * (clean - corrupt)})]
