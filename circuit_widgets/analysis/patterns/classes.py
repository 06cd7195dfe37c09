"""The classes of attention patterns, and how to add one."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from typing import Any, Literal

from torch import Tensor

from circuit_widgets import arguments

Compute = Callable[[Tensor, Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class PatternClass:
    """One class of patterns.

    Attributes:
        name: As in the user's source.
        label: For people.
        description: One sentence.
        function: What such a head is thought to do, as in the user's source.
        score: The score that decides.
        threshold: A head is of the class if its score is above this beyond doubt, and above its
            null. Habits, not laws.
        null: What the null is: the control without repeats, or chance.
        source: Where the class is from.
        compute: Of a registered class: (pattern [batch, head, query, key], tokens [batch, pos]) to
            [batch, head].
    """

    name: str
    label: str
    description: str
    function: str
    score: str
    threshold: float
    null: Literal["control", "chance"] = "chance"
    source: str = ""
    compute: Compute | None = None

    def plain(self) -> dict[str, Any]:
        """Without the function: what a file can hold."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "compute"
        }


# The first that holds names a head: what repeats is more special than where it stands, and that
# more than how it is spread.
ATTENTION_PATTERNS: dict[str, PatternClass] = {
    kind.name: kind
    for kind in (
        PatternClass(
            "induction",
            "Induction",
            "Looks at what followed the same token earlier.",
            "pattern_completion",
            "prefix_matching",
            0.4,
            "control",
            "Olsson et al. 2022, In-context Learning and Induction Heads",
        ),
        PatternClass(
            "duplicate_token",
            "Duplicate token",
            "Looks at earlier copies of the same token.",
            "repetition_detection",
            "duplicate_token",
            0.4,
            "control",
            "Wang et al. 2022, Interpretability in the Wild",
        ),
        PatternClass(
            "first_token",
            "First token",
            "Rests on the first token.",
            "attention_sink",
            "first_token",
            0.5,
            source="Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks",
        ),
        PatternClass(
            "diagonal",
            "Diagonal",
            "Looks at the token itself or the one before.",
            "local_context",
            "diagonal",
            0.7,
            source="the user's source, section 5",
        ),
        PatternClass(
            "uniform",
            "Uniform",
            "Looks at all tokens about alike.",
            "global_aggregation",
            "uniform",
            0.5,
            source="the user's source, section 5",
        ),
        PatternClass(
            "hierarchical",
            "Multi-scale",
            "Spreads its attention over near and far alike, octave by octave.",
            "multi_scale_processing",
            "hierarchical",
            0.6,
            source="the user's source, section 5",
        ),
    )
}
_BUILT_IN = frozenset(ATTENTION_PATTERNS)


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

    Its null is its own score of uniform attention. Classes that were there before it come first.

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
        compute=score,
    )
    ATTENTION_PATTERNS[name] = kind
    return kind


def unregister_pattern(name: str) -> None:
    """Take a registered class away.

    Raises:
        ValueError: There is none, or it is one of the package's own.
    """
    if name in _BUILT_IN:
        raise ValueError(f"{name!r} is one of the package's own classes and stays")
    if name not in ATTENTION_PATTERNS:
        raise ValueError(f"there is no pattern class {name!r}; {_known(name)}")
    del ATTENTION_PATTERNS[name]


def with_thresholds(thresholds: Mapping[str, float] | None) -> list[PatternClass]:
    """All classes, some with other thresholds."""
    chosen: dict[str, float] = {}
    for name, value in dict(thresholds or {}).items():
        if name not in ATTENTION_PATTERNS:
            raise ValueError(f"there is no pattern class {name!r}; {_known(name)}")
        chosen[name] = check_threshold(name, value)
    return [
        dataclasses.replace(kind, threshold=chosen.get(name, kind.threshold))
        for name, kind in ATTENTION_PATTERNS.items()
    ]


def check_threshold(name: str, value: object) -> float:
    return arguments.share(f"the threshold of {name!r}", value, ends=True)


def _known(name: str) -> str:
    close = difflib.get_close_matches(name, ATTENTION_PATTERNS, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}classes are {', '.join(ATTENTION_PATTERNS)}"
