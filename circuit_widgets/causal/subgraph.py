"""Run a part of a model: along edges outside of it, readers see the corrupt prompt's writes.

Everything is computed as the model computes it, layer by layer: each head's q, k and v from a
stream of its own, then what the layer's heads write, then the MLP. So nodes inside the part have
the values that they get there, and not the clean prompt's (as Conmy et al. 2023; Hanna et al.
2024).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        # Sources come before the batch, so that what arrives at targets is a product of matrices.
        self._base = self._averaged(self._corrupt.parts).permute(1, 2, 0, 3).contiguous()
        self._embedding = self._clean.parts[:, :, 0].transpose(0, 1).clone()
        # What a layer's heads, and its MLP, do where nothing new reaches them; by resampling it
        # is what they did on the corrupt prompt.
        self._idle: dict[tuple[int, str], Tensor] = {}
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

    @property
    def at_once(self) -> int:
        """Along how many sets of edges it runs together, by the memory that they take."""
        vocab = self._clean.logits.numel()
        return max(1, _FLIGHT // max(self._base.numel(), vocab))

    def logits(self, kept: Bool[Tensor, "*pos source target"]) -> Float[Tensor, "batch pos vocab"]:
        """Logits of the clean prompts along the edges that are kept, at all positions or at each.

        It takes as long as there are readers that something is kept for.
        """
        return self.several(kept[None])[0]

    def several(
        self,
        kept: Bool[Tensor, "circuit *pos source target"],
        places: Int[Tensor, "batch place"] | None = None,
    ) -> Float[Tensor, "circuit batch place vocab"]:
        """The same along each of several sets of edges, all in one run.

        places: whose logits are wanted; None: of all positions.
        """
        nodes = self._nodes
        weights = (kept & nodes.allowed).to(self._device, torch.float32) * self._heard
        if weights.ndim == 3:
            weights = weights[:, None]
        end = self._end(self._run(weights), weights).flatten(0, 2)
        n_layers = len(nodes.heads)
        edit = capture.patch("resid_post", {n_layers - 1: end.to(self._corrupt.last.dtype)})
        branch = capture.Branch(n_layers - 1, len(kept), [edit])
        logits = capture.branch(self._model, self._corrupt.inputs, [branch], places)
        return logits.unflatten(0, (len(kept), -1))

    def _run(
        self, weights: Float[Tensor, "circuit *pos source target"]
    ) -> Float[Tensor, "circuit pos source batch d"]:
        """How far each source is from what is read along other edges; the embedding is clean."""
        nodes = self._nodes
        change = self._base.new_zeros(len(weights), *self._base.shape)
        change[:, :, 0] = self._embedding - self._base[:, 0]
        for layer in range(len(nodes.heads)):
            heads = nodes.heads_of(layer)
            written = self._attention(layer, change, weights)
            change[:, :, heads] = written - self._base[:, heads]
            if nodes.mlps[layer]:
                at = nodes.source_at[f"{layer}.mlp"]
                change[:, :, at] = self._mlp(layer, change, weights) - self._base[:, at]
        return change

    def _end(self, change: Tensor, weights: Tensor) -> Float[Tensor, "target circuit batch pos d"]:
        """The stream that the output reads."""
        output = self._nodes.targets_of(len(self._nodes.heads), "logits").start
        return self._averaged(self._corrupt.last.float()) + self._seen(change, weights, [output])

    def _attention(
        self, layer: int, change: Tensor, weights: Tensor
    ) -> Float[Tensor, "circuit pos head batch d"]:
        """What a layer's heads write, with q, k and v each from a stream of its own."""
        base = self._averaged(self._corrupt.inputs.stream(layer).float())
        edits = []
        for entry in ("q", "k", "v"):
            edits += self._read(layer, entry, base, change, weights)
        heads = self._nodes.heads_of(layer)
        if not edits and not self._mean:
            return self._base[:, heads].expand(len(change), -1, -1, -1, -1)
        key = layer, "heads"
        if edits:
            return self._written(layer, base, len(change), edits)
        if key not in self._idle:
            self._idle[key] = self._written(layer, base, 1, [])[0]
        return self._idle[key].expand(len(change), -1, -1, -1, -1)

    def _read(
        self, layer: int, entry: str, base: Tensor, change: Tensor, weights: Tensor
    ) -> list[capture.Intervention]:
        """A layer's q, k or v, where something new is read by it; the others read what they did."""
        busy = busy_of(weights, self._nodes.targets_of(layer, entry))
        if not busy:
            return []
        values = self._as_ever(layer, entry, base).repeat(len(change), 1, 1, 1)
        for some in few(busy, len(change) * base.numel()):
            self._fill(values, layer, entry, some, base + self._seen(change, weights, some))
        return [capture.patch(entry, {layer: values})]

    def _as_ever(self, layer: int, entry: str, base: Tensor) -> Float[Tensor, "batch pos head d"]:
        """A layer's q, k or v if nothing new is read."""
        inputs, key = self._corrupt.inputs, (layer, entry)
        if key not in self._idle:
            stream = base.to(inputs.stream(layer).dtype)
            self._idle[key] = capture.replay(self._model, inputs, layer, [entry], stream)[entry]
        return self._idle[key]

    def _fill(
        self,
        values: Float[Tensor, "row pos head d"],
        layer: int,
        entry: str,
        some: Sequence[int],
        seen: Float[Tensor, "target circuit batch pos d"],
    ) -> None:
        """Put in what some targets make of what they see."""
        first, slopes = self._nodes.targets_of(layer, entry).start, seen.requires_grad
        rows = seen.to(self._corrupt.inputs.stream(layer).dtype).flatten(0, 2)
        inputs = self._corrupt.inputs
        read = capture.replay(self._model, inputs, layer, [entry], rows, slopes=slopes)[entry]
        each = [at - first for at in some]
        read = read.unflatten(0, (len(some), -1))
        values[:, :, each] = read[range(len(some)), :, :, each].movedim(0, 2)

    def _written(
        self,
        layer: int,
        base: Float[Tensor, "batch pos d"],
        times: int,
        edits: Sequence[capture.Intervention],
        slopes: bool = False,
    ) -> Float[Tensor, "circuit pos head batch d"]:
        """What a layer's heads write with q, k and v that are edited."""
        inputs = self._corrupt.inputs
        rows = base.to(inputs.stream(layer).dtype).repeat(times, 1, 1)
        sites = ["z", "attn_out"]
        found = capture.replay(self._model, inputs, layer, sites, rows, edits, slopes)
        written = head_writes(self._model, layer, found["z"], found["attn_out"])
        return written.unflatten(0, (times, -1)).permute(0, 2, 3, 1, 4)

    def _mlp(
        self, layer: int, change: Tensor, weights: Tensor
    ) -> Float[Tensor, "circuit pos batch d"]:
        inputs, nodes = self._corrupt.inputs, self._nodes
        at, key = nodes.source_at[f"{layer}.mlp"], (layer, "mlp")
        base = self._averaged(self._corrupt.before_mlp(nodes, layer))
        dtype = inputs.stream(layer).dtype
        busy = busy_of(weights, nodes.targets_of(layer, "mlp"))
        if not busy and not self._mean:
            return self._base[:, at].expand(len(change), -1, -1, -1)
        if busy:
            seen = (base + self._seen(change, weights, busy)).to(dtype).flatten(0, 2)
            out = mlp_writes(self._model, nodes, inputs, layer, seen)
            return out.unflatten(0, (len(change), -1)).transpose(1, 2)
        if key not in self._idle:
            out = mlp_writes(self._model, nodes, inputs, layer, base.to(dtype))
            self._idle[key] = out.transpose(0, 1)
        return self._idle[key].expand(len(change), -1, -1, -1)

    def _seen(
        self,
        change: Float[Tensor, "circuit pos source batch d"],
        weights: Float[Tensor, "circuit *pos source target"],
        targets: Sequence[int],
    ) -> Float[Tensor, "target circuit batch pos d"]:
        """What arrives along the kept edges at some targets of one stage."""
        before = self._nodes.n_before(self._nodes.targets[targets[0]].stage)
        some = weights[:, :, :before, list(targets)].transpose(2, 3)
        seen = some @ change[:, :, :before].flatten(3)
        return seen.unflatten(3, change.shape[3:]).permute(2, 0, 3, 1, 4)

    def _averaged(self, tensor: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch ..."]:
        return tensor.mean(0, keepdim=True).expand_as(tensor) if self._mean else tensor


def mlp_writes(
    model: TransformerBridge,
    nodes: Nodes,
    inputs: capture.BlockInputs,
    layer: int,
    stream: Float[Tensor, "batch pos d_model"],
    slopes: bool = False,
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
        found = capture.replay(model, inputs, layer, ["mlp_out"], stream, slopes=slopes)
        return found["mlp_out"].float()
    times = inputs.times(layer, stream)
    rows = inputs.stream(layer).repeat(times, 1, 1)
    edit = capture.patch("resid_mid", {layer: stream})
    found = capture.replay(model, inputs, layer, ["mlp_out"], rows, [edit], slopes)
    return found["mlp_out"].float()


def busy_of(
    weights: Float[Tensor, "circuit *pos source target"],
    targets: slice,
) -> list[int]:
    """Those of some targets that anything is kept for."""
    some = weights[..., targets].abs().flatten(0, 2).amax(0)
    return [targets.start + at for at in some.nonzero().flatten().tolist()]


def few(targets: Sequence[int], numbers: int) -> Iterator[Sequence[int]]:
    """Targets a few at a time, of so many numbers each, so that their streams fit into memory."""
    step = max(1, _FLIGHT // max(1, numbers))
    for start in range(0, len(targets), step):
        yield targets[start : start + step]
