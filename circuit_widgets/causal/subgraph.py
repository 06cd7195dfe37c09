"""Run a part of a model: along edges outside of it, readers see the corrupt prompt's writes.

Everything is computed as the model computes it, layer by layer: each head's q, k and v from a
stream of its own, then what the layer's heads write, then the MLP. So nodes inside the part have
the values that they get there, and not the clean prompt's (as Conmy et al. 2023; Hanna et al.
2024).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.close import alike
from circuit_widgets.causal.cuts import gains
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.writes import Writes, head_writes, node_writes
from circuit_widgets.weights.writing import PartsMissing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# What is read along other edges: the corrupt prompt's writes, or their mean over prompts.
BY = ("resample", "mean")
# Float32 values of streams in flight: 128 MB.
_FLIGHT = 2**25


class Subgraphs:
    """One batch of prompts, ready to run along any edges.

    Args:
        model: A TransformerBridge.
        nodes: Its graph.
        clean: Ids.
        corrupt: Ids of the same shape.
        by: What is read along other edges: "resample", the writes on the corrupt prompt, or "mean",
            their mean over the corrupt prompts of the batch at each position.

    Raises:
        PartsMissing: The model run along all of its edges is not the model: something besides q, k
            and v is read by its attention.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> clean, corrupt = (model.to_tokens(text) for text in ("blue dog blue", "blue cat blue"))
    >>> nodes = nodes_of(model)
    >>> runs = Subgraphs(model, nodes, clean, corrupt)
    >>> bool((runs.logits(nodes.allowed) - capture.run(model, clean)).abs().max() < 1e-4)
    True
    """

    def __init__(
        self,
        model: TransformerBridge,
        nodes: Nodes,
        clean: Int[Tensor, "batch pos"],
        corrupt: Int[Tensor, "batch pos"],
        by: str = "resample",
    ) -> None:
        self._model, self._nodes = model, nodes
        self._device = model.cfg.device
        self._clean: Writes = node_writes(model, clean, nodes)
        self._corrupt: Writes = node_writes(model, corrupt, nodes)
        self._mean = by == "mean"
        self._heard = gains(model, nodes).to(self._device)
        # Sources come first, so that what arrives at a target is one product of matrices.
        self._base = self._averaged(self._corrupt.parts).movedim(2, 0).contiguous()
        self._embedding = self._clean.parts[:, :, 0].clone()
        if not alike(self.logits(nodes.allowed), self._clean.logits):
            raise PartsMissing(
                "this model cannot be run edge by edge: along all of its edges it does not come to "
                "its own logits, so that its attention reads more than its q, k and v (a gate)"
            )

    @property
    def clean(self) -> Float[Tensor, "batch pos vocab"]:
        """Logits on the clean prompts."""
        return self._clean.logits

    @property
    def corrupt(self) -> Float[Tensor, "batch pos vocab"]:
        """Logits on the corrupt prompts."""
        return self._corrupt.logits

    def logits(self, kept: Bool[Tensor, "*pos source target"]) -> Float[Tensor, "batch pos vocab"]:
        """Logits of the clean prompts along the edges that are kept."""
        nodes, n_layers = self._nodes, len(self._nodes.heads)
        weights = (kept & nodes.allowed).to(self._device, torch.float32) * self._heard
        # How far each source is from what is read along other edges; the embedding is clean.
        change = torch.zeros_like(self._base)
        change[0] = self._embedding - self._base[0]
        for layer in range(n_layers):
            z, attn_out = self._attention(layer, change, weights)
            heads = nodes.heads_of(layer)
            written = head_writes(self._model, layer, z, attn_out).movedim(2, 0)
            change[heads] = written - self._base[heads]
            if nodes.mlps[layer]:
                at = nodes.source_at[f"{layer}.mlp"]
                change[at] = self._mlp(layer, change, weights) - self._base[at]
        last = self._averaged(self._corrupt.last.float())
        end = last + self._seen(change, weights, nodes.targets_of(n_layers, "logits"))[0]
        edit = capture.patch("resid_post", {n_layers - 1: end.to(self._corrupt.last.dtype)})
        inputs = self._corrupt.inputs
        return capture.resume(self._model, inputs, n_layers - 1, interventions=[edit])

    def _attention(self, layer: int, change: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Z and what attention adds, with q, k and v each from a stream of its own."""
        stream = self._corrupt.inputs.stream(layer)
        base = self._averaged(stream.float())
        edits = []
        for entry in ("q", "k", "v"):
            targets = self._nodes.targets_of(layer, entry)
            heads = []
            for some in _few(targets, stream.numel()):
                seen = (base + self._seen(change, weights, some)).to(stream.dtype)
                read = capture.replay(
                    self._model, self._corrupt.inputs, layer, [entry], seen.flatten(0, 1)
                )[entry]
                read = read.unflatten(0, (some.stop - some.start, -1))
                each = range(some.start - targets.start, some.stop - targets.start)
                heads += [read[at, :, :, head] for at, head in enumerate(each)]
            edits.append(capture.patch(entry, {layer: torch.stack(heads, 2)}))
        found = capture.replay(
            self._model, self._corrupt.inputs, layer, ["z", "attn_out"], interventions=edits
        )
        return found["z"], found["attn_out"]

    def _mlp(self, layer: int, change: Tensor, weights: Tensor) -> Tensor:
        inputs, nodes = self._corrupt.inputs, self._nodes
        base = self._averaged(self._corrupt.before_mlp(nodes, layer))
        seen = base + self._seen(change, weights, nodes.targets_of(layer, "mlp"))[0]
        seen = seen.to(inputs.stream(layer).dtype)
        return mlp_writes(self._model, nodes, inputs, layer, seen)

    def _seen(
        self,
        change: Float[Tensor, "source batch pos d"],
        weights: Float[Tensor, "*pos source target"],
        targets: slice,
    ) -> Float[Tensor, "target batch pos d"]:
        """What arrives along the kept edges at some targets of one stage."""
        before = self._nodes.n_before(self._nodes.targets[targets.start].stage)
        some, seen = weights[..., :before, targets], change[:before]
        if some.ndim == 2:
            return (some.T @ seen.flatten(1)).unflatten(1, seen.shape[1:])
        return torch.einsum("sbpd,pst->tbpd", seen, some)

    def _averaged(self, tensor: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        return tensor.mean(0, keepdim=True).expand_as(tensor) if self._mean else tensor


def mlp_writes(
    model: TransformerBridge,
    nodes: Nodes,
    inputs: capture.BlockInputs,
    layer: int,
    stream: Float[Tensor, "batch pos d_model"],
) -> Float[Tensor, "batch pos d_model"]:
    """What an MLP writes if it alone reads another stream; the batch may be a multiple.

    >>> from transformer_lens.config import TransformerBridgeConfig
    >>> from transformer_lens.model_bridge import TransformerBridge
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> size = {"n_layers": 1, "n_heads": 2, "d_model": 8, "d_head": 4, "d_mlp": 16}
    >>> config = TransformerBridgeConfig(**size, d_vocab=5, n_ctx=4, act_fn="gelu")
    >>> model = TransformerBridge.boot_native(config).eval()
    >>> nodes = nodes_of(model)
    >>> found = node_writes(model, torch.tensor([[0, 3, 1]]), nodes)
    >>> out = mlp_writes(model, nodes, found.inputs, 0, found.before_mlp(nodes, 0))
    >>> bool((out - found.mlp_out[0]).abs().max() < 1e-4)
    True
    """
    if nodes.mlps[layer] == "beside":
        return capture.replay(model, inputs, layer, ["mlp_out"], stream)["mlp_out"].float()
    times = inputs.times(layer, stream)
    rows = inputs.stream(layer).repeat(times, 1, 1)
    edit = capture.patch("resid_mid", {layer: stream})
    found = capture.replay(model, inputs, layer, ["mlp_out"], rows, interventions=[edit])
    return found["mlp_out"].float()


def _few(targets: slice, numbers: int) -> list[slice]:
    """Targets a few at a time, so that their streams fit into memory."""
    step = max(1, _FLIGHT // max(1, numbers))
    ends = range(targets.start, targets.stop, step)
    return [slice(at, min(at + step, targets.stop)) for at in ends]
