"""A failing case beside prompts that the same model gets right."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.failures.answers import odds
from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.features import (
    ABOUTS,
    FLOOR,
    FLOORS,
    MLP_FEATURES,
    head_features,
    mlp_features,
)
from circuit_widgets.analysis.failures.finding import Finding, Spread, spread_of
from circuit_widgets.analysis.failures.fixes import Part
from circuit_widgets.analysis.failures.left_out import furthest_q, one_left_out
from circuit_widgets.analysis.failures.parts import TYPES
from circuit_widgets.analysis.failures.seen import Seen, batch_of, see
from circuit_widgets.analysis.failures.usual import Sums, Usual
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.prompts.batches import of_one_length
from circuit_widgets.statistics.robust import median_and_spread

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# By which features, and in which direction (0: both), a type shows.
_SHOWS: dict[str, dict[str, int]] = {
    "attention_collapse": {"entropy": 0, "uniform": 1, "one_key": 1, "last_one_key": 1, "rank": -1},
    "path_interruption": {"write_size": -1, "last_write_size": -1},
    "incorrect_routing": {
        "first_token": 0,
        "previous_token": 0,
        "current_token": 0,
        "last_first": 0,
        "future": 1,
    },
    "overactivation": {"write_size": 1, "last_write_size": 1},
}


@dataclasses.dataclass(frozen=True, eq=False)
class Healthy:
    """Healthy prompts, as they are usual.

    Attributes:
        asked: Which.
        heads, mlps: Features of each.
        sums: What their parts do.
        metrics: Of each.
    """

    asked: tuple[Asked, ...]
    heads: Float[Tensor, "prompt feature layer head"]
    mlps: Float[Tensor, "prompt feature layer"]
    sums: Sums
    metrics: Float[Tensor, " prompt"]

    @functools.cached_property
    def spread(self) -> Spread:
        """Of the features of heads."""
        return spread_of(self.heads, tuple(ABOUTS))

    @functools.cached_property
    def spread_mlp(self) -> Spread:
        """Of the features of MLPs."""
        return spread_of(self.mlps, MLP_FEATURES)

    @functools.cached_property
    def z(self) -> tuple[Float[Tensor, "prompt feature layer head"], Tensor]:
        """Of each prompt, in deviations of the others: heads, MLPs."""
        found = []
        for values, names in ((self.heads, tuple(ABOUTS)), (self.mlps, MLP_FEATURES)):
            floors = torch.tensor([FLOORS.get(name, FLOOR) for name in names])
            middle, spread = one_left_out(
                values.nan_to_num(),
                floors.view(-1, *[1] * (values.ndim - 2)).expand(values.shape[1:]),
            )
            found.append((values - middle) / spread)
        return found[0], found[1]

    @functools.cached_property
    def distances(self) -> Float[Tensor, "prompt part"]:
        """How far out each part is, by the feature that is furthest out; NaN: no such part."""
        return _distances(*self.z)

    @functools.cached_property
    def beyond(self) -> Float[Tensor, "prompt part"]:
        """The same as robust z of each part, among its own."""
        return _beyond(self.distances, self.distances)

    @functools.cached_property
    def _usual(self) -> dict[int, Usual]:
        """By length, of which there was a case."""
        return {}

    def usual(self, length: int) -> Usual:
        """For a prompt of some length."""
        if length not in self._usual:
            self._usual[length] = self.sums.usual(length, float(self.metrics.median()))
        return self._usual[length]


class Gathering:
    """Healthy prompts, run some at a time."""

    def __init__(
        self, model: TransformerBridge, nodes: Nodes, asked: Sequence[Asked], batch: int
    ) -> None:
        self._model, self._nodes, self._batch = model, nodes, batch
        self._asked = tuple(asked)
        self._sums = Sums()
        self._found: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def steps(self) -> Iterator[int]:
        """How many more are done."""
        for some in of_one_length([len(each.ids) for each in self._asked], self._batch):
            self._run(some)
            yield len(some)

    def _run(self, some: Sequence[int]) -> None:
        ids = batch_of(tuple(self._asked[at].ids for at in some), self._model.cfg.device)
        seen = see(self._model, self._nodes, ids)
        self._sums.add(seen)
        heads, mlps = head_features(seen), mlp_features(seen)
        for row, at in enumerate(some):
            metric = odds(seen.logits[row], self._asked[at]).cpu()
            self._found[at] = heads[:, row], mlps[:, row], metric

    def done(self) -> Healthy:
        """What they are."""
        order = [self._found[at] for at in range(len(self._asked))]
        heads, mlps, metrics = (torch.stack(part) for part in zip(*order, strict=True))
        return Healthy(self._asked, heads, mlps, self._sums, metrics)


def gathered(model: TransformerBridge, nodes: Nodes, asked: Sequence[Asked], batch: int) -> Healthy:
    """All healthy prompts at once."""
    gathering = Gathering(model, nodes, asked, batch)
    for _ in gathering.steps():
        pass
    return gathering.done()


def find(
    model: TransformerBridge, nodes: Nodes, healthy: Healthy, asked: Asked, n_effect: int
) -> Finding:
    """What is out of line in a case, beside healthy prompts.

    A pass, and one forwards and backwards for the parts in which a patch, or
    ablation, promises the most.
    """
    ids = batch_of((asked.ids,), model.cfg.device)
    own = see(model, nodes, ids)
    values, mlps = head_features(own)[:, 0], mlp_features(own)[:, 0]
    z = healthy.spread.between(values, healthy.spread.middle)
    z_mlp = healthy.spread_mlp.between(mlps, healthy.spread_mlp.middle)
    far = _beyond(_distances(z[None], z_mlp[None]), healthy.distances)[0]
    q = furthest_q(far, healthy.beyond)
    n = values[0].numel()
    usual = healthy.usual(len(asked.ids))
    return Finding(
        own=own,
        usual=usual,
        usual_answer=None,
        anomaly=far[:n].view(values.shape[1:]),
        anomaly_mlp=far[n:],
        q=q[:n].view(values.shape[1:]),
        q_mlp=q[n:],
        values=values,
        usual_values=healthy.spread.middle,
        z=z,
        types=functools.partial(_types, healthy, z, z_mlp),
        pattern_beside=functools.partial(_pattern, usual),
        tried_by_effect=_promising(own, usual, asked, ids, n_effect),
    )


def _distances(
    heads: Float[Tensor, "prompt feature layer head"], mlps: Float[Tensor, "prompt feature layer"]
) -> Float[Tensor, "prompt part"]:
    both = [each.abs().nan_to_num(-1).amax(1).flatten(1) for each in (heads, mlps)]
    found = torch.cat(both, 1)
    return found.masked_fill(found < 0, torch.nan)


def _beyond(
    distances: Float[Tensor, "prompt part"], healthy: Float[Tensor, "prompt part"]
) -> Float[Tensor, "prompt part"]:
    """Robust z of the log of each part's distance among its own over healthy prompts."""
    logs, usual = distances.clamp_min(0.1).log(), healthy.clamp_min(0.1).log()
    middle, away = median_and_spread(usual, 0)
    return (logs - middle) / away.clamp_min(0.2)


