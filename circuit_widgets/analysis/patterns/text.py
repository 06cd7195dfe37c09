"""The text form of attention patterns: what a terminal shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circuit_widgets.analysis.patterns.classes import PatternClass
    from circuit_widgets.analysis.patterns.results import AttentionPatterns
    from circuit_widgets.heads import Head

# Heads that a line names, at most.
_NAMED = 8


def lines_of_patterns(result: AttentionPatterns) -> list[str]:
    """Each class with its heads and what they are above, then what has no class."""
    labelled, labels = result.typical_heads, list(result.labels().values())
    width = 2 + max(len(kind.label) for kind in result.classes)
    lines = [
        f"{kind.label + ':':{width}}{_named(labelled[kind.name])} ({_above(result, kind)})"
        for kind in result.classes
        if labelled[kind.name]
    ]
    unsure = labels.count("unsure")
    if unsure:
        lines.append(f"{'Unsure:':{width}}{_counted(unsure)} ({_why_unsure(result)})")
    lines.append(f"{'Other:':{width}}{_counted(labels.count('other'))}")
    if "missing" in labels:
        lines.append(f"{'Not computed:':{width}}{_counted(labels.count('missing'))}")
    if result.nulls.get("uniform") == 1:
        lines.append(
            "How attention is spread names no head: at least three quarters of the heads are more "
            "uniform than random rows, as in an untrained model"
        )
    return lines


def _above(result: AttentionPatterns, kind: PatternClass) -> str:
    """`95 % interval above 0.40 and the highest of 8 random heads, 0.12; n = 8 sequences`."""
    n_heads = result.shape[0] * result.shape[1]
    probed = kind.null == "control"
    n, unit = (result.n_sequences, "sequence") if probed else (result.n_prompts, "prompt")
    control = ", its control" if probed else ""
    return (
        f"{result.provenance.interval} above {kind.threshold:.2f}{control} and the highest of "
        f"{n_heads} random heads, {result.nulls[kind.name]:.2f}; n = {n} {unit}s"
    )


def _why_unsure(result: AttentionPatterns) -> str:
    if not result.nulls:
        return "this version compares a class with random heads, which the file does not have"
    return (
        "a class would hold by the value, but one text has no interval: n = "
        f"{_counted(result.n_prompts, 'prompt')}, {_counted(result.n_sequences, 'sequence')}"
    )


def _named(heads: Sequence[Head]) -> str:
    shown = ", ".join(map(str, heads[:_NAMED])) + (", ..." if len(heads) > _NAMED else "")
    return f"{_counted(len(heads))}: {shown}"


def _counted(n: int, unit: str = "head") -> str:
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"
