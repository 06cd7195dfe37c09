"""What `analyze_training_stability` gives: how a circuit came to be, checkpoint by checkpoint."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

# Of a phase. "absent": one of two neighbours has no circuit, so that there is none to be stable.
STABLE, UNSTABLE, ABSENT = "stable", "unstable", "absent"
KINDS = (STABLE, UNSTABLE, ABSENT)


@dataclasses.dataclass(frozen=True)
class Phase:
    """Checkpoints in a row between which one thing holds.

    Attributes:
        kind: "stable": none differs from the next by more than two draws of the prompts inside one
            checkpoint do; "unstable": each does; "absent": one of the two or both have no circuit,
            as the model fails the task there, and no such difference was seen.
        first, last: Steps.
        first_low, first_high, last_low, last_high: Intervals of both, by bootstrap over prompts,
            as steps that have a checkpoint.
        support: In which share of the draws there is such a phase that shares a step with it.
    """

    kind: str
    first: int
    last: int
    first_low: int
    first_high: int
    last_low: int
    last_high: int
    support: float


@dataclasses.dataclass(frozen=True)
class Change:
    """Where a curve changes its level: the best place for one step in it, over log steps.

    Attributes:
        curve: "loss", or the name of a role: of the head that has most of it, step by step.
        before, after: The checkpoints between which it is.
        low, high: Interval of `after`, by bootstrap over prompts.
        level_before, level_after: Means on both sides.
        p: How often a curve that only its prompts move has as large a step.
    """

    curve: str
    before: int
    after: int
    low: int
    high: int
    level_before: float
    level_after: float
    p: float


@dataclasses.dataclass(frozen=True)
class Swap:
    """A role goes from one head to another, and the model goes on doing the task.

    Attributes:
        role: Its name.
        before, after: The last step at which the first head has it, the first at which the other.
        giver, taker: The heads.
        lead_before: By how much the first one's score is higher then, with its interval.
        lead_after: By how much the other one's is higher afterwards, with its interval.
    """

    role: str
    before: int
    after: int
    giver: Head
    taker: Head
    lead_before: tuple[float, float, float]
    lead_after: tuple[float, float, float]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TrainingStability(Result, topic="stability"):
    """How the circuit for a task changes from checkpoint to checkpoint of one training.

    Attributes:
        task: Its name.
        metric: As `Task.metric`.
        steps: Of the checkpoints, ascending. What has not been reached yet is NaN.
        tokens: Of the first prompt, which the pictures are of.
        nodes: The graph of the model.
        n_found, n_tested: On how many prompts edges were scored, and circuits run.
        n_sequences: On how many random sequences the roles were scored.
        held_out: Whether circuits are run on prompts that they were not found on.
        done: [step], whether it does the task; None: not reached.
        task_score: [step], the metric on clean prompts; control: on corrupt ones.
        loss: [step], cross-entropy of the right answers in nats; of repeated tokens it is the loss
            on the second copy.
        accuracy: [step], share of right answers.
        score: [step, source, target], what the metric loses without an edge, with its interval.
        kept: [step, source, target], the circuits, all of one size or a few edges smaller,
            where no path fits in; no edge at all: the model fails the task at that step.
        faithfulness: [step], of the circuit, run alone.
        roles: By name [step, layer, head], how much each head attends so, on random tokens that
            repeat, with its interval over sequences; control: on tokens that do not repeat.
        similarities: By name [step - 1], of each checkpoint with the next: "circuit", Jaccard
            corrected for chance, NaN where one has no circuit; "effects", which share of all edges'
            effects both have, with their signs; "rank", Spearman's correlation of the scores of
            all edges. low, high: by bootstrap over prompts. control: of two draws of the prompts
            inside one of the two checkpoints, which is what sampling alone does; extreme: of all
            steps at once.
        jaccard, chance: [step - 1], of the circuits before they are corrected, and by chance.
        phases: From the first step on.
        changes: Where each curve changes its level.
        swaps: Roles that went from one head to another.
        pictures: [step, picture, side, side], attention of some heads on the first prompt,
            max-pooled; a value is byte * picture_scale / 255.
        picture_scale: [step, picture].
        picture_heads: Whose pictures they are.

    >>> import functools
    >>> import circuit_widgets as cw
    >>> steps = {step: cw.Load("toy-induction", step=step) for step in (0, 833, 2500)}
    >>> task = functools.partial(cw.Task.repeated_tokens, n=8)
    >>> training = cw.analyze_training_stability(steps, task, progress=False)
    >>> training.done
    (False, True, True)
    """

    task: str
    metric: str
    steps: tuple[int, ...]
    tokens: tuple[str, ...]
    nodes: Nodes
    n_found: int
    n_tested: int
    n_sequences: int
    held_out: bool
    done: tuple[bool | None, ...]
    task_score: Score
    loss: Score
    accuracy: Score
    score: Score
    kept: Bool[Tensor, "step source target"]
    faithfulness: Score
    roles: Mapping[str, Score]
    similarities: Mapping[str, Score]
    jaccard: Float[Tensor, " interval"]
    chance: Float[Tensor, " interval"]
    phases: tuple[Phase, ...]
    changes: tuple[Change, ...]
    swaps: tuple[Swap, ...]
    pictures: UInt8[Tensor, "step picture side side"]
    picture_scale: Float[Tensor, "step picture"]
    picture_heads: tuple[Head, ...]

    @property
    def stability_scores(self) -> Float[Tensor, " interval"]:
        """How alike the circuits of each checkpoint and the next are: 0 by chance, 1 the same."""
        return self.similarities["circuit"].value

    @property
    def stable_phases(self) -> tuple[tuple[int, int], ...]:
        """First and last step of every stable phase."""
        return self._of_kind(STABLE)

    @property
    def unstable_phases(self) -> tuple[tuple[int, int], ...]:
        """First and last step of every unstable phase."""
        return self._of_kind(UNSTABLE)

    def _of_kind(self, kind: str) -> tuple[tuple[int, int], ...]:
        return tuple((phase.first, phase.last) for phase in self.phases if phase.kind == kind)

    @property
    def n_edges(self) -> int:
        """How many edges the largest circuit has; 0: there is none yet."""
        return int(self.kept.flatten(1).sum(1).max())

    @property
    def names(self) -> tuple[str, ...]:
        """The roles, in order."""
        return tuple(self.roles)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        return len(self.nodes.heads), max(self.nodes.heads)

    @property
    def abouts(self) -> dict[str, About]:
        """What the score of each role means."""
        from circuit_widgets.attention.roles import ROLES

        return {name: ROLES[name] for name in self.names}

    def score_of(self, role: str, step: int | None = None) -> Score:
        """How much each head attends so at a step, [layer, head]; None: at the last."""
        if role not in self.roles:
            raise ValueError(f"there is no role {role!r}; roles are {', '.join(self.names)}")
        return self.roles[role].at(len(self.steps) - 1 if step is None else self.at(step))

    def at(self, step: int) -> int:
        """Where a step is among the steps.

        Raises:
            ValueError: There is no checkpoint at that step.
        """
        if step not in self.steps:
            raise ValueError(
                f"there is no step {step}; steps are {', '.join(map(str, self.steps))}"
            )
        return self.steps.index(step)

    def components_of(self, step: int) -> tuple[str, ...]:
        """The heads and MLPs in the circuit at a step, in the model's order."""
        writing = self.kept[self.at(step)].any(1).tolist()
        names = [source.name for source in self.nodes.sources]
        return tuple(name for name, there in zip(names, writing, strict=True) if there)[1:]

    def phase_at(self, step: int) -> str:
        """The kind of phase that a step is in; where two meet, the unstable one; "" of none."""
        kinds = [phase.kind for phase in self.phases if phase.first <= step <= phase.last]
        return next((kind for kind in (UNSTABLE, STABLE, ABSENT) if kind in kinds), "")

    def to_frame(self) -> pd.DataFrame:
        """One row for each checkpoint; similarities are with the checkpoint before."""
        import pandas as pd

        columns: dict[str, Any] = {"step": self.steps, "done": self.done}
        columns["phase"] = [self.phase_at(step) for step in self.steps]
        for name in ("loss", "task_score", "accuracy", "faithfulness"):
            columns |= _columns(name, getattr(self, name), [])
        columns["edges"] = self.kept.flatten(1).sum(1).tolist()
        for name, score in self.similarities.items():
            columns |= _columns(f"similarity_{name}", score, [math.nan])
        frame = pd.DataFrame(columns).assign(complete=self.provenance.complete)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def role_frame(self) -> pd.DataFrame:
        """One row for each step, role and head."""
        import pandas as pd

        n_layers, n_heads = self.shape
        places = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
        frames: list[pd.DataFrame] = []
        for name, score in self.roles.items():
            for at, step in enumerate(self.steps):
                columns = score.at(at).columns()
                columns = {"score" if part == "value" else part: v for part, v in columns.items()}
                frame = pd.DataFrame(columns)
                frame.insert(0, "head", [Head(*place) for place in places])
                frame.insert(0, "role", name)
                frame.insert(0, "step", step)
                frames.append(frame)
        frame = pd.concat(frames, ignore_index=True)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        from circuit_widgets.analysis.stability.words import lines_of_training

        return lines_of_training(self)


def _columns(name: str, score: Score, before: list[float]) -> dict[str, Any]:
    parts = score.tensors().items()
    return {
        name if part == "value" else f"{name}_{part}": [*before, *tensor.tolist()]
        for part, tensor in parts
        if part != "chance"
    }
