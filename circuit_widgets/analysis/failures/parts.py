"""What a diagnosis is made of: answers, evidence, fixes, problems."""

from __future__ import annotations

import dataclasses

# In the order in which the source asks for them.
TYPES = ("attention_collapse", "path_interruption", "incorrect_routing", "overactivation")
UNKNOWN = "unknown"
# What can be done to a component, and how it is said: beside a model, and beside prompts.
FIXES = {
    "patch": "write what it writes in the reference",
    "rescale": "write as much as in the reference",
    "ablate": "write its mean over positions",
    "redirect": "attend as in the reference",
}
FIXES_BESIDE_PROMPTS = {
    "patch": "write its mean over healthy prompts at each position",
    "rescale": "write as much as on healthy prompts",
    "ablate": "write its mean over healthy prompts and positions",
    "redirect": "attend as on healthy prompts, in the mean",
}


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model answered to a prompt.

    Attributes:
        predicted: The likeliest next token.
        predicted_token: What it shows as.
        p_predicted: Its probability.
        expected_token: The likeliest of the expected tokens, as it shows.
        p_expected: Probability of the expected tokens together.
        rank: Of the likeliest expected token; 1: it is the likeliest of all.
        metric: Log odds of the expected tokens against the wrong ones (or against all others), in
            nats: log of the sum of probabilities of the one over that of the other.
        right: Whether an expected token is likelier than every wrong one (or every other).
    """

    predicted: int
    predicted_token: str
    p_predicted: float
    expected_token: str
    p_expected: float
    rank: int
    metric: float
    right: bool


@dataclasses.dataclass(frozen=True)
class Evidence:
    """One number by which a component is out of line.

    Attributes:
        feature: What was measured: a name of `ABOUTS`.
        value: In this case.
        usual: In the reference (on the same input, or the median of healthy prompts).
        z: How many robust deviations of healthy prompts lie between; NaN: there are too few.
    """

    feature: str
    value: float
    usual: float
    z: float


@dataclasses.dataclass(frozen=True)
class Fix:
    """A fix that was tried.

    Attributes:
        kind: One of `FIXES`.
        after: What the model answers with it.
        recovered: Which fraction of the metric that was lost came back: 0 nothing, 1 all of it. Of
            the reference's metric, or, without one, of the median of healthy prompts.
        control: The same, of the same fix made in other components, drawn at random: heads of the
            same layer, or other MLPs.
        control_components: Which.
        factor: By what a write was multiplied, if it was.
    """

    kind: str
    after: Answer
    recovered: float
    control: tuple[float, ...]
    control_components: tuple[str, ...]
    factor: float | None = None

    @property
    def helped(self) -> bool:
        """Whether it brought something back, and more than in every component of the control."""
        return self.recovered > 0.05 and all(self.recovered > each for each in self.control)


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a head gets what the answer hangs on, by knocking out its attention to one key.

    Attributes:
        here, usual: Position of the key in this model and in the reference; None: no key of the
            head changes the metric by 0.05 nats.
        effect, usual_effect: What the metric loses without that key (or the one nearest to being
            one), in nats; below 0: what it gains.
    """

    here: int | None
    usual: int | None
    effect: float
    usual_effect: float


@dataclasses.dataclass(frozen=True)
class Problem:
    """A component that is out of line in a case.

    Attributes:
        component: "1.2" (a head) or "0.mlp".
        anomaly_score: Its robust z.
        q: The share of false finds up to it.
        failure_type: The type with the highest score; "unknown" if none reaches 0.5.
        type_scores: From 0 to 1, of `TYPES`; see `CircuitFailures.types`.
        edge: The edge that lost its effect ("0.1 to 1.2.q"), if that explains it.
        evidence: The features that are furthest out, first the furthest.
        fixes: Those that were tried, the best first; none: not tried yet.
        source: Of a head whose attention goes elsewhere than in a healthy model; else None.
    """

    component: str
    anomaly_score: float
    q: float
    failure_type: str
    type_scores: tuple[float, ...]
    edge: str | None
    evidence: tuple[Evidence, ...]
    fixes: tuple[Fix, ...]
    source: Source | None = None

    @property
    def suggested_fix(self) -> Fix | None:
        """The fix that brought back the most, of those that helped; None: none did."""
        helped = [fix for fix in self.fixes if fix.helped]
        return max(helped, key=lambda fix: fix.recovered, default=None)


@dataclasses.dataclass(frozen=True)
class Transfer:
    """A fix that was found on one case, in the other failing cases.

    Attributes:
        component, kind: The fix.
        found_on: The number of the case.
        recovered: Fraction of the lost metric that came back on each other failing case, a ratio
            of sums over them.
        low, high: Its interval over cases (Fieller 1954); NaN: there are too few.
        right: How many of the other cases the model gets right with it.
        n: How many others there are.
        control: `recovered` of the same fix in other components, drawn at random, the highest.
        healthy_lost: How many of the healthy cases that were tried the model gets wrong with it.
        n_healthy: How many were tried.
    """

    component: str
    kind: str
    found_on: int
    recovered: float
    low: float
    high: float
    right: int
    n: int
    control: float
    healthy_lost: int
    n_healthy: int

    @property
    def helped(self) -> bool:
        """Whether it brought back something on the others, and more than the control did."""
        return self.low > 0 and not self.recovered <= self.control
