"""What one look at a failing case finds, however it is compared."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.failures.features import FLOOR, FLOORS
from circuit_widgets.analysis.failures.fixes import Part
from circuit_widgets.analysis.failures.parts import Answer, Source
from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.analysis.failures.usual import Usual
from circuit_widgets.heads import Head
from circuit_widgets.statistics.robust import median_and_spread


@dataclasses.dataclass(frozen=True, eq=False)
class Finding:
    """One failing case, looked into; the fields are those of `CircuitFailures`, of one case.

    Attributes:
        own: Its run.
        usual: What fixes put in the place of what it does.
        types: Of a part, its type scores and the edge that explains it (looked for, if asked).
        pattern_beside: The attention that a head's is shown beside.
        tried_by_effect: Parts in which a patch, or ablation, promises the most to first order.
        sources: Of a head, where it gets what the answer hangs on; None: there is no reference
            with the same positions.
    """

    own: Seen
    usual: Usual
    usual_answer: Answer | None
    anomaly: Float[Tensor, "layer head"]
    anomaly_mlp: Float[Tensor, " layer"]
    q: Float[Tensor, "layer head"]
    q_mlp: Float[Tensor, " layer"]
    values: Float[Tensor, "feature layer head"]
    usual_values: Float[Tensor, "feature layer head"]
    z: Float[Tensor, "feature layer head"]
    types: Callable[[Part, bool], tuple[Float[Tensor, " type"], str | None]]
    pattern_beside: Callable[[Part], Float[Tensor, "query key"]]
    tried_by_effect: tuple[Part, ...]
    sources: Callable[[Head], Source] | None = None

    def ranked(self) -> list[tuple[Part, float, float]]:
        """Every part with its z and q, the furthest out first."""
        found = []
        for z, q, of in ((self.anomaly, self.q, False), (self.anomaly_mlp, self.q_mlp, True)):
            for place in z.isfinite().nonzero().tolist():
                at = tuple(place)
                part = Part(at[0], None) if of else Part(at[0], at[1])
                found.append((part, float(z[at]), float(q[at])))
        return sorted(found, key=lambda each: -each[1])


@dataclasses.dataclass(frozen=True, eq=False)
class Spread:
    """How much each feature varies over healthy prompts, robustly: 1.4826 MAD, and their median."""

    middle: Float[Tensor, "feature ..."]
    spread: Float[Tensor, "feature ..."]

    def between(self, value: Tensor, usual: Tensor) -> Tensor:
        """A difference in deviations."""
        return (value - usual) / self.spread


def spread_of(values: Float[Tensor, "prompt feature ..."], names: tuple[str, ...]) -> Spread:
    """Median and robust deviation over prompts, with the least deviation of each feature.

    >>> values = torch.arange(7.0)[:, None, None]
    >>> found = spread_of(values, ("write_size",))
    >>> float(found.middle), round(float(found.spread), 3)
    (3.0, 2.965)
    """
    middle, away = (each[0] for each in median_and_spread(values, 0))
    floors = torch.tensor([FLOORS.get(name, FLOOR) for name in names])
    return Spread(middle, away.maximum(floors.view(-1, *[1] * (away.ndim - 1))))
