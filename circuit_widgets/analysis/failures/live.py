"""What a view asks while the model is there: one fix, one more case, attention side by side."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments, capture
from circuit_widgets.analysis.failures.against_prompts import gathered
from circuit_widgets.analysis.failures.answers import answer
from circuit_widgets.analysis.failures.cases import Asked, Case, asked_of
from circuit_widgets.analysis.failures.choosing import check_reference
from circuit_widgets.analysis.failures.fixes import Part, kinds_of, try_fixes
from circuit_widgets.analysis.failures.looking import Looking, Settings, references
from circuit_widgets.analysis.failures.parts import FIXES, Fix
from circuit_widgets.analysis.failures.results import CircuitFailures
from circuit_widgets.analysis.failures.seen import Seen, batch_of, see
from circuit_widgets.analysis.failures.usual import Usual, usual_of
from circuit_widgets.capture.modes import evaluating, modules_of
from circuit_widgets.causal.nodes import parts_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

R = TypeVar("R", bound=CircuitFailures)


def reference_of(result: CircuitFailures) -> TransformerBridge | None:
    """The healthy model that a result's model was last compared with, while it is alive."""
    model = result.model()
    kept = None if model is None else references.get(model)
    return None if kept is None or result.compared != "model" else kept()


def try_fix(
    model: TransformerBridge,
    result: CircuitFailures,
    case: int,
    component: str,
    kind: str,
    reference: TransformerBridge | None = None,
) -> Fix:
    """Try one fix of any component in one case, beside random components.

    Args:
        model: The model that failed.
        result: Whose case it is.
        case: Its number.
        component: "1.2" or "0.mlp".
        kind: One of `FIXES`.
        reference: The healthy model; None: the one that was compared with, while it is alive.

    Raises:
        ValueError: No such case, component or fix; the reference is gone.

    >>> import circuit_widgets as cw
    >>> model, healthy = cw.load_model(), cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=4, length=6)
    >>> with cw.inject_fault(model, "zero_q", "0.1"):
    ...     found = cw.analyze_failures(model, task, reference=healthy, n_cases=1, progress=False)
    ...     fix = try_fix(model, found, 0, "0.1", "redirect")
    >>> round(fix.recovered, 3)
    1.0
    """
    asked = _case(result, case)
    part, kind = _part(result, component), arguments.choice("kind", kind, FIXES)
    settings = result.provenance.settings(Settings)
    own, usual = _run(model, result, asked, reference)
    if kind not in kinds_of(part, usual):
        why = (
            "an MLP has no attention"
            if part.head is None
            else "no three healthy prompts have its length, so that there is no attention to "
            "redirect it to"
        )
        raise ValueError(f"{component} cannot be fixed by {kind}: {why}")
    problems = result.problems[case] if case < result.n_done else ()
    taken = [Part.parse(each.component) for each in problems]
    (fixes,) = try_fixes(
        own, usual, asked, [part], taken, settings.controls, settings.seed, only=kind
    )
    return fixes[0]


def add_case(
    model: TransformerBridge,
    result: R,
    prompt: Any,
    expected: Any,
    wrong: Any = None,
    reference: TransformerBridge | None = None,
) -> R:
    """The result with one more case, looked into as the others were.

    Args:
        model: The model that failed.
        result: What is known.
        prompt: As in `Case`.
        expected: As in `Case`.
        wrong: As in `Case`.
        reference: As in `try_fix`.

    Raises:
        ValueError: The model gets it right, the reference gets it wrong, or as `Case`.

    >>> import circuit_widgets as cw
    >>> model, healthy = cw.load_model(), cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=4, length=6)
    >>> with cw.inject_fault(model, "zero_q", "0.1"):
    ...     found = cw.analyze_failures(model, task, reference=healthy, n_cases=1, progress=False)
    ...     case = found.cases[0]
    ...     more = add_case(model, found, case.ids, case.expected[0])
    >>> len(more.cases), more.failure_type(1)
    (2, 'attention_collapse')
    """
    case = Case(prompt, expected, wrong=wrong)
    asked_of(model, case)
    settings = result.provenance.settings(Settings)
    one = dataclasses.replace(settings, n_cases=1, n_transfers=0)
    other = _reference(result, reference)
    looking = Looking(model, case, other, _cases(result), one, "add_case")
    with capture.lock(model), evaluating(modules_of(model)), torch.no_grad():
        *_, new = looking.steps(CircuitFailures)
    assert isinstance(new, CircuitFailures)
    return _joined(result, new)


