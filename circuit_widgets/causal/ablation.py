"""What is lost without a head: its output replaced by the mean over the other prompts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.metrics import Metric, losses
from circuit_widgets.causal.paths import path_patch, receiver_z
from circuit_widgets.heads import Head
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.repeats import Layout

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
            logits = capture.run(model, tokens, [inputs, keep])
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
            edit = capture.patch("z", z, heads=sorted(heads))
            logits = capture.resume(self.model, inputs, first, interventions=[edit])
            found.append(losses(logits, tokens, self.layout)[1])
        return torch.cat(found) - self.clean

    def path_effect(self, sender: Head, receiver: Head) -> Float[Tensor, " sample"]:
        """How much prefix matching of the receiver falls if it hears the sender's mean as key."""
        back, first = self.layout.diagonal("prefix_matching")
        found = []
        for inputs, z in zip(self.inputs, self.others_z, strict=True):
            said = z[sender.layer][:, :, sender.index]
            heard = receiver_z(self.model, inputs, sender, said, receiver, ("k",), site="pattern")
            kept = capture.replay_pattern(self.model, inputs, receiver.layer)
            band = [
                torch.diagonal(pattern[:, receiver.index].float(), -back, -2, -1)
                for pattern in (kept, heard)
            ]
            found.append((band[0] - band[1])[:, first - back :].mean(1).cpu())
        return torch.cat(found)


class Runs:
    """The prompts' runs, kept so that a change costs only the layers after it.

    A head is ablated by the mean of its z over the *other* prompts: at each position if all prompts
    have one length, else over all their positions. Of its own z a part of what it says would stay.
    One prompt alone has only the mean over its own positions.
    """

    def __init__(
        self,
        model: TransformerBridge,
        prompts: Prompts,
        metric: Metric,
        layers: Collection[int],
        batch: int,
    ) -> None:
        self.model, self.metric = model, metric
        self.batches: list[Int[Tensor, "batch pos"]] = []
        self.inputs: list[capture.BlockInputs] = []
        self.z: list[dict[int, Float[Tensor, "batch pos head d_head"]]] = []
        self._slopes: list[dict[int, Tensor]] = []
        clean = []
        for _, tokens in prompts.batches(batch):
            inputs = capture.BlockInputs()
            logits = capture.run(model, tokens, [inputs])
            clean.append(metric(logits, tokens).float().cpu())
            del logits
            got = capture.gradients(
                model,
                tokens,
                [("z", frozenset(layers))],
                lambda logits, ids=tokens: metric(logits, ids),
            )
            self.batches.append(tokens)
            self.inputs.append(inputs)
            self.z.append({layer: got.values["z", layer] for layer in layers})
            self._slopes.append({layer: got.slopes["z", layer] for layer in layers})
        self.clean: Float[Tensor, " prompt"] = torch.cat(clean)
        # Below this an effect is rounding.
        scale = max(1.0, float(self.clean.abs().max()))
        self.rounding = 16 * torch.finfo(model.cfg.dtype).eps * scale
        self.means = _means_of_others(self.z)

    def effect(self, *heads: Head) -> Float[Tensor, " prompt"]:
        """How much the metric falls without these heads."""
        first = min(head.layer for head in heads)
        found = []
        for tokens, inputs, means in zip(self.batches, self.inputs, self.means, strict=True):
            edit = capture.patch("z", means, heads=sorted(heads))
            logits = capture.resume(self.model, inputs, first, interventions=[edit])
            found.append(self.metric(logits, tokens).float().cpu())
        return self.clean - torch.cat(found)

    def path_effect(self, sender: Head, receiver: Head) -> Float[Tensor, " prompt"]:
        """How much the metric falls if the receiver, and nobody else, hears the sender's mean."""
        found = []
        for tokens, inputs, means in zip(self.batches, self.inputs, self.means, strict=True):
            said = means[sender.layer][:, :, sender.index]
            logits = path_patch(self.model, inputs, sender, said, receiver)
            found.append(self.metric(logits, tokens).float().cpu())
        return self.clean - torch.cat(found)

    def contribution(self, head: Head) -> Float[Tensor, " prompt"]:
        """The effect of one head to first order, (z - mean) · d metric / d z.

        Where a second head is ready to take over, the effect is small and this is not.
        """
        found = []
        for z, means, slopes in zip(self.z, self.means, self._slopes, strict=True):
            change = (z[head.layer].float() - means[head.layer].float())[:, :, head.index]
            slope = slopes[head.layer].float()[:, :, head.index]
            found.append((change * slope).sum((1, 2)).cpu())
        return torch.cat(found)


def _means_of_others(
    runs: Sequence[dict[int, Float[Tensor, "batch pos head d_head"]]],
) -> list[dict[int, Float[Tensor, "batch pos head d_head"]]]:
    means: list[dict[int, Tensor]] = [{} for _ in runs]
    for layer in runs[0]:
        of = [run[layer] for run in runs]
        n = sum(map(len, of))
        aligned = n > 1 and len({z.shape[1] for z in of}) == 1
        # [pos or 1, head, d_head]: sums over prompts, or over their positions too.
        sums = [z.float() if aligned else z.float().sum(1, keepdim=True) for z in of]
        total = torch.stack([each.sum(0) for each in sums]).sum(0)
        tokens = sum(z.shape[0] * z.shape[1] for z in of)
        for at, (z, own) in enumerate(zip(of, sums, strict=True)):
            if n == 1:
                mean = own / z.shape[1]
            elif aligned:
                mean = (total - own) / (n - 1)
            else:
                mean = (total - own) / (tokens - z.shape[1])
            means[at][layer] = mean.to(z.dtype).expand_as(z)
    return means
