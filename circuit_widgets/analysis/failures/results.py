"""What `analyze_failures` and `diagnose_circuit_failure` give."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from jaxtyping import Float, UInt8
from torch import Tensor

from circuit_widgets.analysis.failures import frames, words
from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.parts import (
    FIXES,
    FIXES_BESIDE_PROMPTS,
    TYPES,
    UNKNOWN,
    Answer,
    Evidence,
    Fix,
    Problem,
    Transfer,
)
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FIXES",
    "TYPES",
    "UNKNOWN",
    "Answer",
    "CircuitFailures",
    "Evidence",
    "FailureDiagnosis",
    "Fix",
    "Problem",
    "Transfer",
]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CircuitFailures(Result, topic="failures"):
    """Failing cases: which component is out of line in each, in what way, and what helped.

    Compared with "model": a healthy model of the same architecture. Each component of the model is
    given what it is given in the reference, so that one that does what it did has a deviation of 0,
    whatever went wrong before it. Compared with "prompts": the prompts that the model itself gets
    right. Then a component that is out of line may be so because of what comes before it.

    Attributes:
        compared: "model" or "prompts".
        reference: The name of the healthy model; "" if there is none.
        cases: The failing cases.
        answers: What the model answered to each.
        usual_answers: What the reference answered; none if compared with prompts.
        healthy: Healthy prompts: what is usual for a component is read from them.
        nearest: Of each case, which of `healthy` its attention is shown beside (of its length if
            there is one); -1 if compared with "model": then it is the same prompt in the reference.
        anomaly: Robust z of each head in each case; NaN: not computed.
        anomaly_mlp: Of each MLP; NaN where a layer has none.
        q, q_mlp: The share of false finds if all components up to this one are called finds.
        features: Names of what is measured of each head (`ABOUTS`).
        values, usual: What each feature is in the case, and in the reference.
        z: How many robust deviations of healthy prompts lie between.
        types: Of `TYPES`, from 0 to 1: the highest over the case's problem components. Compared
            with "model": which share of the component's work is lost in this way. Compared with
            "prompts": 0.5 is as far out as the furthest healthy prompt.
        problems: Of each case, its components beyond the threshold, the furthest out first.
        pictures: Attention of the heads among `problems` (at most `pictured` a case), in bytes:
            of the case, and of what it is compared with. 0 where there is none.
        pictures_scale: What 255 is.
        pictured: Of each case, the heads of `pictures`, in order.
        transfers: Fixes found on a case, tried on the others.
        threshold: Of q: components up to it are problems.
        naming: "strongest": the type with the highest score names a failure; "first": the first
            of `TYPES` that reaches 0.5, as in the source (section 8.1).

    >>> import circuit_widgets as cw
    >>> model, healthy = cw.load_model(), cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=4, length=6)
    >>> with cw.inject_fault(model, "zero_v", "0.1"):
    ...     found = cw.analyze_failures(model, task, reference=healthy, n_cases=2, progress=False)
    >>> found.failures["path_interruption"], found.problem_components(0)[0].suggested_fix.kind
    ([0, 1], 'patch')
    """

    compared: str
    reference: str
    cases: tuple[Asked, ...]
    answers: tuple[Answer, ...]
    usual_answers: tuple[Answer, ...]
    healthy: tuple[Asked, ...]
    nearest: tuple[int, ...]
    anomaly: Float[Tensor, "case layer head"]
    anomaly_mlp: Float[Tensor, "case layer"]
    q: Float[Tensor, "case layer head"]
    q_mlp: Float[Tensor, "case layer"]
    features: tuple[str, ...]
    values: Float[Tensor, "case feature layer head"]
    usual: Float[Tensor, "case feature layer head"]
    z: Float[Tensor, "case feature layer head"]
    types: Float[Tensor, "case type"]
    problems: tuple[tuple[Problem, ...], ...]
    pictures: UInt8[Tensor, "case picture 2 side side"]
    pictures_scale: Float[Tensor, "case picture 2"]
    pictured: tuple[tuple[str, ...], ...]
    transfers: tuple[Transfer, ...]
    threshold: float
    naming: str

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads of the model."""
        return self.anomaly.shape[1], self.anomaly.shape[2]

    @property
    def n_done(self) -> int:
        """How many cases are looked into by now."""
        return len(self.problems)

    def failure_type(self, case: int = 0) -> str:
        """What names the failure: one of `TYPES`, or "unknown"."""
        return words.ranked(self, case)[0][0]

    def second(self, case: int = 0) -> tuple[str, float] | None:
        """The next type that holds too, and how far it is behind; None: no other holds."""
        ranked = words.ranked(self, case)
        return None if len(ranked) < 2 else (ranked[1][0], ranked[0][1] - ranked[1][1])

    @property
    def failures(self) -> dict[str, list[int]]:
        """The numbers of the cases by type, as the source's `analyze_failures` gives them."""
        found: dict[str, list[int]] = {name: [] for name in (*TYPES, UNKNOWN)}
        for at in range(self.n_done):
            found[self.failure_type(at)].append(at)
        return found

    def anomalies(self, case: int = 0) -> dict[str, float]:
        """Robust z of each component that was measured, by its name, the highest first."""
        return words.anomalies(self, case)

    def problem_components(self, case: int = 0) -> tuple[Problem, ...]:
        """The components beyond the threshold, each with the fixes that were tried."""
        return self.problems[case]

    def diagnosis(self, case: int = 0) -> tuple[str, ...]:
        """The failure in a few sentences, made of the numbers of this result only."""
        return words.diagnosis(self, case)

    @property
    def fixes(self) -> dict[str, str]:
        """What each fix does, in words: beside the reference, or beside healthy prompts."""
        return FIXES if self.compared == "model" else FIXES_BESIDE_PROMPTS

    @property
    def abouts(self) -> dict[str, About]:
        """What the scores of each head mean."""
        return words.abouts(self)

    def score(self, name: str, case: int | None = None) -> Score:
        """A score of each head by name, in one case, or as the mean over cases."""
        return words.score(self, name, case)

    def to_frame(self) -> pd.DataFrame:
        """One row for each case and component; `df.attrs` has the provenance."""
        return frames.components(self)

    def cases_frame(self) -> pd.DataFrame:
        """One row for each case: type, scores, the component that is furthest out, its fix."""
        return frames.cases(self)

    def _lines(self) -> list[str]:
        return words.lines(self)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FailureDiagnosis(CircuitFailures, topic="failures"):
    """The diagnosis of one failing case: a `CircuitFailures` of a single case.

    `anomalies()`, `problem_components()` and `diagnosis()` are of this case.

    >>> import circuit_widgets as cw
    >>> model, healthy = cw.load_model(), cw.load_model()
    >>> case = cw.Case("blue dog seven river blue dog seven", "river")
    >>> with cw.inject_fault(model, "zero_q", "0.1"):
    ...     found = cw.diagnose_circuit_failure(model, case, reference=healthy, progress=False)
    >>> next(iter(found.anomalies())), found.failure_type()
    ('0.1', 'attention_collapse')
    """
