"""Failing cases in words, and the scores of their heads, made of a result's numbers only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from circuit_widgets.analysis.failures.features import ABOUTS
from circuit_widgets.analysis.failures.parts import (
    TYPES,
    UNKNOWN,
    Answer,
    Problem,
    Source,
    Transfer,
)
from circuit_widgets.analysis.failures.problems import HOLDS
from circuit_widgets.prompts.characters import quoted
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    from circuit_widgets.analysis.failures.results import CircuitFailures

TYPES_IN_WORDS = {
    "attention_collapse": "attention collapse",
    "path_interruption": "an interrupted path",
    "incorrect_routing": "incorrect routing",
    "overactivation": "overactivation",
    UNKNOWN: "an unknown kind of failure",
}


def ranked(result: CircuitFailures, case: int) -> list[tuple[str, float]]:
    """The types that hold in a case, with their scores, the one that names it first."""
    scores = result.types[case].nan_to_num(0).tolist()
    holding = [(name, each) for name, each in zip(TYPES, scores, strict=True) if each >= HOLDS]
    if not holding:
        return [(UNKNOWN, max(scores))]
    if result.naming == "first":
        return holding
    return sorted(holding, key=lambda each: -each[1])


def anomalies(result: CircuitFailures, case: int) -> dict[str, float]:
    """Robust z of each component that was measured, the highest first."""
    found = {}
    for layer, row in enumerate(result.anomaly[case].tolist()):
        found |= {f"{layer}.{head}": z for head, z in enumerate(row)}
        found[f"{layer}.mlp"] = float(result.anomaly_mlp[case, layer])
    there = {name: z for name, z in found.items() if not math.isnan(z)}
    return dict(sorted(there.items(), key=lambda item: -item[1]))


def component(name: str) -> str:
    """As a sentence has it.

    >>> component("1.2"), component("0.mlp")
    ('head 1.2', 'the MLP of layer 0')
    """
    return f"the MLP of layer {name[:-4]}" if name.endswith(".mlp") else f"head {name}"


def said(answer: Answer) -> str:
    """What a model answers, in words."""
    where = f"{quoted(answer.expected_token)} has p = {answer.p_expected:.2f}"
    if answer.rank == 1:
        return f"predicts {quoted(answer.predicted_token)} (p = {answer.p_predicted:.2f})"
    return f"predicts {quoted(answer.predicted_token)} (p = {answer.p_predicted:.2f}), and {where}"


def diagnosis(result: CircuitFailures, case: int) -> tuple[str, ...]:
    """What was expected, what is out of line, in what way, and which fix helped."""
    answer = result.answers[case]
    found = [f"{quoted(answer.expected_token)} is expected; the model {said(answer)}."]
    if case < len(result.usual_answers):
        found.append(f"The reference {said(result.usual_answers[case])}.")
    if case >= result.n_done:
        return (*found, "This case has not been looked into yet.")
    problems = result.problems[case]
    out = [each for each in problems if each.q <= result.threshold]
    if not out:
        found.append(
            f"No component is out of line (q up to {result.threshold:g}), so the kind of failure "
            "is unknown."
        )
    else:
        found += [_out(result, case, out)]
        shown = result.cases[case].tokens
        found += [sourced(each.component, each.source, shown) for each in out if each.source]
    found += [_fixed(each, result.fixes) for each in problems if each.fixes]
    return tuple(found)


def _out(result: CircuitFailures, case: int, out: list[Problem]) -> str:
    first = out[0]
    others = ""
    if len(out) > 1:
        named = ", ".join(component(each.component) for each in out[1:4])
        more = f" and {len(out) - 4} more" if len(out) > 4 else ""
        others = f"; so {'is' if len(out) == 2 else 'are'} {named}{more}"
    kinds = ranked(result, case)
    name = TYPES_IN_WORDS[kinds[0][0]]
    edge = f" ({first.edge} has no effect)" if first.edge else ""
    second = ""
    if len(kinds) > 1:
        second = f", then {TYPES_IN_WORDS[kinds[1][0]]}, {kinds[0][1] - kinds[1][1]:.2f} behind"
    whole = component(first.component)
    return (
        f"{whole[0].upper()}{whole[1:]} is out of line (z = {first.anomaly_score:.1f}, "
        f"{_finds(first.q)}){others}. It looks like {name}{edge}, score {kinds[0][1]:.2f}{second}."
    )


def sourced(name: str, source: Source, tokens: Sequence[str]) -> str:
    """Where a head gets what the answer hangs on, in words.

    >>> sourced("1.2", Source(1, 1, 2.0, 1.9), ["a", "b"]).partition("reads ")[2]
    "'b' (position 1, 2.00 nats) here as in the reference."
    """

    def key(at: int | None, effect: float) -> str:
        if at is None:
            return "no key that matters"
        return f"{quoted(tokens[at].strip())} (position {at}, {effect:.2f} nats)"

    found = f"By knockout at the last token, {component(name)} reads"
    here, usual = key(source.here, source.effect), key(source.usual, source.usual_effect)
    if source.here is not None and source.here == source.usual:
        return f"{found} {here} here as in the reference."
    return f"{found} {here} here, and {usual} in the reference."


def _finds(q: float) -> str:
    """A share of false finds; one below its digits is not 0."""
    return "q < 0.001" if q < 0.001 else f"q = {q:.2g}"


def _fixed(problem: Problem, fixes: dict[str, str]) -> str:
    best = problem.suggested_fix
    name = component(problem.component)
    if best is None:
        tried = max(problem.fixes, key=lambda fix: _number(fix.recovered))
        return (
            f"No fix of {name} helped: the best of {len(problem.fixes)}, {tried.kind}, brought "
            f"back {_percent(tried.recovered)} of the metric{_control(tried.control)}."
        )
    right = "the answer is still wrong"
    if best.after.right:
        right = "the answer is right then"
        if best.after.rank > 1:
            right = "the expected token is likelier than the wrong ones then, and not the likeliest"
    return (
        f"Letting {name} {fixes[best.kind]} ({best.kind}) brings back {_percent(best.recovered)} "
        f"of the metric{_control(best.control)}; {right}."
    )


def _control(control: tuple[float, ...]) -> str:
    known = [each for each in control if not math.isnan(each)]
    if not known:
        return ""
    n = len(known)
    where = "a random component" if n == 1 else f"{n} random components"
    return f" (in {where} at most {_percent(max(known))})"


def _percent(share: float) -> str:
    return "an unknown share" if math.isnan(share) else f"{round(100 * share)} %"


def _number(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def abouts(result: CircuitFailures) -> dict[str, About]:
    """What the scores of each head mean."""
    model = result.compared == "model"
    anomaly = About(
        "anomaly",
        "Anomaly (robust z)",
        "How far what the head does is from what the reference does of the same input, among all "
        "components."
        if model
        else "How far out the head is on this prompt, beside its own healthy prompts.",
        "circuit_widgets: median and MAD",
        most=None,
        group="this case",
        unit="deviations",
    )
    return {"anomaly": anomaly, **ABOUTS}


def score(result: CircuitFailures, name: str, case: int | None) -> Score:
    """A score of each head, in one case, or as the mean over the cases that are done."""
    if name not in result.abouts:
        accepted = ", ".join(map(repr, result.abouts))
        raise ValueError(f"there is no score {name!r}; scores are {accepted}")
    if name == "anomaly":
        values = (result.anomaly, None)
    else:
        at = result.features.index(name)
        values = (result.values[:, at], result.usual[:, at])
    value, control = (None if each is None else _of(each, case, result.n_done) for each in values)
    assert value is not None
    return Score(value) if control is None else Score(value, control=control)


def _lost(transfer: Transfer) -> str:
    if not transfer.n_healthy:
        return ""
    return f", {transfer.healthy_lost} of {transfer.n_healthy} healthy cases lost"


def _of(tensor: torch.Tensor, case: int | None, n_done: int) -> torch.Tensor:
    return tensor[:n_done].mean(0) if case is None else tensor[case]


def lines(result: CircuitFailures) -> list[str]:
    """The text form."""
    with_model = (
        f"a healthy model ({result.reference})"
        if result.compared == "model"
        else (f"{len(result.healthy)} prompts that the model gets right")
    )
    found = [f"compared with {with_model}"]
    if len(result.cases) == 1:
        return [*found, *diagnosis(result, 0)]
    counts = {name: len(some) for name, some in result.failures.items() if some}
    kinds = ", ".join(f"{name} {n}" for name, n in counts.items())
    found.append(f"types: {kinds or 'none yet'}")
    for at, problems in enumerate(result.problems[:8]):
        answer = result.answers[at]
        what = (
            f"{quoted(answer.expected_token)} expected, {quoted(answer.predicted_token)} predicted"
        )
        best = next((each.suggested_fix for each in problems if each.suggested_fix), None)
        fix = f", {best.kind} brings back {_percent(best.recovered)}" if best else ""
        first = (
            f"{problems[0].component} (z = {problems[0].anomaly_score:.1f})" if problems else "-"
        )
        found.append(f"case {at}: {what}; {result.failure_type(at)}, {first}{fix}")
    if len(result.problems) > 8:
        found.append(f"and {len(result.problems) - 8} more cases")
    for each in result.transfers:
        found.append(
            f"{each.kind} of {each.component}, found on case {each.found_on}: brings back "
            f"{_percent(each.recovered)} on the other {each.n} (control at most "
            f"{_percent(each.control)}), {each.right} of them right{_lost(each)}"
        )
    return found
