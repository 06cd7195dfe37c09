"""What every node of a model writes to the residual stream in one run."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.close import alike
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.weights.writing import PartsMissing, writing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True, eq=False)
class Writes:
    """One run, as the sum that it is.

    Attributes:
        inputs: What each layer was given.
        parts: What each source writes, biases shared among the heads of a layer. In float32.
        z: Of each layer.
        mlp_out: Of each layer that has an MLP.
        last: The stream after the last layer.
        logits: What came out.
    """

    inputs: capture.BlockInputs
    parts: Float[Tensor, "batch pos source d_model"]
    z: dict[int, Float[Tensor, "batch pos head d_head"]]
    mlp_out: dict[int, Float[Tensor, "batch pos d_model"]]
    last: Float[Tensor, "batch pos d_model"]
    logits: Float[Tensor, "batch pos vocab"]

    def before_mlp(self, nodes: Nodes, layer: int) -> Float[Tensor, "batch pos d_model"]:
        """The stream that a layer's MLP reads."""
        stream = self.inputs.stream(layer).float()
        if nodes.mlps[layer] == "beside":
            return stream
        return stream + self.parts[:, :, nodes.heads_of(layer)].sum(2)


def node_writes(model: TransformerBridge, tokens: Int[Tensor, "batch pos"], nodes: Nodes) -> Writes:
    """Run the model once and take apart what it adds up.

    Raises:
        PartsMissing: The heads of a layer do not add up to what its attention writes, or a layer
            writes more than its attention and its MLP do.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = load_model()
    >>> found = node_writes(model, model.to_tokens("blue dog blue"), nodes_of(model))
    >>> bool((found.parts.sum(2) - found.last).abs().max() < 1e-4)
    True
    """
    n_layers = len(nodes.heads)
    inputs, z, attention = capture.BlockInputs(), capture.Keep("z"), capture.Keep("attn_out")
    with_mlp = {layer for layer in range(n_layers) if nodes.mlps[layer]}
    readers = [inputs, z, attention, last := capture.Keep("resid_post", {n_layers - 1})]
    mlp = capture.Keep("mlp_out", with_mlp)
    logits = capture.run(model, tokens, [*readers, *([mlp] if with_mlp else [])])
    parts = [inputs.stream(0).float()[:, :, None]]
    for layer in range(n_layers):
        parts.append(head_writes(model, layer, z.tensors[layer], attention.tensors[layer]))
        if layer in with_mlp:
            parts.append(mlp.tensors[layer].float()[:, :, None])
    whole, end = torch.cat(parts, 2), last.tensors[n_layers - 1]
    if not alike(whole.sum(2).to(end.dtype), end):
        raise PartsMissing(
            "the residual stream of this model is not the sum of what its embedding, its heads and "
            "its MLPs write: its layers add something else, or scale what they add"
        )
    return Writes(inputs, whole, z.tensors, mlp.tensors, end, logits)


def head_writes(
    model: TransformerBridge,
    layer: int,
    z: Float[Tensor, "batch pos head d_head"],
    attn_out: Float[Tensor, "batch pos d_model"],
) -> Float[Tensor, "batch pos head d_model"]:
    """What each head of a layer writes, with an equal share of the biases, which no head owns.

    Raises:
        PartsMissing: As `writing`.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> z, out = capture.Keep("z", {0}), capture.Keep("attn_out", {0})
    >>> _ = capture.run(model, model.to_tokens("blue dog"), [z, out], logits=False)
    >>> head_writes(model, 0, z.tensors[0], out.tensors[0]).shape
    torch.Size([1, 3, 4, 48])
    """
    found = writing(model, layer, z, attn_out)
    each = found.of_all(z)
    return each + found.constant.unsqueeze(-2) / each.shape[-2]
