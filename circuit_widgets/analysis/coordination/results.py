"""What `analyze_head_coordination` finds: a matrix of heads, and how some pairs work together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result

if TYPE_CHECKING:
    import pandas as pd

TYPES = ("serial", "parallel", "aggregation", "unclear")


class Significant(NamedTuple):
    """A pair of heads whose similarity is significant, a not in a later layer than b."""

    a: Head
    b: Head
    value: float
    q: float


@dataclasses.dataclass(frozen=True)
class CoordinatedPair:
    """How a significant pair works together; None: there is no number.

    All effects are on the metric, and are means over prompts with an interval (_low, _high).

    Attributes:
        a, b: "layer.head", a not in a later layer than b.
        value, q: Their similarity, and its false discovery rate.
        path: How much the metric falls if only b's input from a is replaced by a's mean (path
            patching); None within a layer.
        path_null_low, path_null_high: The null: an interval for one more random path from a to b's
            layer, or from a's layer to b (by median and median deviation).
        interaction: effect_ab - effect_a - effect_b.
        effect_a, effect_b, effect_ab: How much the metric falls if the head, or both, are replaced
            by their mean over the other prompts.
        contribution_a, contribution_b: The effects to first order, (z - mean) · d metric / d z.
        type: "serial": the path's interval excludes 0, and it is outside its null (if there are no
            2 random paths to compare, the interval alone decides).
            "aggregation": no such path, an interaction, and both heads affect the metric (by effect
            or by contribution): both act on a later head or the logits.
            "parallel": no such path and no interaction: each acts on its own.
            "unclear": anything else, and one prompt alone, which gives no interval.
        sign: "redundancy", interaction above 0: ablating both costs more than the sum of ablating
            each, because each compensates for the other. "synergy", below 0: ablating both costs
            less than that sum. None: the interaction's interval includes 0.
    """

    a: str
    b: str
    value: float
    q: float
    path: float | None
    path_low: float | None
    path_high: float | None
    path_null_low: float | None
    path_null_high: float | None
    interaction: float | None
    interaction_low: float | None
    interaction_high: float | None
    effect_a: float | None
    effect_a_low: float | None
    effect_a_high: float | None
    effect_b: float | None
    effect_b_low: float | None
    effect_b_high: float | None
    effect_ab: float | None
    effect_ab_low: float | None
    effect_ab_high: float | None
    contribution_a: float | None
    contribution_a_low: float | None
    contribution_a_high: float | None
    contribution_b: float | None
    contribution_b_low: float | None
    contribution_b_high: float | None
    type: str = "unclear"
    sign: str | None = None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class HeadCoordination(Result, topic="coordination"):
    """How similar heads are, pair by pair, and how the strongest pairs work together.

    Matrices are [head, head], symmetric, NaN on the diagonal and where there is nothing to compare
    (a head that never changes).

    Attributes:
        heads: "layer.head" of each row and column.
        method: The similarity measure; see `analyze_head_coordination`.
        value: The similarity.
        p: The p value under the null. Two-sided for contribution and pearson, else one-sided.
        q: The p value adjusted for all pairs (Benjamini & Hochberg 1995).
        null_mean, null_std: Mean and standard deviation of the similarity under the null.
        order: Rows in clustered order: average linkage of 1 - |value|.
        fdr: A pair is significant if its q is below.
        pairs: The strongest significant pairs and how they work together.

    >>> import circuit_widgets as cw
    >>> texts = ["blue dog seven river blue dog seven", "cat seven dog river cat seven dog"]
    >>> result = cw.analyze_head_coordination(cw.load_model(), texts, progress=False)
    >>> result.value.shape, len(result.significant())
    (torch.Size([8, 8]), 0)
    """

    heads: tuple[str, ...]
    method: str
    value: Float[Tensor, "head head"]
    p: Float[Tensor, "head head"]
    q: Float[Tensor, "head head"]
    null_mean: Float[Tensor, "head head"]
    null_std: Float[Tensor, "head head"]
    order: tuple[int, ...]
    fdr: float
    pairs: tuple[CoordinatedPair, ...] = ()

    def __post_init__(self) -> None:
        # A file has them as plain objects.
        pairs = [CoordinatedPair(**pair) if isinstance(pair, dict) else pair for pair in self.pairs]
        object.__setattr__(self, "pairs", tuple(pairs))
        n = len(self.heads)
        for name in ("value", "p", "q", "null_mean", "null_std"):
            shape = getattr(self, name).shape
            if shape != (n, n):
                raise ValueError(f"{name} has shape {list(shape)}; accepted is [{n}, {n}]")
        if sorted(self.order) != list(range(n)):
            raise ValueError(f"order is {self.order}; accepted is each of {n} rows once")

    def significant(self) -> list[Significant]:
        """Pairs whose q is below `fdr`, the strongest (|value|) first."""
        significant = (self.q.triu(1).nan_to_num(1) < self.fdr).triu(1).nonzero().tolist()
        pairs = [
            Significant(
                Head.parse(self.heads[i]),
                Head.parse(self.heads[j]),
                float(self.value[i, j]),
                float(self.q[i, j]),
            )
            for i, j in significant
        ]
        return sorted(pairs, key=lambda pair: (-abs(pair[2]), pair[0], pair[1]))

    def matrix(self, *, clustered: bool = False) -> pd.DataFrame:
        """`value` with the heads' names on rows and columns; clustered: in `order`."""
        import pandas as pd

        frame = pd.DataFrame(self.value.numpy().copy(), index=[*self.heads], columns=[*self.heads])
        return frame.iloc[[*self.order], [*self.order]] if clustered else frame

    def to_frame(self) -> pd.DataFrame:
        """One row per pair, a before b; the types' columns are empty but for `pairs`."""
        import pandas as pd

        i, j = np.triu_indices(len(self.heads), 1)
        names = np.array(self.heads)
        columns: dict[str, Any] = {"a": names[i], "b": names[j]}
        for name in ("value", "null_mean", "null_std", "p", "q"):
            columns[name] = getattr(self, name).numpy()[i, j]
        frame = pd.DataFrame(columns)
        frame["significant"] = frame["q"] < self.fdr
        fields = [field.name for field in dataclasses.fields(CoordinatedPair)]
        typed = pd.DataFrame([*map(dataclasses.asdict, self.pairs)], columns=fields)
        frame = frame.merge(typed.drop(columns=["value", "q"]), on=["a", "b"], how="left")
        frame["complete"] = self.provenance.complete
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        n = len(self.heads)
        significant, tested = self.significant(), int(self.p.triu(1).isfinite().triu(1).sum())
        lines = [
            f"{len(significant)} of {tested} pairs are significant (q < {self.fdr}) "
            f"by {self.method}"
        ]
        if tested < n * (n - 1) // 2:
            lines[0] += f"; {n * (n - 1) // 2 - tested} pairs could not be tested"
        for a, b, value, q in significant[:3]:
            at = self.heads.index(str(a)), self.heads.index(str(b))
            lines.append(
                f"{a} and {b} have a similarity of {value:.2f} (null "
                f"{float(self.null_mean[at]):.2f} ± {float(self.null_std[at]):.2f}, q = {q:.2g})"
            )
        return lines + [describe(pair) for pair in self.pairs]


def describe(pair: CoordinatedPair) -> str:
    """A typed pair in a line."""
    said = {
        "serial": f"{pair.a} acts through {pair.b} (serial)",
        "parallel": f"{pair.a} and {pair.b} act independently (parallel)",
        "aggregation": f"{pair.a} and {pair.b} both act on a later head or logits (aggregation)",
    }.get(pair.type, f"The intervals do not decide the type of {pair.a} and {pair.b} (unclear)")
    effects = [
        _effect("path effect", pair.path, pair.path_low, pair.path_high),
        _effect("interaction", pair.interaction, pair.interaction_low, pair.interaction_high),
    ]
    sign = f", with {pair.sign}" if pair.sign else ""
    return f"{said}{sign}: {', '.join(effect for effect in effects if effect)}"


def _effect(name: str, value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    span = "" if low is None or high is None else f" (interval {low:.3g} to {high:.3g})"
    return f"{name} {value:.3g}{span}"
