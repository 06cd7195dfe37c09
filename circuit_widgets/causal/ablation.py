"""What is lost without a head, or without what one head tells another."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.cuts import cut_readers, heard
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.causal.paths import ENTRIES, path_patch, receiver_z, write_change
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Changes of the stream that are kept of each batch: a path is patched from few senders.
_KEPT = 16
# By layer.
LayerZ = dict[int, Float[Tensor, "batch pos head d_head"]]


class Ablation:
    """Some prompts' runs, kept so that an ablation costs only the layers after it.

    A head is ablated by the mean of its z over the *other* prompts: at each position if all prompts
    have one length, else over all their positions. With its own z in the mean a part of what it
    says about this prompt would stay, and of few prompts that is enough for a sharp attention. One
    prompt alone has only the mean over its own positions. Or by z of another prompt of the same
    length ("resample"), or by "zero".

    Args:
        model: A TransformerBridge.
        batches: Ids [batch, pos]; the prompts of a batch have one length.
        metric: What an effect is an effect on; or a list with one for each batch.
        layers: Of the heads in question; None is all.
        by: "mean", "resample" or "zero".
        positions: Only z at these is replaced in `effect`; None is all.
        without: Heads whose z is 0 in all runs: effects are then those of one more.

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
        metric: Metric | Sequence[Metric],
        layers: Collection[int] | None = None,
        *,
        by: str = "mean",
        positions: Sequence[int] | None = None,
        without: Collection[Head] = (),
    ) -> None:
        self._model, self._positions = model, positions
        self._gone = [capture.ablate(sorted(without), by="zero")] if without else []
        self._layers = sorted(range(model.cfg.n_layers) if layers is None else layers)
        self._batches = list(batches)
        self._metrics = [*metric] if isinstance(metric, Sequence) else [metric] * len(self._batches)
        self._inputs: list[capture.BlockInputs] = []
        self._z: list[LayerZ] = []
        self._slopes: list[LayerZ] | None = None
        self._changes: dict[tuple[int, Head], Tensor] = {}
        self._patterns: dict[int, tuple[int, Tensor]] = {}
        self._contributions: dict[int, Tensor] = {}
        clean = []
        for at, tokens in enumerate(self._batches):
            inputs, keep = capture.BlockInputs(), capture.Keep("z", frozenset(self._layers))
            logits = capture.run(model, tokens, [inputs, keep], self._gone)
            clean.append(self._measured(logits, at))
            self._inputs.append(inputs)
            self._z.append(keep.tensors)
        self.clean: Float[Tensor, " prompt"] = torch.cat(clean)
        largest = max(1.0, float(self.clean.abs().max()))
        self.rounding = 16 * torch.finfo(model.cfg.dtype).eps * largest
        self._means = _PUT[by](self._z)

    def effect(self, heads: Collection[Head]) -> Float[Tensor, " prompt"]:
        """How much the metric falls without these heads."""
        first = min(head.layer for head in heads)
        ablated = []
        for at, (inputs, means) in enumerate(zip(self._inputs, self._means, strict=True)):
            edit = capture.patch("z", means, heads=heads, positions=self._positions)
            logits = capture.resume(self._model, inputs, first, interventions=[edit])
            ablated.append(self._measured(logits, at))
        return self.clean - torch.cat(ablated)

    def path_effect(self, sender: Head, receiver: Head) -> Float[Tensor, " prompt"]:
        """How much the metric falls if only the receiver's input from the sender is its mean."""
        patched = []
        for at, (inputs, means) in enumerate(zip(self._inputs, self._means, strict=True)):
            mean = means[sender.layer][:, :, sender.index]
            change = self._change(at, sender)
            logits = path_patch(self._model, inputs, sender, mean, receiver, change=change)
            patched.append(self._measured(logits, at))
        return self.clean - torch.cat(patched)

    def path_estimates(self, sender: Head) -> dict[int, Float[Tensor, "prompt head"]]:
        """The path effect on every head of every later layer, to first order.

        Each head's z is what it is with the sender's mean as input; what the change of z does to
        the metric is estimated by the slope there. One pass of each later layer's attention for all
        its heads, where `path_effect` takes the rest of the model for one head.
        """
        found: dict[int, list[Tensor]] = {}
        for at, inputs in enumerate(self._inputs):
            change = self._change(at, sender)
            for layer in (layer for layer in self._layers if layer > sender.layer):
                stream = inputs.stream(layer) + change
                after = capture.replay(self._model, inputs, layer, ["z"], stream=stream)["z"]
                after = self._without_cuts(at, sender, layer, after)
                lost = self._z[at][layer].float() - after.float()
                slope = self._slope(at)[layer].float()
                found.setdefault(layer, []).append((lost * slope).sum((1, 3)).cpu())
        return {layer: torch.cat(parts) for layer, parts in found.items()}

    def _without_cuts(self, at: int, sender: Head, layer: int, z: Tensor) -> Tensor:
        """Heads that do not hear the sender in full, by one replay for each of them."""
        mean = self._means[at][sender.layer][:, :, sender.index]
        for index in range(z.shape[2]) if cut_readers(self._model, str(sender)) else ():
            receiver = Head(layer, index)
            if all(heard(self._model, str(sender), str(receiver), each) == 1 for each in ENTRIES):
                continue
            z = z.clone()
            change = self._change(at, sender)
            z[:, :, index] = receiver_z(
                self._model, self._inputs[at], sender, mean, receiver, change=change
            )[:, :, index]
        return z

    def attention_lost(
        self, sender: Head, receiver: Head, through: Collection[str]
    ) -> Iterator[Float[Tensor, "batch query key"]]:
        """How much the receiver's attention falls with the sender's mean as input, batch by batch.

        through: which of its "q", "k" and "v" get that input.
        """
        for at, (inputs, means) in enumerate(zip(self._inputs, self._means, strict=True)):
            mean, change = means[sender.layer][:, :, sender.index], self._change(at, sender)
            heard = receiver_z(
                self._model, inputs, sender, mean, receiver, through, "pattern", change=change
            )
            clean = self._pattern(at, receiver.layer)
            yield clean[:, receiver.index].float() - heard[:, receiver.index].float()

    def contribution(self, head: Head) -> Float[Tensor, " prompt"]:
        """The effect of a head to first order, (z - mean) · d metric / d z.

        Where a second head is ready to take over, the effect is small and this is not.
        """
        return self.contributions(head.layer)[:, head.index]

    def contributions(self, layer: int) -> Float[Tensor, "prompt head"]:
        """`contribution` of each head of a layer."""
        if layer not in self._contributions:
            parts = []
            for at, (z, means) in enumerate(zip(self._z, self._means, strict=True)):
                away = z[layer].float() - means[layer].float()
                parts.append((away * self._slope(at)[layer].float()).sum((1, 3)).cpu())
            self._contributions[layer] = torch.cat(parts)
        return self._contributions[layer]

    def _change(self, at: int, sender: Head) -> Float[Tensor, "batch pos d_model"]:
        """How the stream of a batch changes with the sender's mean; the last few are kept."""
        if (at, sender) not in self._changes:
            if len(self._changes) >= _KEPT * len(self._batches):
                self._changes.pop(next(iter(self._changes)))
            mean = self._means[at][sender.layer][:, :, sender.index]
            change = write_change(self._model, self._inputs[at], sender, mean)
            self._changes[at, sender] = change
        return self._changes[at, sender]

    def _pattern(self, at: int, layer: int) -> Float[Tensor, "batch head query key"]:
        """Of a batch as it is; that of one layer is kept."""
        if self._patterns.get(at, (None,))[0] != layer:
            pattern = capture.replay_pattern(self._model, self._inputs[at], layer)
            self._patterns[at] = (layer, pattern)
        return self._patterns[at][1]

    def _measured(self, logits: Tensor, at: int) -> Float[Tensor, " batch"]:
        return self._metrics[at](logits, self._batches[at]).float().cpu()

    def _slope(self, at: int) -> LayerZ:
        """Of one batch; all are made when the first is asked for."""
        if self._slopes is None:
            self._slopes = [self._slopes_of(batch) for batch in range(len(self._batches))]
        return self._slopes[at]

    def _slopes_of(self, at: int) -> LayerZ:
        tokens, metric = self._batches[at], self._metrics[at]
        got = capture.gradients(
            self._model,
            tokens,
            [("z", self._layers)],
            lambda logits: metric(logits, tokens),
            self._gone,
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


def others_in_turn(batches: Sequence[LayerZ]) -> list[LayerZ]:
    """Of each prompt z of the next prompt of its length; of the last one that of the first.

    Raises:
        ValueError: A prompt whose length no other has.

    >>> z = {0: torch.tensor([1.0, 2.0, 6.0]).view(3, 1, 1, 1)}
    >>> others_in_turn([z])[0][0].flatten()
    tensor([2., 6., 1.])
    """
    put: list[LayerZ] = [{} for _ in batches]
    for layer in batches[0]:
        by_length: dict[int, list[int]] = {}
        for at, z in enumerate(batches):
            by_length.setdefault(z[layer].shape[1], []).append(at)
        for n, same in by_length.items():
            joined = torch.cat([batches[at][layer] for at in same])
            if len(joined) < 2:
                raise ValueError(
                    f"only one prompt has {n} tokens, so there is no other to resample from; "
                    "accepted are two or more prompts of each length, or by='mean'"
                )
            parts = joined.roll(-1, 0).split([len(batches[at][layer]) for at in same])
            for at, part in zip(same, parts, strict=True):
                put[at][layer] = part
    return put


def zeros(batches: Sequence[LayerZ]) -> list[LayerZ]:
    """Nothing at all in the place of z, which for most heads is as unusual as noise.

    >>> zeros([{0: torch.ones(1, 1, 1, 1)}])[0][0].flatten()
    tensor([0.])
    """
    return [{at: each.new_zeros(()).expand_as(each) for at, each in z.items()} for z in batches]


_PUT = {"mean": means_of_others, "resample": others_in_turn, "zero": zeros}
