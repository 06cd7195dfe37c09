"""What is lost without a head, or without what one head tells another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.causal.paths import path_patch, receiver_z
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# By layer.
LayerZ = dict[int, Float[Tensor, "batch pos head d_head"]]


class Ablation:
    """Some prompts' runs, kept so that an ablation costs only the layers after it.

    A head is ablated by the mean of its z over the *other* prompts: at each position if all prompts
    have one length, else over all their positions. With its own z in the mean a part of what it
    says about this prompt would stay, and of few prompts that is enough for a sharp attention. One
    prompt alone has only the mean over its own positions.

    Args:
        model: A TransformerBridge.
        batches: Ids [batch, pos]; the prompts of a batch have one length.
        metric: What an effect is an effect on.
        layers: Of the heads in question; None is all.

    Attributes:
        clean: The metric of each prompt as the model is.
        rounding: An effect below it is rounding.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.causal.metrics import next_token_logp
    >>> from circuit_widgets.prompts import Prompts
    >>> model = load_model()
    >>> texts = Prompts(model, ["blue dog blue dog", "cat river cat river"])
    >>> ablation = Ablation(model, [ids for _, ids in texts.batches(8)], next_token_logp)
    >>> ablation.effect([Head(0, 1)]).shape
    torch.Size([2])
    """

    def __init__(
        self,
        model: TransformerBridge,
        batches: Iterable[Int[Tensor, "batch pos"]],
        metric: Metric,
        layers: Collection[int] | None = None,
    ) -> None:
        self._model, self._metric = model, metric
        self._layers = sorted(range(model.cfg.n_layers) if layers is None else layers)
        self._batches = list(batches)
        self._inputs: list[capture.BlockInputs] = []
        self._z: list[LayerZ] = []
        self._slopes: list[LayerZ] | None = None
        clean = []
        for tokens in self._batches:
            inputs, keep = capture.BlockInputs(), capture.Keep("z", frozenset(self._layers))
            clean.append(self._measured(capture.run(model, tokens, [inputs, keep]), tokens))
            self._inputs.append(inputs)
            self._z.append(keep.tensors)
        self.clean: Float[Tensor, " prompt"] = torch.cat(clean)
        largest = max(1.0, float(self.clean.abs().max()))
        self.rounding = 16 * torch.finfo(model.cfg.dtype).eps * largest
        self._means = means_of_others(self._z)

    def effect(self, heads: Collection[Head]) -> Float[Tensor, " prompt"]:
        """How much the metric falls without these heads."""
        first = min(head.layer for head in heads)
        ablated = []
        for tokens, inputs, means in zip(self._batches, self._inputs, self._means, strict=True):
            edit = capture.ablate(heads, by=means)
            logits = capture.resume(self._model, inputs, first, interventions=[edit])
            ablated.append(self._measured(logits, tokens))
        return self.clean - torch.cat(ablated)

    def path_effect(self, sender: Head, receiver: Head) -> Float[Tensor, " prompt"]:
        """How much the metric falls if only the receiver's input from the sender is its mean."""
        patched = []
        for tokens, inputs, means in zip(self._batches, self._inputs, self._means, strict=True):
            mean = means[sender.layer][:, :, sender.index]
            logits = path_patch(self._model, inputs, sender, mean, receiver)
            patched.append(self._measured(logits, tokens))
        return self.clean - torch.cat(patched)

    def attention_lost(
        self, sender: Head, receiver: Head, through: Collection[str]
    ) -> Iterator[Float[Tensor, "batch query key"]]:
        """How much the receiver's attention falls with the sender's mean as input, batch by batch.

        through: which of its "q", "k" and "v" get that input.
        """
        for inputs, means in zip(self._inputs, self._means, strict=True):
            mean = means[sender.layer][:, :, sender.index]
            heard = receiver_z(self._model, inputs, sender, mean, receiver, through, site="pattern")
            clean = capture.replay_pattern(self._model, inputs, receiver.layer)
            yield clean[:, receiver.index].float() - heard[:, receiver.index].float()

    def contribution(self, head: Head) -> Float[Tensor, " prompt"]:
        """The effect of a head to first order, (z - mean) · d metric / d z.

        Where a second head is ready to take over, the effect is small and this is not.
        """
        if self._slopes is None:
            self._slopes = [self._slopes_of(tokens) for tokens in self._batches]
        parts = []
        for z, means, slopes in zip(self._z, self._means, self._slopes, strict=True):
            away = (z[head.layer].float() - means[head.layer].float())[:, :, head.index]
            slope = slopes[head.layer].float()[:, :, head.index]
            parts.append((away * slope).sum((1, 2)).cpu())
        return torch.cat(parts)

    def _measured(self, logits: Tensor, tokens: Tensor) -> Float[Tensor, " batch"]:
        return self._metric(logits, tokens).float().cpu()

    def _slopes_of(self, tokens: Int[Tensor, "batch pos"]) -> LayerZ:
        got = capture.gradients(
            self._model, tokens, [("z", self._layers)], lambda logits: self._metric(logits, tokens)
        )
        return {layer: got.slopes["z", layer] for layer in self._layers}


def means_of_others(batches: Sequence[LayerZ]) -> list[LayerZ]:
    """Of each prompt the mean z over the other prompts; `Ablation` says over which positions.

    >>> z = {0: torch.tensor([1.0, 2.0, 6.0]).view(3, 1, 1, 1)}
    >>> means_of_others([z])[0][0].flatten()
    tensor([4.0000, 3.5000, 1.5000])
    """
    means: list[LayerZ] = [{} for _ in batches]
    for layer in batches[0]:
        each = [z[layer] for z in batches]
        n = sum(map(len, each))
        n_positions = sum(z.shape[0] * z.shape[1] for z in each)
        aligned = n > 1 and len({z.shape[1] for z in each}) == 1
        # [prompt, pos or 1, head, d_head]: each prompt's share in the total.
        own = [z.float() if aligned else z.float().sum(1, keepdim=True) for z in each]
        total = torch.stack([part.sum(0) for part in own]).sum(0)
        for at, z in enumerate(each):
            if n == 1:
                mean = own[at] / z.shape[1]
            elif aligned:
                mean = (total - own[at]) / (n - 1)
            else:
                mean = (total - own[at]) / (n_positions - z.shape[1])
            means[at][layer] = mean.to(z.dtype).expand_as(z)
    return means
