"""How a view opens: its frame, what is selected first, and its thresholds, as keywords say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from circuit_widgets import arguments
from circuit_widgets.widgets.base import refuse_unknown
from circuit_widgets.widgets.params import THRESHOLD

LEAST_HEIGHT = 120


@dataclass(frozen=True)
class Opening:
    """What Python asks of a view when it opens.

    Attributes:
        height: In px; None is the view's own.
        hide: Names of panels to leave out.
        title: Above the view; None is none.
        caption: Below the view; None is none.
        selection: A head ("5.1", (5, 1), `Head`), or a `Selection` that other views share.
        query: The position selected as query.
        key: The position selected as key.
        thresholds: By short name: {"induction": 0.4}.
        params: By full name: {"threshold.induction": 0.4, "first": "hide"}.
        lock: Sliders and thresholds that readers cannot move, by short or full name.
    """

    height: int | None = None
    hide: Sequence[str] = ()
    title: str | None = None
    caption: str | None = None
    selection: Any = None
    query: int | None = None
    key: int | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    lock: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.height is not None:
            height = arguments.whole("height in px", self.height, LEAST_HEIGHT)
            object.__setattr__(self, "height", height)
        if isinstance(self.hide, str):
            raise TypeError(f"hide is {self.hide!r}; accepted is a list of names of panels")
        if isinstance(self.lock, str):
            raise TypeError(f"lock is {self.lock!r}; accepted is a list of names of sliders")

    @property
    def values(self) -> dict[str, Any]:
        """All parameters by their full names."""
        short = {f"{THRESHOLD}{name}": value for name, value in self.thresholds.items()}
        return {**short, **self.params}


NAMES = [f.name for f in fields(Opening)]


def opening(callee: str, asked: Mapping[str, Any], others: Sequence[str] = ()) -> Opening:
    """The opening that keywords ask for.

    Args:
        callee: Who was called, for the sentence.
        asked: The keywords.
        others: Keywords that the callee takes besides these.

    Raises:
        TypeError: A keyword that there is not; the sentence has the closest one.
    """
    unknown = {name: value for name, value in asked.items() if name not in NAMES}
    refuse_unknown(callee, unknown, [*others, *NAMES])
    return Opening(**{name: value for name, value in asked.items() if name in NAMES})
