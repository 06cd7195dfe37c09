"""One run of a model: what every head and MLP of it did; or what each does of another's inputs."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.writes import head_writes
from circuit_widgets.weights.writing import PartsMissing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_ALWAYS = ("pattern", "z", "q", "k", "v", "attn_out")


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """A run of some prompts of one length.

    Attributes:
        model: Whose.
        nodes: Its graph.
        inputs: What each layer was given.
        sites: By the site's name and layer.
        logits: After the last token of each prompt.
    """

    model: TransformerBridge
    nodes: Nodes
    inputs: capture.BlockInputs
    sites: dict[str, dict[int, Tensor]]
    logits: Float[Tensor, "batch vocab"]

    @property
    def n_layers(self) -> int:
        """How many layers it has."""
        return len(self.nodes.heads)

    @functools.cached_property
    def writes(self) -> dict[int, Float[Tensor, "batch pos head d"]]:
        """What each head of each layer writes; z where it has no part of its own in the stream."""
        found = {}
        for layer in range(self.n_layers):
            z = self.sites["z"][layer]
            try:
                found[layer] = head_writes(self.model, layer, z, self.sites["attn_out"][layer])
            except PartsMissing:
                found[layer] = z.float()
        return found


def see(
    model: TransformerBridge,
    nodes: Nodes,
    tokens: Int[Tensor, "batch pos"],
    given: Seen | None = None,
) -> Seen:
    """Run some prompts once, and keep what is asked about later.

    Args:
        model: Which.
        nodes: Its graph (`causal.nodes.parts_of`).
        tokens: Ids.
        given: Each layer, and each MLP, is given what it is given in this run of another model,
            whatever the layers before it do: what one does is its own doing.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.nodes import parts_of
    >>> model = load_model()
    >>> nodes = parts_of(model)
    >>> seen = see(model, nodes, model.to_tokens("blue dog blue"))
    >>> again = see(model, nodes, model.to_tokens("blue dog blue"), given=seen)
    >>> bool((again.writes[1] == seen.writes[1]).all())
    True
    """
    last = len(nodes.heads) - 1
    with_mlp = {at for at, kind in enumerate(nodes.mlps) if kind}
    after = {at for at, kind in enumerate(nodes.mlps) if kind == "after"}
    inputs = capture.BlockInputs()
    keeps = {site: capture.Keep(site) for site in _ALWAYS}
    keeps["resid_post"] = capture.Keep("resid_post", {last})
    if with_mlp:
        keeps["mlp_out"] = capture.Keep("mlp_out", with_mlp)
    if after:
        keeps["resid_mid"] = capture.Keep("resid_mid", after)
    edits = []
    if given is not None:
        streams = {at: given.inputs.stream(at).to(model.cfg.device) for at in range(last + 1)}
        edits.append(capture.patch("resid_pre", streams))
        if after:
            middles = {at: given.sites["resid_mid"][at] for at in after}
            edits.append(capture.patch("resid_mid", middles))
    logits = capture.run(model, tokens, [inputs, *keeps.values()], edits)
    sites = {site: keep.tensors for site, keep in keeps.items()}
    return Seen(model, nodes, inputs, sites, logits[:, -1].detach().clone())


def batch_of(ids: tuple[tuple[int, ...], ...], device: object) -> Int[Tensor, "batch pos"]:
    """Prompts of one length as one tensor."""
    return torch.tensor(ids, device=str(device))