def _types(
    healthy: Healthy, z: Tensor, z_mlp: Tensor, part: Part, _edges: bool
) -> tuple[Float[Tensor, " type"], str | None]:
    """0.5 is as far out as the furthest healthy prompt, in this way."""
    all_z, all_mlp = healthy.z
    if part.head is None:
        names, case, usual = MLP_FEATURES, z_mlp[:, part.layer], all_mlp[:, :, part.layer]
    else:
        place = part.layer, part.head
        names, case, usual = (
            tuple(ABOUTS),
            z[:, place[0], place[1]],
            all_z[:, :, place[0], place[1]],
        )
    scores = torch.zeros(len(TYPES))
    for row, kind in enumerate(TYPES):
        shows = {name: way for name, way in _SHOWS[kind].items() if name in names}
        far = [_signed(case[names.index(name)], way) for name, way in shows.items()]
        most = [_signed(usual[:, names.index(name)], way).max() for name, way in shows.items()]
        pairs = [f / (f + m.clamp_min(1.0)) for f, m in zip(far, most, strict=True)]
        if pairs:
            scores[row] = torch.stack(pairs).nan_to_num(0).max()
    return scores, None


def _signed(z: Tensor, way: int) -> Tensor:
    return z.abs() if way == 0 else (way * z).clamp_min(0)


def _pattern(usual: Usual, part: Part) -> Float[Tensor, "query key"]:
    if part.layer not in usual.patterns:
        return torch.zeros(0, 0)
    return usual.patterns[part.layer][0, part.head or 0]


def _promising(own: Seen, usual: Usual, asked: Asked, ids: Tensor, n: int) -> tuple[Part, ...]:
    """Parts in which what is usual raises the metric most, to first order.

    So many by a patch at each position, and so many by the mean over positions (ablation): heads
    whose attention hangs on positions show in one of the two only.
    """
    if not n:
        return ()
    with_mlp = sorted(usual.mlp_out)
    sites = [("z", None), *([("mlp_out", with_mlp)] if with_mlp else [])]
    slopes = capture.gradients(
        own.model, ids, sites, lambda logits: odds(logits[:, -1], asked)
    ).slopes
    # First what a patch promises, then what ablation does.
    found: tuple[dict[Part, float], dict[Part, float]] = {}, {}
    for site, patches, means in (
        ("z", usual.z, usual.z_mean),
        ("mlp_out", usual.mlp_out, usual.mlp_mean),
    ):
        for layer, wanted in patches.items():
            was, slope = own.sites[site][layer].float(), slopes[site, layer].float()
            where = usual.positions
            changes = (
                ((wanted - was[:, where]) * slope[:, where]),
                ((means[layer].to(was) - was) * slope),
            )
            for promised, change in zip(found, changes, strict=True):
                promised |= _of_parts(layer, change)
    chosen = [
        part
        for promised in found
        for part in sorted(promised, key=lambda part, of=promised: -of[part])[:n]
        if promised[part] > 0
    ]
    return tuple(dict.fromkeys(chosen))


def _of_parts(layer: int, change: Float[Tensor, "1 pos *part d"]) -> dict[Part, float]:
    """What each head, or an MLP, promises."""
    if change.ndim == 3:
        return {Part(layer, None): float(change.sum())}
    return {Part(layer, at): float(each) for at, each in enumerate(change.sum((0, 1, 3)))}
