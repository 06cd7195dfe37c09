"""Does a model do a task at all, and by how much? An explanation of a failure explains nothing."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments, capture, models
from circuit_widgets.capture.modes import evaluating, modules_of
from circuit_widgets.prompts.tasks import METRICS, Task, rows_in_words
from circuit_widgets.results.score import Score, interval_in_words
from circuit_widgets.statistics.intervals import score_of, share_interval

if TYPE_CHECKING:
    import pandas as pd
    from transformer_lens.model_bridge import TransformerBridge


ROUNDING = 1e-6  # Scores that differ by less, relative to what they are, differ by rounding.


class TaskFailed(ValueError):
    """A model does not do the task that it is asked to be explained on.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.from_pairs(model, ["blue dog"] * 4, ["red dog"] * 4, ["cat"] * 4)
    >>> try:
    ...     require_task(model, task)
    ... except cw.TaskFailed as failed:
    ...     print(str(failed).split(":")[0])
    toy-induction does not do the task 'pairs'
    """


@dataclasses.dataclass(frozen=True, repr=False)
class TaskCheck:
    """How well a model does a task, over its prompts: `check_task` gives it.

    Attributes:
        model: Its name.
        task: The task's name.
        metric: What `score` is.
        held_against: Whether the task has wrong answers.
        n_prompts: How many prompts.
        confidence: Of the intervals.
        score: Mean of `Task.score` on clean prompts; `control` is that on corrupt ones.
        difference: Mean over prompts of clean minus corrupt: what there is to explain.
        accuracy: How often the right answer is likelier than every wrong one (without wrong ones,
            than every other token), with `chance`, that of a guess; `control`, on corrupt prompts,
            where the right answer is still the clean prompt's.
        likeliest: How often a right answer is the likeliest of all tokens.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> check = cw.check_task(model, cw.Task.repeated_tokens(model, n=8))
    >>> print(str(check).splitlines()[0])
    toy-induction does the task 'repeated_tokens' (8 prompts, 95 % intervals in brackets)
    """

    model: str
    task: str
    metric: str
    held_against: bool
    n_prompts: int
    confidence: float
    score: Score
    difference: Score
    accuracy: Score
    likeliest: Score

    @property
    def failures(self) -> tuple[str, ...]:
        """Why the model does not do the task, a clause each; empty where it does."""
        if self.n_prompts < 2:
            return ("it has one prompt, of which there is no interval: take several",)
        found = []
        guess = float(_part(self.accuracy.chance))
        if not float(_part(self.accuracy.low)) > guess:
            found.append(
                f"the right answer wins in {_percent(self.accuracy)} of cases, and guessing would "
                f"give {100 * guess:.3g} %"
            )
        if not float(_part(self.difference.low)) > 0:
            found.append(_not_higher(self.difference))
        return tuple(found)

    @property
    def done(self) -> bool:
        """Whether it does: accuracy above chance, and clean above corrupt, by their intervals."""
        return not self.failures

    def to_frame(self) -> pd.DataFrame:
        """A row for each of score, difference, accuracy and likeliest."""
        import pandas as pd

        rows = []
        for name in ("score", "difference", "accuracy", "likeliest"):
            tensors = getattr(self, name).tensors()
            rows.append({"measure": name, **{of: float(value) for of, value in tensors.items()}})
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        does = "does" if self.done else "does not do"
        against = "every wrong answer" if self.held_against else "every other token"
        guess = 100 * float(_part(self.accuracy.chance))
        likeliest = [f"  It is the likeliest of all tokens in {_percent(self.likeliest)}."]
        if not self.held_against:
            likeliest = []
        prompts = "1 prompt" if self.n_prompts == 1 else f"{self.n_prompts} prompts"
        lines = [
            f"{self.model} {does} the task {self.task!r} ({prompts}, "
            f"{interval_in_words(self.confidence)}s in brackets)",
            f"  The right answer is likelier than {against} in {_percent(self.accuracy)} of the "
            f"clean prompts' answers; guessing would give {guess:.3g} %.",
            *likeliest,
            f"  The score is {METRICS[self.metric]}.",
            f"  It is {_number(self.score)} on clean prompts and {_number(self.corrupt)} on "
            f"corrupt ones; the difference is {_number(self.difference)}.",
            *(f"  It fails: {failure}." for failure in self.failures),
        ]
        return "\n".join(lines)

    @property
    def corrupt(self) -> Score:
        """The mean score on corrupt prompts, with its interval."""
        of = self.score
        return Score(value=_part(of.control), low=of.control_low, high=of.control_high)


def check_task(
    model: TransformerBridge, task: Task, *, confidence: float = 0.95, batch: int = 16
) -> TaskCheck:
    """Whether a model does a task, and by how much: two passes over its prompts.

    It does where the right answer wins more often than a guess would and the score is higher on
    clean prompts than on corrupt ones, both by the ends of their intervals. Means have Student's t
    over prompts; shares have Wilson's interval, with a prompt as one draw, also where it is read at
    several places.

    Args:
        model: Whose task it is.
        task: Made for this model: ids are its.
        confidence: Of the intervals.
        batch: Prompts a pass.

    Raises:
        TypeError: Not a task.
        ValueError: Ids that the model does not have, prompts longer than its context, or a score
            that is not finite or is the same on all clean and corrupt prompts.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> check = cw.check_task(model, cw.Task.repeated_tokens(model, n=8))
    >>> check.done, float(check.accuracy.value) > 0.9
    (True, True)
    """
    models.check_model(model)
    confidence = arguments.share("confidence", confidence)
    batch = arguments.whole("batch", batch, 1)
    _check_fits(model, task)
    clean, corrupt, won, won_corrupt, likeliest = _measured(model, task, batch)
    for name, values in (("clean", clean), ("corrupt", corrupt)):
        bad = (~values.isfinite()).nonzero().flatten().tolist()
        if bad:
            raise ValueError(
                f"the score {task.metric!r} is not finite on the {name} prompt of "
                f"{rows_in_words(bad)}; accepted is a task whose score is a number everywhere"
            )
    difference = clean - corrupt
    if bool((difference.abs() <= ROUNDING * clean.abs().clamp(min=1)).all()):
        raise ValueError(
            f"the score {task.metric!r} is the same on every clean prompt and its corrupt one: "
            "this model's output does not depend on what is corrupted, so there is nothing to "
            "explain"
        )
    n_vocab = int(model.cfg.d_vocab)
    return TaskCheck(
        model=models.name_of(model),
        task=task.name,
        metric=task.metric,
        held_against=task.wrong is not None,
        n_prompts=len(task),
        confidence=confidence,
        score=score_of(clean, corrupt, confidence),
        difference=score_of(difference, None, confidence),
        accuracy=_share(won, won_corrupt, confidence, task.chance(n_vocab)),
        likeliest=_share(likeliest, None, confidence, task.chance(n_vocab, among_all=True)),
    )


def require_task(
    model: TransformerBridge,
    task: Task,
    *,
    allow_failure: bool = False,
    confidence: float = 0.95,
    batch: int = 16,
) -> TaskCheck:
    """The same, for an analysis that explains how a model does a task.

    Raises:
        TaskFailed: The model does not do it, and `allow_failure` is not set.
        TypeError, ValueError: As `check_task`.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> require_task(model, cw.Task.repeated_tokens(model, n=8)).done
    True
    """
    checked = check_task(model, task, confidence=confidence, batch=batch)
    if checked.failures and not arguments.flag("allow_failure", allow_failure):
        raise TaskFailed(
            f"{checked.model} does not do the task {task.name!r}: {'; '.join(checked.failures)}. "
            "What explains a failure explains nothing; pass allow_failure=True to go on"
        )
    return checked


def _check_fits(model: TransformerBridge, task: Task) -> None:
    if not isinstance(task, Task):
        raise TypeError(
            f"the task is {arguments.shown(task)}; accepted is a Task, such as "
            "Task.repeated_tokens(model)"
        )
    ids = (task.clean, task.corrupt, task.right, task.wrong)  # Negative ones a task refuses itself.
    highest = max(int(part.max()) for part in ids if part is not None)
    n_vocab, longest = int(model.cfg.d_vocab), models.n_context(model)
    if highest >= n_vocab:
        raise ValueError(
            f"the task has token {highest}, and this model's vocabulary ids 0 to {n_vocab - 1}: "
            "make the task with this model"
        )
    if task.clean.shape[1] > longest:
        raise ValueError(
            f"the task's prompts have {task.clean.shape[1]} tokens, and the model's context is "
            f"{longest}"
        )


def _measured(model: TransformerBridge, task: Task, batch: int) -> list[Float[Tensor, " prompt"]]:
    """Of each prompt: score clean and corrupt, right answers clean and corrupt, likeliest."""
    parts = []
    with evaluating(modules_of(model)), torch.no_grad():
        for start in range(0, len(task), batch):
            some = task.batch(slice(start, start + batch))
            clean = capture.run(model, some.clean)
            corrupt = capture.run(model, some.corrupt)
            values = (
                some.score(clean, clean_logits=clean),
                some.score(corrupt, clean_logits=clean),
                some.correct(clean),
                some.correct(corrupt),
                some.likeliest(clean),
            )
            parts.append(torch.stack([value.float().cpu() for value in values]))
    return list(torch.cat(parts, 1))


def _share(
    samples: Float[Tensor, " prompt"],
    control: Float[Tensor, " prompt"] | None,
    confidence: float,
    chance: float,
) -> Score:
    value, low, high = share_interval(samples, confidence)
    nulls = {}
    if control is not None:
        names = ("control", "control_low", "control_high")
        nulls = dict(zip(names, share_interval(control, confidence), strict=True))
    return Score(value=value, low=low, high=high, chance=torch.tensor(chance), **nulls)


def _part(tensor: Tensor | None) -> Tensor:
    return torch.tensor(math.nan) if tensor is None else tensor


def _not_higher(difference: Score) -> str:
    """A difference whose interval is not above 0: it holds 0, or all of it is below."""
    side = "lower" if float(difference.value) < 0 else "higher"
    unsure = "" if float(_part(difference.high)) < 0 else ", which may be nothing"
    return (
        f"the score is {side} on clean prompts than on corrupt ones: the difference is "
        f"{_number(difference)}{unsure}"
    )


def _number(score: Score) -> str:
    value, low, high = (float(_part(part)) for part in (score.value, score.low, score.high))
    return f"{value:.3g}" if math.isnan(low) else f"{value:.3g} [{low:.3g}, {high:.3g}]"


def _percent(score: Score) -> str:
    value, low, high = (100 * float(_part(part)) for part in (score.value, score.low, score.high))
    return f"{value:.3g} % [{low:.3g}, {high:.3g}]"
