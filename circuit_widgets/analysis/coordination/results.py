"""What `analyze_head_coordination` finds: a matrix of heads, and how some pairs work together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.coordination.words import described, significance
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result

if TYPE_CHECKING:
    import pandas as pd

# Measures that can be negative.
SIGNED = ("contribution", "pearson")
# Of heads by heads.
MATRICES = ("value", "null_mean", "null_std", "random_mean", "random_std", "p", "q", "why")
TYPES = ("serial", "parallel", "aggregation", "not resolved")


class Significant(NamedTuple):
    """A pair of heads whose similarity is significant, a not in a later layer than b."""

    a: Head
    b: Head
    value: float
    q: float


@dataclasses.dataclass(frozen=True)
class CoordinatedPair:
    """How a significant pair works together; None: there is no number.

    All effects are on the metric, and are means over prompts with an interval (_low, _high). The
    intervals, and with them the types, hold for all significant pairs together, at the
    `confidence` asked for: of n pairs each has a confidence of 1 - (1 - confidence) / n
    (Bonferroni). No pair is compared with others that were asked for, so that a type does not
    depend on them. The two p are each pair's own.

    Attributes:
        a, b: "layer.head", a not in a later layer than b.
        value, q: Their similarity, and its false discovery rate.
        path: How much the metric falls if only b's input from a is replaced by a's mean (path
            patching); None within a layer.
        path_null_low, path_null_high: An interval for one more random path over as many layers, by
            median and median deviation of `path_controls` paths between other heads, which the pair
            itself draws. None with fewer than 4.
        interaction: effect_ab - effect_a - effect_b.
        path_p, interaction_p: Of a mean as far from 0 (Student's t, two-sided).
        path_equivalent, interaction_equivalent: Whether it is as good as none: two one-sided tests
            reject that it is beyond ± `equivalence`, with the same correction.
        effect_a, effect_b, effect_ab: How much the metric falls if the head, or both, are replaced
            by their mean over the other prompts.
        contribution_a, contribution_b: The effects to first order, (z - mean) · d metric / d z.
        reader: A later head that reads both: path patching from a to it and from b to it changes
            the metric by at least `equivalence` each, with intervals that exclude 0, corrected
            besides for all `n_readers` later heads. The two heads with the largest estimates are
            patched. None: none of them does.
        reader_a, reader_b: These two path effects, with the corrected intervals.
        type: "serial": the path's interval excludes 0, it is outside of where a random path would
            be, and not as good as none.
            "aggregation": no such path, but a common reader.
            "parallel": path and interaction are as good as none (within a layer there is no path),
            and each head has an effect of at least `equivalence` whose interval excludes 0.
            "not resolved": anything else; `reason` says what is missing.
        sign: "redundancy", interaction above 0: ablating both costs more than the sum of ablating
            each, because each compensates for the other. "synergy", below 0: ablating both costs
            less than that sum. None: the interaction's interval includes 0, or it is as good as
            none.
    """

    a: str
    b: str
    value: float
    q: float
    path: float | None
    path_low: float | None
    path_high: float | None
    path_p: float | None
    path_equivalent: bool | None
    path_null_low: float | None
    path_null_high: float | None
    path_controls: int | None
    interaction: float | None
    interaction_low: float | None
    interaction_high: float | None
    interaction_p: float | None
    interaction_equivalent: bool | None
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
    reader: str | None
    n_readers: int
    reader_a: float | None
    reader_a_low: float | None
    reader_a_high: float | None
    reader_b: float | None
    reader_b_low: float | None
    reader_b_high: float | None
    type: str = "not resolved"
    sign: str | None = None
    reason: str = ""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class HeadCoordination(Result, topic="coordination"):
    """How similar heads are, pair by pair, and how the strongest pairs work together.

    Matrices are [head, head], symmetric, NaN on the diagonal and where there is nothing to compare
    (a head that never changes).

    Attributes:
        heads: "layer.head" of each row and column.
        method: The similarity measure; see `analyze_head_coordination`.
        value: The similarity.
        p: The larger of two p values, under shuffled prompts and under random readers
            (`analyze_head_coordination` says what they are). Two-sided for contribution and
            pearson, else one-sided. Of projection the p under random subspaces.
        q: p adjusted for all pairs that have one (Benjamini & Hochberg 1995).
        null_mean, null_std: Mean and standard deviation of the similarity with prompts shuffled.
        random_mean, random_std: The same with random readers.
        order: Rows in clustered order: average linkage of 1 - |value|.
        fdr: A pair is significant if its q is below.
        why: Which of `reasons` a pair has no p for; -1 where it has one, and on the diagonal.
        reasons: Why pairs have no p.
        n_shuffles: How many shuffles there were.
        least_p: The smallest p that a pair could have had by counting; None where p is no count.
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
    random_mean: Float[Tensor, "head head"]
    random_std: Float[Tensor, "head head"]
    why: Int[Tensor, "head head"]
    reasons: tuple[str, ...]
    n_shuffles: int
    least_p: float | None
    pairs: tuple[CoordinatedPair, ...] = ()

    def __post_init__(self) -> None:
        # A file has them as plain objects.
        pairs = [CoordinatedPair(**pair) if isinstance(pair, dict) else pair for pair in self.pairs]
        object.__setattr__(self, "pairs", tuple(pairs))
        n = len(self.heads)
        for name in MATRICES:
            shape = getattr(self, name).shape
            if shape != (n, n):
                raise ValueError(f"{name} has shape {list(shape)}; accepted is [{n}, {n}]")
        if sorted(self.order) != list(range(n)):
            raise ValueError(f"order is {self.order}; accepted is each of {n} rows once")

    @classmethod
    def _from_earlier(
        cls,
        format: int,
        values: dict[str, Any],
        tensors: dict[str, Tensor],
        parameters: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Format 1 had one null, and types by other rules: what is not the same now is missing."""
        values, missing = dict(values), torch.full_like(tensors["value"], torch.nan)
        found = {name: missing.clone() for name in MATRICES if name != "why"}
        kept = MATRICES if values["method"] == "projection" else ("value",)
        found |= {name: tensor for name, tensor in tensors.items() if name in kept}
        why = torch.where(found["value"].isfinite() & found["p"].isnan(), 0, -1)
        reasons = ["version 0.1.0 had another null; analyze the prompts again for a p"]
        now = {"pairs": [], "reasons": reasons, "n_shuffles": 0, "least_p": None}
        return values | now, {**found, "why": why}

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
        for name in MATRICES[:-1]:
            columns[name] = getattr(self, name).numpy()[i, j]
        why = self.why.numpy()[i, j]
        columns["no_p"] = [self.reasons[at] if at >= 0 else None for at in why]
        frame = pd.DataFrame(columns)
        frame["significant"] = frame["q"] < self.fdr
        fields = [field.name for field in dataclasses.fields(CoordinatedPair)]
        typed = pd.DataFrame([*map(dataclasses.asdict, self.pairs)], columns=fields)
        frame = frame.merge(typed.drop(columns=["value", "q"]), on=["a", "b"], how="left")
        frame["complete"] = self.provenance.complete
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    @property
    def signed(self) -> bool:
        """Whether similarities can be negative."""
        return self.method in SIGNED

    @property
    def n_tested(self) -> int:
        """How many pairs have a p."""
        return int(self.p.triu(1).isfinite().triu(1).sum())

    def _lines(self) -> list[str]:
        lines = significance(self)
        for a, b, value, q in self.significant()[:3]:
            at = self.heads.index(str(a)), self.heads.index(str(b))
            nulls = [
                f"{name} {float(mean[at]):.2f} ± {float(std[at]):.2f}"
                for name, mean, std in (
                    ("shuffled" if self.n_shuffles else "null", self.null_mean, self.null_std),
                    ("random readers", self.random_mean, self.random_std),
                )
                if mean[at].isfinite()
            ]
            lines.append(
                f"{a} and {b} have a similarity of {value:.2f} ({', '.join(nulls)}, q = {q:.2g})"
            )
        size = self.value.abs().triu(1).nan_to_num(-1)
        if not self.n_tested and float(size.max()) >= 0:
            i, j = divmod(int(size.argmax()), len(self.heads))
            lines.append(
                f"The most similar are {self.heads[i]} and {self.heads[j]} "
                f"({float(self.value[i, j]):.2f}), which says nothing without a null"
            )
        return lines + described(self)

    @property
    def interval_of_pairs(self) -> str:
        """What the intervals of typed pairs are."""
        n = len(self.significant())
        which = self.provenance.interval
        return which if n < 2 else f"{which} for all {n} significant pairs together"
