"""The classes of attention patterns, and how to add one."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Literal

from circuit_widgets import arguments
from circuit_widgets.attention.shapes import Compute


@dataclasses.dataclass(frozen=True)
class PatternClass:
    """One class of patterns.

    Attributes:
        name: As in code: "hierarchical".
        label: As in views and figures: "Multi-scale (hierarchical)". Wherever a class is asked
            for, both do.
        description: One sentence.
        function: What such a head is thought to do.
        score: The score that decides.
        threshold: A head is of the class if the interval of its score is above this, above its
            null, and above what the highest of as many random heads would score
            (`AttentionPatterns.nulls`). Thresholds are conventions of the field.
        null: What the null is: the control without repeats, or chance.
        source: Where the class is from.
    """

    name: str
    label: str
    description: str
    function: str
    score: str
    threshold: float
    null: Literal["control", "chance"] = "chance"
    source: str = ""


_CLARK = "Clark et al. 2019, What Does BERT Look At?"
# The first that holds names a head: what repeats is more special than where it stands, and that
# more than how it is spread.
ATTENTION_PATTERNS: dict[str, PatternClass] = {
    kind.name: kind
    for kind in (
        PatternClass(
            "induction",
            "Induction",
            "Attends to the token that followed an earlier occurrence of the same token.",
            "pattern_completion",
            "prefix_matching",
            0.4,
            "control",
            "Olsson et al. 2022, In-context Learning and Induction Heads",
        ),
        PatternClass(
            "duplicate_token",
            "Duplicate token",
            "Attends to earlier occurrences of the same token.",
            "repetition_detection",
            "duplicate_token",
            0.4,
            "control",
            "Wang et al. 2022, Interpretability in the Wild",
        ),
        PatternClass(
            "first_token",
            "First token",
            "Attends mostly to the first token.",
            "attention_sink",
            "first_token",
            0.5,
            source="Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks",
        ),
        PatternClass(
            "diagonal",
            "Diagonal",
            "Attends to the token itself or the previous one.",
            "local_context",
            "diagonal",
            0.7,
            source=_CLARK,
        ),
        PatternClass(
            "uniform",
            "Uniform",
            "Attends roughly equally to all tokens, in a model most of whose heads do not.",
            "global_aggregation",
            "uniform",
            0.5,
            source=_CLARK + " (broad attention)",
        ),
        PatternClass(
            "hierarchical",
            "Multi-scale (hierarchical)",
            "Spreads its attention equally over octaves of distance, in a model most of whose "
            "heads are not uniform.",
            "multi_scale_processing",
            "hierarchical",
            0.6,
            source="circuit_widgets: entropy over octaves of distance",
        ),
    )
}
_BUILT_IN = frozenset(ATTENTION_PATTERNS)
# Of registered classes, by the name of their score.
COMPUTED: dict[str, Compute] = {}


def register_pattern(
    name: str,
    *,
    description: str,
    function: str,
    score: Compute,
    threshold: float,
    label: str | None = None,
    source: str = "",
) -> PatternClass:
    """Add a class of patterns; analyses that start later look for it too.

    Its nulls are its own score of uniform attention, and that of random heads. Classes that were
    there before it come first.

    Args:
        name: A new name.
        description: One sentence.
        function: What such a head is thought to do.
        score: (pattern [batch, head, query, key], tokens [batch, pos]) to a score [batch, head].
            Called in the middle of a forward pass, with tensors on the model's device.
        threshold: From 0 to 1.
        label: For people; the name if there is none.
        source: Where the class is from.

    Raises:
        TypeError: The score cannot be called.
        ValueError: The name is taken; a threshold out of range.

    >>> second = lambda pattern, tokens: pattern[..., 2:, 1].mean(-1)
    >>> kind = register_pattern(
    ...     "second_token",
    ...     description="Attends to the second token.",
    ...     function="second_sink",
    ...     score=second,
    ...     threshold=0.5,
    ... )
    >>> kind.name in ATTENTION_PATTERNS
    True
    >>> unregister_pattern("second_token")
    """
    if name in ATTENTION_PATTERNS:
        raise ValueError(f"there is a pattern class {name!r} already; take another name")
    if not callable(score):
        raise TypeError(f"score is {score!r}; accepted is a function of (pattern, tokens)")
    kind = PatternClass(
        name,
        label or name,
        description,
        function,
        name,
        check_threshold(name, threshold),
        source=source,
    )
    ATTENTION_PATTERNS[name], COMPUTED[name] = kind, score
    return kind


def unregister_pattern(name: str) -> None:
    """Take a registered class away; see `register_pattern`.

    Raises:
        ValueError: There is none, or it is one of the package's own.

    >>> import circuit_widgets as cw
    >>> itself = lambda pattern, tokens: pattern.diagonal(dim1=-2, dim2=-1).mean(-1)
    >>> _ = cw.register_pattern(
    ...     "self", description="Attends to itself.", function="copy", threshold=0.5, score=itself
    ... )
    >>> cw.unregister_pattern("self")
    >>> "self" in cw.ATTENTION_PATTERNS
    False
    """
    if name in _BUILT_IN:
        raise ValueError(f"{name!r} is one of the package's own classes and stays")
    class_named(name, ATTENTION_PATTERNS.values())
    del ATTENTION_PATTERNS[name], COMPUTED[name]


def with_thresholds(thresholds: Mapping[str, float] | None) -> list[PatternClass]:
    """All classes, some with other thresholds."""
    kinds = list(ATTENTION_PATTERNS.values())
    chosen = thresholds_by_name(thresholds, kinds)
    return [
        dataclasses.replace(kind, threshold=chosen.get(kind.name, kind.threshold)) for kind in kinds
    ]


def thresholds_by_name(
    thresholds: Mapping[str, float] | None, kinds: Iterable[PatternClass]
) -> dict[str, float]:
    """Thresholds that were given by name or by label, checked, by name."""
    kinds = list(kinds)
    return {
        class_named(name, kinds).name: check_threshold(name, value)
        for name, value in (thresholds or {}).items()
    }


def check_threshold(name: str, value: object) -> float:
    return arguments.share(f"the threshold of {name!r}", value, ends=True)


def class_named(name: str, kinds: Iterable[PatternClass]) -> PatternClass:
    """The class of a name ("hierarchical") or of a label ("Multi-scale (hierarchical)").

    Raises:
        ValueError: There is none; the sentence names the close one, and lists all.
    """
    known = {kind.name: kind for kind in kinds}
    known |= {kind.label: kind for kind in known.values() if kind.label not in known}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    listed = dict.fromkeys(kind.name for kind in known.values())
    raise ValueError(
        f"there is no pattern class {arguments.shown(name)}; {hint}classes are {', '.join(listed)}"
    )
