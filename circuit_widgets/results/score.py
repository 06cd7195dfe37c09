"""A score: numbers for every head, always with what chance or a control would give."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class About:
    """What a score means, for people: the one table that frames, plots and views read.

    `null` says what a head has to beat: its own control, or, where the control finds as much (a
    previous token is there with and without repeats), the score by chance.
    """

    name: str
    label: str
    about: str
    source: str
    least: float = 0.0
    most: float | None = 1.0
    null: Literal["control", "chance"] = "control"
    # What it was measured on, in two words.
    group: str = "random tokens"
    # "" for a share, from 0 to 1.
    unit: str = ""


def interval_in_words(confidence: float | None) -> str:
    """What stands before the ends of an interval, where they are shown to people.

    >>> interval_in_words(0.9), interval_in_words(0.999), interval_in_words(None)
    ('90 % interval', '99.9 % interval', 'interval')
    """
    return "interval" if confidence is None else f"{100 * confidence:g} % interval"


@dataclasses.dataclass(frozen=True, eq=False)
class Score:
    """One number per head (`[layer, head]`) or for the model (`[]`), with its nulls.

    Attributes:
        value: The score. NaN: not computed, or not computable.
        chance: What a head that attends uniformly would score.
        control: The same score where there is nothing to find.
        low, high: Interval of `value` over the sequences. NaN where there is only one.
        control_low, control_high: The same of `control`.
        extreme_low, extreme_high: Between what all numbers of the result are at once where there
            is nothing to find, as often as the confidence says: `control_low` and `control_high`
            corrected for how many numbers there are.
    """

    value: Float[Tensor, "*heads"]
    chance: Float[Tensor, ""] | None = None
    control: Float[Tensor, "*heads"] | None = None
    low: Float[Tensor, "*heads"] | None = None
    high: Float[Tensor, "*heads"] | None = None
    control_low: Float[Tensor, "*heads"] | None = None
    control_high: Float[Tensor, "*heads"] | None = None
    extreme_low: Float[Tensor, "*heads"] | None = None
    extreme_high: Float[Tensor, "*heads"] | None = None

    def __post_init__(self) -> None:
        for name, tensor in self.tensors().items():
            shape = torch.Size() if name == "chance" else self.value.shape
            if tensor.shape != shape:
                raise ValueError(
                    f"{name} of a score has shape {list(tensor.shape)}, accepted is {list(shape)}"
                )

    @property
    def lift(self) -> Float[Tensor, "*heads"]:
        """`value - chance`: 0 for a head that attends uniformly."""
        if self.chance is None:
            raise ValueError("this score has no chance value, so there is no lift over it")
        return self.value - self.chance

    def at(self, *place: int) -> Score:
        """The score of one head, or of one layer: the same parts, each of what is there.

        >>> score = Score(torch.tensor([[1.0, 2.0]]), chance=torch.tensor(0.5))
        >>> float(score.at(0, 1).value), float(score.at(0, 1).chance)
        (2.0, 0.5)
        """
        parts = self.tensors()
        return Score(**{n: t if n == "chance" else t[place] for n, t in parts.items()})

    def tensors(self) -> dict[str, Tensor]:
        """The tensors that are there, by name."""
        pairs = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {name: tensor for name, tensor in pairs if tensor is not None}

    def stands_out(self) -> Bool[Tensor, "*heads"]:
        """Where the value is beyond the extremes, and its own interval, if there is one, is not 0.

        >>> low, high = torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0])
        >>> Score(torch.tensor([0.5, 2.0]), extreme_low=low, extreme_high=high).stands_out()
        tensor([False,  True])
        """
        if self.extreme_low is None or self.extreme_high is None:
            return torch.zeros_like(self.value, dtype=torch.bool)
        beyond = (self.value < self.extreme_low) | (self.value > self.extreme_high)
        if self.low is None or self.high is None:
            return beyond
        return beyond & ~((self.low <= 0) & (self.high >= 0))

    def columns(self) -> dict[str, Any]:
        """Flat columns for a frame, in the order of `value.flatten()`."""
        columns: dict[str, Any] = {}
        for name, tensor in self.tensors().items():
            columns[name] = tensor.expand_as(self.value).flatten().cpu().numpy()
        if self.chance is not None:
            columns["lift"] = self.lift.flatten().cpu().numpy()
        return columns
