"""What is usual: what fixes put in the place of what a component does in a failing case."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.failures.seen import Seen


@dataclasses.dataclass(frozen=True, eq=False)
class Usual:
    """What the components of a model do as usual, at the positions of one prompt.

    Attributes:
        z: By layer, at `positions`.
        mlp_out: The same of each MLP.
        patterns: By layer; none, where healthy prompts have other lengths.
        positions: Those that a patch is of: all, or the last one, where healthy prompts have other
            lengths and only their ends are the same place.
        z_mean, mlp_mean: Mean over positions (but the first) and prompts, which ablation writes.
        sizes, mlp_sizes: Norm of what is written at positions but the first.
        metric: What the metric is as usual.
    """

    z: Mapping[int, Float[Tensor, "1 pos head d_head"]]
    mlp_out: Mapping[int, Float[Tensor, "1 pos d_model"]]
    patterns: Mapping[int, Float[Tensor, "1 head query key"]]
    positions: slice
    z_mean: Mapping[int, Float[Tensor, "head d_head"]]
    mlp_mean: Mapping[int, Float[Tensor, " d_model"]]
    sizes: Mapping[int, Float[Tensor, " head"]]
    mlp_sizes: Mapping[int, Float[Tensor, ""]]
    metric: float


def usual_of(seen: Seen, metric: float) -> Usual:
    """What a healthy model did on the very same prompt, a batch of one."""
    z, mlp = seen.sites["z"], seen.sites.get("mlp_out", {})
    return Usual(
        z=z,
        mlp_out=mlp,
        patterns=seen.sites["pattern"],
        positions=slice(None),
        z_mean={at: each[0, 1:].float().mean(0) for at, each in z.items()},
        mlp_mean={at: each[0, 1:].float().mean(0) for at, each in mlp.items()},
        sizes=sizes_of(seen)[0],
        mlp_sizes=sizes_of(seen)[1],
        metric=metric,
    )


def sizes_of(seen: Seen) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Norm of what each head, and each MLP, writes at positions but the first, over the batch."""
    heads = {at: each[:, 1:].norm(dim=-1).mean((0, 1)) for at, each in seen.writes.items()}
    mlps = {
        at: each[:, 1:].float().norm(dim=-1).mean()
        for at, each in seen.sites.get("mlp_out", {}).items()
    }
    return heads, mlps


class Sums:
    """Adds up what healthy prompts do, of each length by itself.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.analysis.failures.seen import see
    >>> from circuit_widgets.causal.nodes import parts_of
    >>> model, sums = load_model(), Sums()
    >>> sums.add(see(model, parts_of(model), model.to_tokens("blue dog blue")))
    >>> [sums.usual(4, metric=2.0, least=n).positions for n in (1, 2)]
    [slice(None, None, None), slice(-1, None, None)]
    """

    def __init__(self) -> None:
        self._by_length: dict[int, dict[str, dict[int, Tensor]]] = {}
        self._counts: dict[int, int] = {}
        self._means: dict[str, dict[int, Tensor]] = {}
        self._n = 0

    def add(self, seen: Seen) -> None:
        """A batch of prompts of one length."""
        n_batch, length = len(seen.logits), seen.sites["z"][0].shape[1]
        own = self._by_length.setdefault(length, {})
        for site in ("z", "mlp_out", "pattern"):
            for at, each in seen.sites.get(site, {}).items():
                _plus(own.setdefault(site, {}), at, each.float().sum(0, keepdim=True))
        heads, mlps = sizes_of(seen)
        for name, part in (("sizes", heads), ("mlp_sizes", mlps)):
            for at, each in part.items():
                _plus(self._means.setdefault(name, {}), at, each * n_batch)
        for name, site in (("z_mean", "z"), ("mlp_mean", "mlp_out")):
            for at, each in seen.sites.get(site, {}).items():
                _plus(self._means.setdefault(name, {}), at, each[:, 1:].float().mean(1).sum(0))
        self._counts[length] = self._counts.get(length, 0) + n_batch
        self._n += n_batch

    def usual(self, length: int, metric: float, least: int = 3) -> Usual:
        """The mean over prompts, for a prompt of some length.

        least: So many healthy prompts of this length are enough for a mean at each position.
        """
        means = {
            name: {at: each / self._n for at, each in part.items()}
            for name, part in self._means.items()
        }
        aligned = self._counts.get(length, 0) >= least
        sites: dict[str, dict[int, Tensor]] = {"z": {}, "mlp_out": {}, "pattern": {}}
        if aligned:
            for site, part in self._by_length[length].items():
                sites[site] = {at: each / self._counts[length] for at, each in part.items()}
        else:
            for site in ("z", "mlp_out"):
                for part in self._by_length.values():
                    for at, each in part.get(site, {}).items():
                        _plus(sites[site], at, each[:, -1:] / self._n)
        return Usual(
            z=sites["z"],
            mlp_out=sites["mlp_out"],
            patterns=sites["pattern"],
            positions=slice(None) if aligned else slice(-1, None),
            z_mean=means["z_mean"],
            mlp_mean=means.get("mlp_mean", {}),
            sizes=means["sizes"],
            mlp_sizes=means.get("mlp_sizes", {}),
            metric=metric,
        )


def _plus(sums: dict[int, Tensor], at: int, value: Tensor) -> None:
    sums[at] = sums[at] + value if at in sums else value
