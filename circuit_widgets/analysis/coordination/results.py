"""What `analyze_head_coordination` finds: a matrix of heads, and how some pairs work together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.coordination.pairs import Pair
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result

if TYPE_CHECKING:
    import pandas as pd

TYPES = ("serial", "parallel", "aggregation", "unclear")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class HeadCoordination(Result, topic="coordination"):
    """How alike heads are in what they do, pair by pair, and how the strongest pairs work together.

    Matrices are [head, head], symmetric, NaN on the diagonal and where there is nothing to compare
    (a head that never changes).

    Attributes:
        heads: "layer.head" of each row and column.
        method: Which likeness; see `analyze_head_coordination`.
        value: The likeness.
        p: How often chance does as well. Two-sided for contribution and pearson, else one-sided.
        q: The same for all pairs together (Benjamini & Hochberg 1995).
        null_mean, null_std: The likeness by chance.
        order: Rows in an order in which like heads are neighbours (average linkage of 1 - |value|).
        fdr: A pair is significant if its q is below.
        pairs: The strongest significant pairs and how they work together: a dictionary each, with
            None where there is no number.

            "a", "b": the heads, a not in a later layer than b. "value", "q": as above.
            "effect_a", "effect_b", "effect_ab": how much the metric falls, on average over prompts,
            if the head, or both, are replaced by their mean over the other prompts.
            "interaction": effect_ab - effect_a - effect_b. Above 0 ("sign": "redundancy"): together
            they are missed more than one by one, because each stands in for the other. Below 0
            ("synergy"): without one the other is worth less, so that the second loss costs less.
            None: no interaction for sure.
            "path": how much the metric falls if b, and nobody else, hears a's mean (None within a
            layer). "path_null_low", "path_null_high": between what one more random path from a to
            b's layer, or from a's layer to b, would be (by median and median deviation).
            "contribution_a", "contribution_b": the effects to first order, (z - mean) · d metric /
            d z. All of these also with "_low" and "_high", an interval over prompts.
            "type": "serial": the path's interval excludes 0, and it is outside its null (if there
            are no 2 random paths to compare, the interval alone decides).
            "aggregation": no such path, an interaction, and both heads reach the metric (by effect
            or by contribution): they meet in a later head or in the logits.
            "parallel": no such path and no interaction: each does its own.
            "unclear": anything else, and one prompt alone, which gives no interval.
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
    pairs: tuple[Pair, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.heads)
        for name in ("value", "p", "q", "null_mean", "null_std"):
            shape = getattr(self, name).shape
            if shape != (n, n):
                raise ValueError(f"{name} has shape {list(shape)}; accepted is [{n}, {n}]")
        if sorted(self.order) != list(range(n)):
            raise ValueError(f"order is {self.order}; accepted is each of {n} rows once")

    def significant(self) -> list[tuple[Head, Head, float, float]]:
        """Pairs whose q is below `fdr`: both heads, value and q; the strongest (|value|) first."""
        found = (self.q.triu(1).nan_to_num(1) < self.fdr).triu(1).nonzero().tolist()
        pairs = [
            (
                Head.parse(self.heads[i]),
                Head.parse(self.heads[j]),
                float(self.value[i, j]),
                float(self.q[i, j]),
            )
            for i, j in found
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
        typed = pd.DataFrame([*self.pairs], columns=[*_KEYS])
        frame = frame.merge(typed.drop(columns=["value", "q"]), on=["a", "b"], how="left")
        frame["complete"] = self.provenance.complete
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        n = len(self.heads)
        found, tested = self.significant(), int(self.p.triu(1).isfinite().triu(1).sum())
        lines = [f"{self.method}: {len(found)} of {tested} pairs significant (q < {self.fdr})"]
        if tested < n * (n - 1) // 2:
            lines[0] += f"; {n * (n - 1) // 2 - tested} pairs missing"
        for a, b, value, q in found[:3]:
            at = self.heads.index(str(a)), self.heads.index(str(b))
            lines.append(
                f"{a} and {b}: {value:.2f} (by chance {float(self.null_mean[at]):.2f} ± "
                f"{float(self.null_std[at]):.2f}, q {q:.2g})"
            )
        return lines + [describe(pair) for pair in self.pairs]


_KEYS = (
    *("a", "b", "value", "q", "type", "sign"),
    *(
        f"{name}{end}"
        for name in (
            *("path", "interaction", "effect_a", "effect_b", "effect_ab"),
            *("contribution_a", "contribution_b"),
        )
        for end in ("", "_low", "_high")
    ),
    *("path_null_low", "path_null_high"),
)


def describe(pair: Pair) -> str:
    """A typed pair in a line."""
    parts = []
    for name in ("path", "interaction"):
        if pair[name] is not None:
            low, high = pair[f"{name}_low"], pair[f"{name}_high"]
            span = "" if low is None or high is None else f" ({low:.3g} to {high:.3g})"
            parts.append(f"{name} {pair[name]:.3g}{span}")
    sign = f", {pair['sign']}" if pair["sign"] else ""
    arrow = "->" if pair["type"] == "serial" else "and"
    return f"{pair['a']} {arrow} {pair['b']} {pair['type']}{sign}: {', '.join(parts)}"
