"""What heads are worth to the second copy: its loss without them, beside random heads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis._job import check_stop
from circuit_widgets.analysis._repeats import Layout, losses
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class SecondCopy:
    """Runs of repeating sequences, kept so that a change costs only the layers after it.

    A head is ablated by its mean z at each position over the *other* sequences: on random tokens
    that takes away what it says about this sequence and nothing else. With its own z in the mean, a
    part of what it says would stay, and of few sequences that is enough for a sharp attention.
    """

    def __init__(
        self, model: TransformerBridge, batches: Sequence[Int[Tensor, "batch pos"]], layout: Layout
    ) -> None:
        self.model, self.layout, self.batches = model, layout, batches
        self.inputs: list[capture.BlockInputs] = []
        clean, z = [], []
        for tokens in batches:
            inputs, keep = capture.BlockInputs(), capture.Keep("z")
            logits = capture.run(model, tokens, [inputs, keep], on_layer=check_stop)
            self.inputs.append(inputs)
            z.append(keep.tensors)
            clean.append(losses(logits, tokens, layout)[1])
        self.clean: Float[Tensor, " sample"] = torch.cat(clean)
        n = len(self.clean)
        totals = {
            layer: torch.stack([of[layer].float().sum(0) for of in z]).sum(0)
            for layer in range(model.cfg.n_layers)
        }
        # Of each batch, by layer.
        self.others_z: list[dict[int, Float[Tensor, "batch pos head d_head"]]] = [
            {
                layer: ((totals[layer] - tensor.float()) / (n - 1)).to(tensor.dtype)
                for layer, tensor in of.items()
            }
            for of in z
        ]

    def effect(self, heads: Collection[Head]) -> Float[Tensor, " sample"]:
        """How much the loss on the second copy rises without these heads, in nats."""
        first = min(head.layer for head in heads)
        found = []
        for tokens, inputs, z in zip(self.batches, self.inputs, self.others_z, strict=True):
            check_stop()
            edit = capture.patch("z", z, heads=sorted(heads))
            logits = capture.resume(self.model, inputs, first, interventions=[edit])
            found.append(losses(logits, tokens, self.layout)[1])
        return torch.cat(found) - self.clean

    def path_effect(self, sender: Head, receiver: Head) -> Float[Tensor, " sample"]:
        """How much prefix matching of the receiver falls if it hears the sender's mean as key."""
        back, first = self.layout.diagonal("prefix_matching")
        found = []
        for inputs, z in zip(self.inputs, self.others_z, strict=True):
            check_stop()
            said = z[sender.layer][:, :, sender.index]
            heard = capture.receiver_z(
                self.model, inputs, sender, said, receiver, ("k",), site="pattern"
            )
            kept = capture.replay_pattern(self.model, inputs, receiver.layer)
            band = [
                torch.diagonal(pattern[:, receiver.index].float(), -back, -2, -1)
                for pattern in (kept, heard)
            ]
            found.append((band[0] - band[1])[:, first - back :].mean(1).cpu())
        return torch.cat(found)


def others(
    shape: tuple[int, int], taken: Collection[Head], n: int, seed: int, before: int | None = None
) -> list[Head]:
    """Up to `n` random heads that are not `taken`, of the layers before `before`."""
    layers = shape[0] if before is None else before
    free = [Head(layer, head) for layer in range(layers) for head in range(shape[1])]
    free = [head for head in free if head not in set(taken)]
    order = torch.randperm(len(free), generator=torch.Generator().manual_seed(seed)).tolist()
    return [free[at] for at in order[:n]]
