"""How two heads work together: what is lost without one, the other and both, and what one says."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from scipy import stats
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis._head_rows import Metric
from circuit_widgets.analysis._interval import mean_interval, t_quantile
from circuit_widgets.analysis._job import check_stop
from circuit_widgets.analysis._prompts import Prompts
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Random senders, and as many random receivers, that a path is compared with.
_NULLS = 4

Pair = dict[str, Any]


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
            logits = capture.run(model, tokens, [inputs], on_layer=check_stop)
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
            check_stop()
            edit = capture.patch("z", means, heads=sorted(heads))
            logits = capture.resume(self.model, inputs, first, interventions=[edit])
            found.append(self.metric(logits, tokens).float().cpu())
        return self.clean - torch.cat(found)

    def path_effect(self, sender: Head, receiver: Head) -> Float[Tensor, " prompt"]:
        """How much the metric falls if the receiver, and nobody else, hears the sender's mean."""
        found = []
        for tokens, inputs, means in zip(self.batches, self.inputs, self.means, strict=True):
            check_stop()
            said = means[sender.layer][:, :, sender.index]
            logits = capture.path_patch(self.model, inputs, sender, said, receiver)
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


def type_pairs(
    runs: Runs,
    chosen: Sequence[tuple[Head, Head, float, float]],
    n_heads: int,
    confidence: float,
    seed: int,
) -> Iterator[Pair]:
    """Every chosen (a, b, value, q), a not in a later layer than b, with its type and its evidence.

    A pair is a plain dictionary, ready for JSON; a number that does not exist is None.
    """
    together = {frozenset((a, b)) for a, b, _, _ in chosen}
    alone: dict[Head, Tensor] = {}
    paths: dict[tuple[Head, Head], Tensor] = {}

    def path(sender: Head, receiver: Head) -> Tensor:
        if (sender, receiver) not in paths:
            paths[sender, receiver] = runs.path_effect(sender, receiver)
        return paths[sender, receiver]

    for number, (a, b, value, q) in enumerate(chosen):
        for head in (a, b):
            if head not in alone:
                alone[head] = runs.effect(head)
        both = runs.effect(a, b)
        pair: Pair = {"a": str(a), "b": str(b), "value": value, "q": q, "type": "unclear"}
        pair |= dict.fromkeys(("path", "path_low", "path_high", "path_null_low", "path_null_high"))
        if a.layer < b.layer:
            pair |= _interval("path", path(a, b), confidence)
            compared = _random_paths(a, b, n_heads, together, seed + number)
            pair |= _null([float(path(*each).mean()) for each in compared], confidence)
        pair |= _interval("interaction", both - alone[a] - alone[b], confidence)
        for name, effect in {"a": alone[a], "b": alone[b], "ab": both}.items():
            pair |= _interval(f"effect_{name}", effect, confidence)
        for name, head in {"a": a, "b": b}.items():
            pair |= _interval(f"contribution_{name}", runs.contribution(head), confidence)
        pair["type"], pair["sign"] = judge(pair, runs.rounding)
        yield pair


def judge(pair: Pair, rounding: float = 0.0) -> tuple[str, str | None]:
    """Type and sign of a pair by its evidence; an effect up to `rounding` is none."""
    interacts = _excludes_0(pair, "interaction", rounding)
    sign = None
    if interacts:
        sign = "redundancy" if pair["interaction"] > 0 else "synergy"
    # Between heads of one layer there is no path.
    serial = _excludes_0(pair, "path", rounding) if pair["path"] is not None else False
    low, high = pair["path_null_low"], pair["path_null_high"]
    if serial and low is not None:
        serial = not low - rounding <= pair["path"] <= high + rounding
    if serial:
        return "serial", sign
    if serial is None or interacts is None:
        return "unclear", sign
    if not interacts:
        return "parallel", sign
    reach = [
        any(_excludes_0(pair, f"{kind}_{name}", rounding) for kind in ("contribution", "effect"))
        for name in "ab"
    ]
    return ("aggregation" if all(reach) else "unclear"), sign


def _excludes_0(pair: Pair, name: str, rounding: float) -> bool | None:
    """Whether an effect is there for sure; None: there is no interval to tell."""
    low, high = pair[f"{name}_low"], pair[f"{name}_high"]
    if low is None or high is None:
        return None
    return (low > 0 or high < 0) and abs(pair[name]) > rounding


def _random_paths(
    sender: Head, receiver: Head, n_heads: int, together: set[frozenset[Head]], seed: int
) -> list[tuple[Head, Head]]:
    """From the sender to other heads of the receiver's layer, and from others of its own to it.

    Not those that are in question themselves, unless too few are left.
    """
    generator = torch.Generator().manual_seed(seed)
    sides = []
    for fixed, moved in ((sender, receiver), (receiver, sender)):
        others = [Head(moved.layer, index) for index in range(n_heads) if index != moved.index]
        free = [head for head in others if frozenset((fixed, head)) not in together]
        order = torch.randperm(n_heads, generator=generator).tolist()
        sides.append((others, free, order))
    if sum(len(free) for _, free, _ in sides) < 2:
        sides = [(others, others, order) for others, _, order in sides]
    (_, receivers, first), (_, senders, second) = sides
    receivers = [head for _, head in sorted(zip(first, receivers, strict=False))][:_NULLS]
    senders = [head for _, head in sorted(zip(second, senders, strict=False))][:_NULLS]
    return [(sender, head) for head in receivers] + [(head, receiver) for head in senders]


def _null(effects: Sequence[float], confidence: float) -> Pair:
    """Between what one more random path would be.

    By the median and the median deviation: among few heads, some of the random paths are as real as
    the one in question, and one strong path must not hide the others.
    """
    n = len(effects)
    if n < 2:
        return {}
    values = torch.tensor(effects, dtype=torch.float64)
    middle = float(values.quantile(0.5))
    # As a standard deviation is, where values are normal.
    spread = float((values - middle).abs().quantile(0.5)) / stats.norm.ppf(0.75)
    reach = t_quantile(confidence, n - 1) * spread * math.sqrt(1 + 1 / n)
    return {"path_null_low": _number(middle - reach), "path_null_high": _number(middle + reach)}


def _interval(name: str, samples: Float[Tensor, " prompt"], confidence: float) -> Pair:
    found = mean_interval(samples.double(), confidence)
    names = (name, f"{name}_low", f"{name}_high")
    return {key: _number(number) for key, number in zip(names, found, strict=True)}


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
