"""The components of a case that are problems, with their evidence and the fixes tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.features import ABOUTS
from circuit_widgets.analysis.failures.finding import Finding
from circuit_widgets.analysis.failures.fixes import Part, try_fixes
from circuit_widgets.analysis.failures.parts import TYPES, UNKNOWN, Evidence, Fix, Problem
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from circuit_widgets.analysis.failures.looking import Settings

# A type holds from this score on.
HOLDS = 0.5
# Pieces of evidence that are kept.
_KEPT = 4


def problems_of(found: Finding, asked: Asked, settings: Settings) -> tuple[Problem, ...]:
    """The parts up to the threshold, the furthest out first; then those that promise an effect."""
    ranked = found.ranked()
    out = [each for each in ranked if each[2] <= settings.threshold]
    known = {part: (z, q) for part, z, q in ranked}
    furthest = [part for part, _, _ in out]
    by_effect = [part for part in found.tried_by_effect if part not in furthest]
    wanted = [*furthest[: settings.most], *by_effect]
    parts = [*furthest, *by_effect]
    fixes: dict[Part, tuple[Fix, ...]] = {}
    if settings.fixes and wanted:
        # What is out of line, or promises something, is no control of another.
        made = try_fixes(
            found.own, found.usual, asked, wanted, parts, settings.controls, settings.seed
        )
        fixes = dict(zip(wanted, made, strict=True))
    return tuple(
        _problem(found, part, *known[part], part in wanted, fixes.get(part, ())) for part in parts
    )


def _problem(
    found: Finding, part: Part, z: float, q: float, edges: bool, fixes: tuple[Fix, ...]
) -> Problem:
    scores, edge = found.types(part, edges)
    kind, source = named(scores.tolist()), None
    if kind == "incorrect_routing" and edges and part.head is not None and found.sources:
        source = found.sources(Head(part.layer, part.head))
    return Problem(
        component=str(part),
        anomaly_score=z,
        q=q,
        failure_type=kind,
        type_scores=tuple(scores.tolist()),
        edge=edge,
        evidence=_evidence(found, part),
        fixes=fixes,
        source=source,
    )


def named(scores: list[float]) -> str:
    """The type with the highest score, if it holds.

    >>> named([0.1, 0.7, 0.6, 0.0]), named([0.1, 0.2, 0.2, 0.2])
    ('path_interruption', 'unknown')
    """
    best = max(range(len(TYPES)), key=lambda at: scores[at])
    return TYPES[best] if scores[best] >= HOLDS else UNKNOWN


def _evidence(found: Finding, part: Part) -> tuple[Evidence, ...]:
    if part.head is None:
        return ()
    values, usual, z = (
        each[:, part.layer, part.head] for each in (found.values, found.usual_values, found.z)
    )
    far = z.abs() if bool(z.isfinite().any()) else (values - usual).abs()
    order = far.nan_to_num(-math.inf).argsort(descending=True).tolist()
    names = tuple(ABOUTS)
    return tuple(
        Evidence(names[at], float(values[at]), float(usual[at]), float(z[at]))
        for at in order[:_KEPT]
        if bool(torch.isfinite(far[at]))
    )
