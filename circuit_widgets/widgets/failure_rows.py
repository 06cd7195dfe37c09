"""Failing cases as the blocks that the failure browser is told."""

from __future__ import annotations

from collections.abc import Sequence

from circuit_widgets.analysis.failures.results import (
    TYPES,
    UNKNOWN,
    Answer,
    CircuitFailures,
    Fix,
    Problem,
    Transfer,
)
from circuit_widgets.analysis.failures.words import sourced
from circuit_widgets.live.failing_cases import Tried
from circuit_widgets.wire.numbers import number, true_minus
from circuit_widgets.wire.packing import Packed
from circuit_widgets.wire.topics import failures as t

# Of each type its name for people, and when it holds.
TYPE_NAMES = {
    "attention_collapse": (
        "attention collapse",
        "The head attends to one token or to all alike, and as usual it does not.",
    ),
    "path_interruption": (
        "path interruption",
        "What the head or MLP does for later ones as usual is lost.",
    ),
    "incorrect_routing": (
        "incorrect routing",
        "The head gets what it moves from other tokens than as usual.",
    ),
    "overactivation": (
        "overactivation",
        "It writes far more for its stream than as usual.",
    ),
    UNKNOWN: ("unknown", "None of the types holds."),
}
# Evidence that is said of a part, the furthest out first.
MOST_SAID = 3


def blocks_of(result: CircuitFailures, tried: Sequence[Tried], n_added: int) -> list[Packed]:
    """All that is shown: what the analysis found, and what was tried in the view since.

    Args:
        result: With the cases that were added in the view as the last ones.
        tried: Fixes that were tried in the view.
        n_added: How many cases were added in it.
    """
    first_added = len(result.cases) - n_added
    return [
        t.cases_table([_case(result, at, at >= first_added) for at in range(len(result.cases))]),
        t.scores_matrix(result.types, TYPES),
        t.z_matrix(result.anomaly, result.anomaly_mlp, result.abouts["anomaly"].about),
        t.parts_table(
            [
                _part(result, at, problem)
                for at, problems in enumerate(result.problems)
                for problem in problems
            ]
        ),
        t.tried_table(_tried(result, tried)),
        t.transfers_table(
            [_transfer(transfer) for transfer in result.transfers], result.provenance.interval
        ),
        t.named_table("kinds", [t.Named(n, *TYPE_NAMES[n]) for n in TYPE_NAMES], "Types"),
        t.named_table(
            "interventions",
            [t.Named(n, n, about, n == "redirect") for n, about in result.fixes.items()],
            "Fixes",
        ),
        t.texts_table(_texts(result)),
        *_pictures(result),
    ]


def _case(result: CircuitFailures, at: int, added: bool) -> t.CaseRow:
    asked, answer = result.cases[at], result.answers[at]
    done = at < result.n_done
    kind = result.failure_type(at) if done else ""
    second = result.second(at) if done else None
    problems = result.problems[at] if done else ()
    usual = result.usual_answers[at] if at < len(result.usual_answers) else None
    score = result.types[at, TYPES.index(kind)] if kind in TYPES else float("nan")
    return t.CaseRow(
        prompt=asked.text,
        expected=answer.expected_token,
        predicted=answer.predicted_token,
        p_expected=number(answer.p_expected),
        p_predicted=number(answer.p_predicted),
        p_healthy=None if usual is None else number(usual.p_expected),
        type=kind,
        score=number(score),
        second="" if second is None else second[0],
        margin=None if second is None else number(second[1]),
        part=problems[0].component if problems else "",
        diagnosis=" ".join(result.diagnosis(at)) if done else "",
        added=added,
    )


def _part(result: CircuitFailures, at: int, problem: Problem) -> t.PartRow:
    abouts = result.abouts
    said = []
    for one in problem.evidence[:MOST_SAID]:
        label = abouts[one.feature].label if one.feature in abouts else one.feature
        said.append(true_minus(f"{label.lower()} {one.value:.2f}, usually {one.usual:.2f}"))
    if problem.edge is not None:
        said.append(f"lost: {problem.edge}")
    if problem.source is not None:
        name = problem.component
        said.append(sourced(name, problem.source, result.cases[at].tokens).rstrip("."))
    return t.PartRow(
        at,
        problem.component,
        problem.failure_type,
        number(problem.anomaly_score),
        number(problem.q),
        "; ".join(said),
    )


def _tried(result: CircuitFailures, tried: Sequence[Tried]) -> list[t.TriedRow]:
    """Of the analysis and of the view; what was tried here takes the place of the same before."""
    here = {(one.case, one.component, one.fix.kind) for one in tried}
    found = [
        _fix(at, problem.component, fix, False)
        for at, problems in enumerate(result.problems)
        for problem in problems
        for fix in problem.fixes
        if (at, problem.component, fix.kind) not in here
    ]
    return [_fix(*one, True) for one in reversed(tried)] + found


def _fix(case: int, component: str, fix: Fix, by_hand: bool) -> t.TriedRow:
    after: Answer = fix.after
    known = [each for each in fix.control if each == each]
    highest = max(known, default=None)
    others = ", ".join(fix.control_components)
    about = f"the most of the same in {others}" if known else "nothing to compare with"
    return t.TriedRow(
        case=case,
        part=component,
        fix=fix.kind,
        back=number(fix.recovered),
        control=None if highest is None else number(highest),
        control_about=about,
        p_expected=number(after.p_expected),
        predicted=after.predicted_token,
        p_predicted=number(after.p_predicted),
        helped=fix.helped,
        by_hand=by_hand,
    )


def _transfer(transfer: Transfer) -> t.TransferRow:
    said = f"{transfer.right} of {transfer.n} other cases are right with it"
    if transfer.n_healthy:
        said += f", and {transfer.healthy_lost} of {transfer.n_healthy} healthy ones wrong"
    return t.TransferRow(
        transfer.component,
        transfer.kind,
        number(transfer.recovered),
        number(transfer.low),
        number(transfer.high),
        number(transfer.control),
        said,
    )


def _texts(result: CircuitFailures) -> list[tuple[int, tuple[str, ...]]]:
    found = []
    for at, case in enumerate(result.cases):
        beside = case if result.compared == "model" else result.healthy[result.nearest[at]]
        found += [(2 * at, case.tokens), (2 * at + 1, beside.tokens)]
    return found


def _pictures(result: CircuitFailures) -> list[Packed]:
    blocks: list[Packed] = []
    lengths = {run: len(tokens) for run, tokens in _texts(result)}
    for at, heads in enumerate(result.pictured):
        for which in (0, 1):
            run = 2 * at + which
            pixels, scales = result.pictures[at, :, which], result.pictures_scale[at, :, which]
            blocks += t.pictures(run, pixels, scales, heads, lengths[run])
    return blocks
