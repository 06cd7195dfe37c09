"""Failing cases of a model: which component is out of line, in what way, and what helps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from circuit_widgets.analysis.failures.looking import Looking, checked
from circuit_widgets.analysis.failures.results import CircuitFailures, FailureDiagnosis
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@analysis("failures", uneven=True)
def analyze_failures(
    model: TransformerBridge,
    cases: Any,
    *,
    reference: TransformerBridge | None = None,
    healthy: Any = None,
    naming: str = "strongest",
    most: int = 3,
    controls: int = 3,
    fixes: bool = True,
    n_cases: int = 16,
    n_healthy: int = 48,
    n_transfers: int = 4,
    threshold: float = 0.05,
    batch: int = 8,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[CircuitFailures | Progress]:
    """Look for what goes wrong in the cases that a model gets wrong, and try what helps.

    A case is a prompt and the token that is expected after it. The cases that the model gets right
    are the healthy ones; the others are looked into.

    - With a `reference`, a healthy model of the same architecture (before a fine-tuning, before a
      fault), each head and MLP is run on what it is given in the reference, on the same prompt. One
      that does what it did has a deviation of 0, whatever went wrong before it. Its robust z is
      among all components.
    - Without one, each component is compared with what it does on healthy prompts: robust z of
      twelve features of its attention and its write. Its null is the furthest component of each
      healthy prompt beside the others, so that q is 1 / (n + 1) at least with n of them: take 19 or
      more. A component may then be out of line because of what comes before it, and one may fail
      without being out of line: components in which a patch promises the most, to first order, are
      tried too, and those in which ablation does.

    Each failure is sorted into attention_collapse, path_interruption, incorrect_routing and
    overactivation (`results.TYPES`); several may hold. For each component beyond the threshold
    fixes are *tried*: its write is patched, scaled or ablated, or its attention redirected, and
    the same is done to random components. Fixes that helped are tried on the other cases.

    Args:
        model: A TransformerBridge.
        cases: A `Task`, or a list of `Case`.
        reference: A healthy model of the same architecture.
        healthy: Healthy cases, a `Task` or a list of `Case`, instead of those of `cases` that the
            model gets right; those that it gets wrong are left out.
        naming: "strongest": the type with the highest score names a failure; "first": the first
            that holds, in the order of the source.
        most: Components of a case that fixes are tried for: of those that are out of line, and of
            those that promise the most by each of the two, without a reference.
        controls: Random components beside each.
        fixes: Try fixes.
        n_cases: Failing cases, drawn at random where there are more.
        n_healthy: Healthy cases, likewise.
        n_transfers: Fixes that are tried on the other cases.
        threshold: Of q.
        batch: Healthy prompts a pass.
        seed: Of what is drawn.
        confidence: Of the intervals over cases.
        progress: Show a progress bar.

    Raises:
        TypeError: Neither a task nor cases; a reference that is no model.
        ValueError: No failing case; no healthy case and no reference; an expected answer that is
            several tokens; a reference of another architecture, or that fails too.

    >>> import circuit_widgets as cw
    >>> model, healthy = cw.load_model(), cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=4, length=6)
    >>> with cw.inject_fault(model, "zero_q", "0.1"):
    ...     found = cw.analyze_failures(model, task, reference=healthy, n_cases=2, progress=False)
    >>> found.problem_components(0)[0].component, found.failure_type(0)
    ('0.1', 'attention_collapse')
    """
    settings = checked(
        naming=naming,
        most=most,
        controls=controls,
        fixes=fixes,
        n_cases=n_cases,
        n_healthy=n_healthy,
        n_transfers=n_transfers,
        threshold=threshold,
        batch=batch,
        seed=seed,
        confidence=confidence,
    )
    looking = Looking(model, cases, reference, healthy, settings, "analyze_failures")
    return looking.steps(CircuitFailures)


@analysis("failures", uneven=True)
def diagnose_circuit_failure(
    model: TransformerBridge,
    case: Any,
    *,
    reference: TransformerBridge | None = None,
    healthy: Any = None,
    naming: str = "strongest",
    most: int = 3,
    controls: int = 3,
    fixes: bool = True,
    n_healthy: int = 48,
    threshold: float = 0.05,
    batch: int = 8,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[FailureDiagnosis | Progress]:
    """Diagnose one failing case: `analyze_failures` of it alone.

    Args:
        model: A TransformerBridge.
        case: A `Case`.
        reference: As in `analyze_failures`; or else `healthy`.
        healthy: Healthy cases, a `Task` or a list of `Case`.
        naming: As in `analyze_failures`.
        most: As there.
        controls: As there.
        fixes: As there.
        n_healthy: As there.
        threshold: As there.
        batch: As there.
        seed: As there.
        confidence: As there.
        progress: Show a progress bar.

    Raises:
        TypeError, ValueError: As `analyze_failures`; the model gets the case right.

    >>> import circuit_widgets as cw
    >>> model, healthy = cw.load_model(), cw.load_model()
    >>> case = cw.Case("blue dog seven river blue dog seven", "river")
    >>> with cw.inject_fault(model, "zero_v", "0.1"):
    ...     found = cw.diagnose_circuit_failure(model, case, reference=healthy, progress=False)
    >>> found.problem_components()[0].suggested_fix.kind
    'patch'
    """
    settings = checked(
        naming=naming,
        most=most,
        controls=controls,
        fixes=fixes,
        n_cases=1,
        n_healthy=n_healthy,
        n_transfers=0,
        threshold=threshold,
        batch=batch,
        seed=seed,
        confidence=confidence,
    )
    looking = Looking(model, case, reference, healthy, settings, "diagnose_circuit_failure")
    return looking.steps(FailureDiagnosis)