def attention(
    model: TransformerBridge,
    result: CircuitFailures,
    case: int,
    layer: int,
    reference: TransformerBridge | None = None,
) -> tuple[Float[Tensor, "head query key"], Float[Tensor, "head other_query other_key"]]:
    """Attention of a layer in a case, and as usual: in the reference, or on a healthy prompt.

    The healthy prompt is `result.healthy[result.nearest[case]]`.

    Raises:
        ValueError: No such case or layer; the reference is gone.
    """
    asked = _case(result, case)
    layer = arguments.whole("layer", layer, 0, result.shape[0] - 1)
    other = _reference(result, reference)
    beside = asked if other is not None else result.healthy[result.nearest[case]]
    found = []
    for which, each in ((model, asked), (other if other is not None else model, beside)):
        keep = capture.Keep("pattern", {layer})
        ids = batch_of((each.ids,), which.cfg.device)
        capture.run(which, ids, [keep], logits=False)
        found.append(keep.tensors[layer][0].float().cpu())
    return found[0], found[1]


def _case(result: CircuitFailures, case: int) -> Asked:
    return result.cases[arguments.whole("case", case, 0, len(result.cases) - 1)]


def _part(result: CircuitFailures, component: str) -> Part:
    part = Part.parse(component)
    n_layers, n_heads = result.shape
    known = 0 <= part.layer < n_layers and (part.head is None or part.head < n_heads)
    grid = result.anomaly_mlp if part.head is None else result.anomaly[..., part.head]
    if not known or (result.n_done and not bool(grid[0, part.layer].isfinite())):
        raise ValueError(f"there is no component {component!r} in this model")
    return part


def _reference(
    result: CircuitFailures, given: TransformerBridge | None
) -> TransformerBridge | None:
    if result.compared != "model":
        return None
    found = given if given is not None else reference_of(result)
    if found is None:
        raise ValueError(
            f"the reference {result.reference} is gone from memory; load it and pass it as "
            "reference="
        )
    return found


def _cases(result: CircuitFailures) -> list[Case] | None:
    """The healthy ones; None: there are none, as under a fault that all cases fail with."""
    found = [Case(each.ids, each.expected, wrong=each.wrong or None) for each in result.healthy]
    return found or None


def _run(
    model: TransformerBridge,
    result: CircuitFailures,
    asked: Asked,
    reference: TransformerBridge | None,
) -> tuple[Seen, Usual]:
    """A case's own run, and what is usual at its positions."""
    other = _reference(result, reference)
    ids = batch_of((asked.ids,), model.cfg.device)
    with evaluating(modules_of(model)), torch.no_grad():
        if other is None:
            nodes = parts_of(model)
            batch = result.provenance.settings(Settings).batch
            healthy = gathered(model, nodes, result.healthy, batch)
            return see(model, nodes, ids), healthy.usual(len(asked.ids))
        nodes = check_reference(model, other)
        with evaluating(modules_of(other)):
            seen = see(other, nodes, ids)
        return see(model, nodes, ids), usual_of(seen, answer(other, seen.logits[0], asked).metric)


def _joined(result: R, new: CircuitFailures) -> R:
    """One result's cases after another's."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(result):
        mine, theirs = getattr(result, field.name), getattr(new, field.name)
        if field.name == "pictures_scale" or isinstance(mine, Tensor):
            changes[field.name] = torch.cat([mine, theirs])
        elif field.name in ("cases", "answers", "usual_answers", "nearest", "problems", "pictured"):
            changes[field.name] = (*mine, *theirs)
    n = len(changes["cases"])
    made = dataclasses.replace(
        result.provenance, n_done=len(changes["problems"]), n_total=n, probe=f"{n} failing cases"
    )
    joined = dataclasses.replace(result, provenance=made, **changes)
    model = result.model()
    return joined if model is None else joined.attach(model)
