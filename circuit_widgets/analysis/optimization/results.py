"""What `suggest_circuit_optimizations` gives: suggestions, and what pruning costs and saves."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.optimization.scores import ABOUTS
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

PRUNING, CAPACITY, ARCHITECTURE = "pruning", "capacity_increase", "architecture_modification"
KINDS = (PRUNING, CAPACITY, ARCHITECTURE)


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """One change of a model that is worth a try.

    Attributes:
        kind: "pruning", "capacity_increase" or "architecture_modification".
        components: Heads ("5.1"), MLPs ("5.mlp") or edges ("4.2 → 5.1.k").
        evidence: What was found, in sentences made of its numbers.
        expected: What the change is expected to bring.
        measured: What `value` is; "" where nothing could be measured.
        value, low, high: What was measured, with its interval over prompts; None: it was not.
        random: The same of random components, the mean; `random_low` to `random_high` is where one
            more would be.
        tested: Whether the change itself was tried. Where it takes training it was not.
        holds: Whether what was tried is within what was allowed; None: it was not tried.
        missing: What is not known without training; "" where nothing is missing.
    """

    kind: str
    components: tuple[str, ...]
    evidence: str
    expected: str
    measured: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    random: float | None = None
    random_low: float | None = None
    random_high: float | None = None
    tested: bool = False
    holds: bool | None = None
    missing: str = ""


@dataclasses.dataclass(frozen=True)
class PrunedCost:
    """What a model costs with some heads sliced away; as `ModelCost`.

    Seconds are the median of some passes, and of the whole model's, which were run by turns
    with them; None: not measured. What is `saved` is the share of the whole model's time, the
    median of these turns with its interval, which takes 6 turns at 95 %. Times are not compared
    where results are: no two passes take the same.
    """

    parameters: int
    bytes: int
    cache_bytes: int
    seconds: float | None = dataclasses.field(default=None, compare=False)
    whole_seconds: float | None = dataclasses.field(default=None, compare=False)
    saved: float | None = dataclasses.field(default=None, compare=False)
    saved_low: float | None = dataclasses.field(default=None, compare=False)
    saved_high: float | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Optimizations(Result, topic="optimization"):
    """What could be pruned, what is too narrow, and what does not work together.

    A point is a number of heads that are gone: those that went in the rounds up to it. Heads are
    chosen on one half of the texts, and losses measured on the other.

    Attributes:
        task: Its name, or "" without one.
        n_scored, n_held_out: On how many texts heads were chosen, and losses measured.
        order: Heads in the order in which they went.
        sizes: How many of them are gone at each point, from 0.
        chosen: The last point up to which the loss has risen by no more than the tolerance, by the
            upper end of its interval. 0: none.
        loss: [point], nats a token on held-out texts, with its interval over texts.
        rise: [point], by which share of the whole model's loss it has risen, a ratio of means with
            its interval (Fieller 1954). `control` is of as many random heads of the same layers,
            the mean, and `control_low` to `control_high` where one more random set would be.
        best_random: [point], the rise of the one of these random sets that was best on the texts
            that heads were chosen on: the best of many, as ours is. NaN: there is none.
        costs: Of each point, measured after slicing; fewer where the rest was not measured.
        unsliced: Why heads of this model cannot be sliced away; "" if they can.
        norm: [layer, head], the mean norm of what a head writes, over its layer's mean.
        importance: [layer, head], Michel et al.'s, normalised by layer.
        estimate: [layer, head], the rise of the loss without the head, to second order.
        effect: [layer, head], the same measured in the first round; NaN: not among those looked at.
        gone_at: [layer, head], the point from which a head is gone; -1: it stays.
        redundancy: The share of all heads that are gone at `chosen`.
        suggestions: Pruning first.
        skipped: What was not looked for, and why; "" if all was.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=8)
    >>> found = cw.suggest_circuit_optimizations(model, task, progress=False)
    >>> found.sizes, "1.2" in found.order
    ((0, 1, 2, 3, 4), False)
    """

    task: str
    n_scored: int
    n_held_out: int
    order: tuple[str, ...]
    sizes: tuple[int, ...]
    chosen: int
    loss: Score
    rise: Score
    best_random: Float[Tensor, " point"]
    costs: tuple[PrunedCost, ...]
    unsliced: str
    norm: Score
    importance: Score
    estimate: Score
    effect: Score
    gone_at: Int[Tensor, "layer head"]
    redundancy: float
    suggestions: tuple[Suggestion, ...] = ()
    skipped: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        return self.gone_at.shape[0], self.gone_at.shape[1]

    @property
    def abouts(self) -> dict[str, About]:
        """What the scores of each head mean."""
        return ABOUTS

    def score(self, name: str) -> Score:
        """One of the scores of every head by name."""
        if name not in ABOUTS:
            raise ValueError(f"there is no score {name!r}; scores are {', '.join(ABOUTS)}")
        found: dict[str, Score] = {
            "norm": self.norm,
            "importance": self.importance,
            "estimate": self.estimate,
            "effect": self.effect,
        }
        return found[name]

    def heads(self, at: int | None = None) -> tuple[str, ...]:
        """The heads that are gone at a point, in the model's order; None is `chosen`."""
        gone = self.order[: self.sizes[self.chosen if at is None else at]]
        return tuple(map(str, sorted(map(Head.parse, gone))))

    def of(self, kind: str) -> tuple[Suggestion, ...]:
        """The suggestions of a kind."""
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r}; kinds are {', '.join(KINDS)}")
        return tuple(each for each in self.suggestions if each.kind == kind)

    def to_frame(self) -> pd.DataFrame:
        """One row for each suggestion; `df.attrs` has the provenance."""
        import pandas as pd

        columns = [field.name for field in dataclasses.fields(Suggestion)]
        rows = [dataclasses.asdict(each) for each in self.suggestions]
        frame = pd.DataFrame(rows, columns=columns)
        frame = frame.assign(n=self.n_held_out, complete=self.provenance.complete)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def curve_frame(self) -> pd.DataFrame:
        """One row for each point: the loss, random heads, and what the smaller model costs."""
        import pandas as pd

        columns: dict[str, Any] = {
            "heads": self.sizes,
            "gone": [" ".join(self.heads(at)) for at in range(len(self.sizes))],
        }
        for name in ("loss", "rise"):
            for part, tensor in getattr(self, name).tensors().items():
                columns[name if part == "value" else f"{name}_{part}"] = tensor.tolist()
        columns["best_random"] = self.best_random.tolist()
        known = [*map(dataclasses.asdict, self.costs)]
        for name in (field.name for field in dataclasses.fields(PrunedCost)):
            values = [cost[name] for cost in known]
            columns[name] = values + [None] * (len(self.sizes) - len(values))
        frame = pd.DataFrame(columns)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        from circuit_widgets.analysis.optimization.words import lines

        return lines(self)


def unknown(*shape: int) -> Score:
    """A score of which nothing is known."""
    return Score(torch.full(shape, math.nan))
