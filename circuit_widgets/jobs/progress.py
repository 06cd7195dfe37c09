"""How much of the work of an analysis is done: all of its stages, not only its first."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class Progress:
    """Steps done of all steps, and the stage that is under way.

    An analysis yields it where it has no new result yet: the bar moves, other threads get the
    model, and a stop is noticed. One that yields results only is counted by their provenance.

    Attributes:
        done: Steps that are done, over all stages.
        total: Steps of all stages, as far as it is known by now.
        stage: What is under way, in the field's words; "" when all is done.
        seconds: Since the analysis began; stamped by the decorator.
    """

    done: int
    total: int
    stage: str = ""
    seconds: float = dataclasses.field(default=0.0, compare=False)


class Work:
    """The stages of an analysis with their steps, counted as they are done.

    A step is about a forward pass, so that the time that is left can be guessed.

    >>> work = Work({"attention": 2, "ablation": 3})
    >>> work.did("attention")
    Progress(done=1, total=5, stage='attention', seconds=0.0)
    >>> work.plan("ablation", 7)
    >>> work.did("attention")
    Progress(done=2, total=9, stage='ablation', seconds=0.0)
    """

    def __init__(self, stages: Mapping[str, int]) -> None:
        self._planned = dict(stages)
        self._done = dict.fromkeys(stages, 0)

    def plan(self, stage: str, steps: int) -> None:
        """A stage turns out to have this many steps."""
        self._planned[stage] = max(steps, self._done.setdefault(stage, 0))

    def did(self, stage: str, steps: int = 1) -> Progress:
        """Some steps of a stage are done."""
        self._done[stage] += steps
        self._planned[stage] = max(self._planned[stage], self._done[stage])
        return self.now()

    def end(self, stage: str) -> Progress:
        """A stage is over, whatever was planned for it."""
        self._planned[stage] = self._done[stage]
        return self.now()

    def now(self) -> Progress:
        """Where it stands."""
        left = [name for name, steps in self._planned.items() if self._done[name] < steps]
        return Progress(
            sum(self._done.values()), sum(self._planned.values()), left[0] if left else ""
        )
