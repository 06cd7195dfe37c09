"""Is it the same circuit in other models? By edges, by roles, and by running one in another."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from circuit_widgets import arguments
from circuit_widgets.analysis.stability.arriving import Gathering, Given, arrived, arriving
from circuit_widgets.analysis.stability.comparing import Comparing
from circuit_widgets.analysis.stability.measuring import STEPS, Measured, Question, measure
from circuit_widgets.analysis.stability.results import CrossModelStability
from circuit_widgets.analysis.stability.settings import (
    Settings,
    checked,
    joined,
)
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.elsewhere import checked_executor
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.models.recipes import Load
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.statistics.doing import TaskFailed

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


QUESTION = Question(
    "analyze_cross_model_stability",
    "Jaccard over chance with heads in random places",
    "models",
    ("overlap", "transfer"),
)


@analysis("stability", several=True)
def analyze_cross_model_stability(
    models: Mapping[str, TransformerBridge | Load | str],
    task: Any,
    *,
    method: str = "eap-ig-inputs",
    size: float | None = None,
    keep: float = 0.8,
    draws: int = 100,
    steps: int = 5,
    by: str = "resample",
    held_out: bool = True,
    random: int = 8,
    n_sequences: int = 16,
    length: int = 12,
    allow_failure: bool = False,
    batch: int = 16,
    seed: int = 0,
    confidence: float = 0.95,
    executor: concurrent.futures.Executor | None = None,
    progress: bool = True,
) -> Iterator[CrossModelStability | Progress]:
    """How alike the circuits are by which several models do one task.

    Every edge of every model gets a score, as in `extract_circuit`, and the strongest edges on
    paths from the embedding to the output are its circuit: in all models the same share of their
    edges (or a few fewer, where no path fits in), as different sizes cannot be compared.

    - Where two models have the same parts, the overlap is Jaccard's of their edges. It is corrected
      for what the same circuits have by chance, with the heads of each layer in random places:
      which of a layer's heads does something is an accident of its training.
    - Indices mean nothing between models, so that circuits that do the same by other heads have no
      overlap. Roles do: how much of each circuit's heads attends to the previous token, to what
      followed an earlier copy, and so on. Of models with other parts they are all there is.
    - No overlap can be expected to be above the one between two halves of the prompts inside one
      model (`ceiling`; the overlap between models on such halves is `halves`).
    - Overlap is not faithfulness, and different edges can be one mechanism: `transfer` runs each
      model's circuit in each other one with the same parts.

    Args:
        models: By name: a TransformerBridge, or a recipe `Load(...)`, a name or path, which is
            loaded where it is used, one at a time (twice).
        task: A Task, or a function that makes one of a model, because ids are a model's own:
            `functools.partial(Task.ioi, n=32)`. Models that get the same prompts are drawn from
            together.
        method: How edges are scored; see `extract_circuit`.
        size: How many edges a circuit has, or, below 1, which share of all edges. None: the
            smallest of ten sizes that keeps `keep` of the task, in the model that needs the most.
        keep: Of clean minus corrupt.
        draws: Of the bootstrap over prompts; in each, circuits are chosen anew.
        steps: Of the integrated methods.
        by: What is read along other edges: "resample" or "mean"; see `extract_circuit`.
        held_out: Score edges on one half of the prompts, and run circuits on the other.
        random: Circuits with heads in random places that are run beside each in `transfer`.
        n_sequences: Sequences of random tokens that repeat, which roles are read from.
        length: How many tokens repeat.
        allow_failure: Compare models that fail the task, too.
        batch: Prompts a pass.
        seed: Of halves, draws, places and sequences.
        confidence: Of the intervals.
        executor: Any of `concurrent.futures`, on which models are loaded and measured; they are
            shown as they finish. One that fails there is left out, and the text says why. None:
            here, one by one, and one that fails ends it.
        progress: Show a progress bar.

    Raises:
        TypeError: `models` is no mapping of models, or the task is none.
        ValueError: A single model, too few prompts, a size that a model or a circuit cannot have.
        TaskFailed: A model does not do the task, and `allow_failure` is not set.

    >>> import functools
    >>> import circuit_widgets as cw
    >>> seeds = {f"seed {seed}": cw.Load("toy-induction", seed=seed) for seed in (0, 1)}
    >>> task = functools.partial(cw.Task.repeated_tokens, n=8)
    >>> found = cw.analyze_cross_model_stability(seeds, task, draws=20, progress=False)
    >>> bool(found.role_overlap.value[0, 1] > found.overlap_matrix[0, 1])
    True
    """
    if not isinstance(models, Mapping):
        raise TypeError(
            f"models is {arguments.shown(models)}; accepted are several by their names, like "
            '{"seed 0": Load("toy-induction", seed=0), "seed 1": Load("toy-induction", seed=1)}'
        )
    if len(models) < 2:
        raise ValueError(
            f"there {'is a single model' if models else 'are no models'} to compare; accepted are "
            "2 or more, by their names"
        )
    named = {str(name): model for name, model in models.items()}
    if len(named) < len(models):
        raise ValueError(
            f"models are named {', '.join(map(repr, models))}; accepted are names that differ as "
            "texts too"
        )
    for name, model in models.items():
        # A call for one model takes None for the toy; among several it is a slip.
        if model is None:
            raise TypeError(f"the model {name!r} is None; accepted is a name, a Load or a model")
    settings = checked(
        models,
        task,
        method=method,
        size=size,
        keep=keep,
        draws=draws,
        steps=steps,
        by=by,
        held_out=held_out,
        random=random,
        n_sequences=n_sequences,
        length=length,
        allow_failure=allow_failure,
        batch=batch,
        seed=seed,
        confidence=confidence,
    )
    return _results(named, task, settings, checked_executor(executor, models.values()))


def _results(
    models: Mapping[str, Any],
    task: Any,
    settings: Settings,
    executor: concurrent.futures.Executor | None,
) -> Iterator[CrossModelStability | Progress]:
    work = Work({"scores": STEPS * len(models), "overlap": 1, "transfer": len(models)})
    names = [*models]

    def made(there: list[str], some: list[Measured]) -> Provenance:
        return joined(names, there, [one.made for one in some], [one.task for one in some])

    gathering: Gathering[Measured] = Gathering()
    measured, failed = gathering.found, gathering.failed
    begin = {name: functools.partial(_measure, settings, task, name) for name in names}
    did = functools.partial(work.did, "scores")
    for step in gathering.steps(models, begin, executor, did, STEPS):
        if step is not None:
            yield step
        elif measured:
            yield Comparing(names, arrived(names, measured, failed, made), settings).result()
    yield work.end("scores")
    there = [name for name in names if name in measured]
    if len(there) < 2:
        raise ValueError(f"fewer than 2 models are left to compare; failed: {'; '.join(failed)}")
    comparing = Comparing(there, arrived(there, measured, failed, made), settings)
    comparing.compare()
    yield work.did("overlap")
    yield comparing.result()
    work.plan("transfer", comparing.n_transfers)
    for each in arriving(models, comparing.transfers(), executor):
        if each is None:
            yield work.did("transfer")
            continue
        comparing.transferred(*each)
        yield comparing.result()
    yield work.end("transfer")


def _measure(
    settings: Settings, task: Any, name: str, model: TransformerBridge, into: Given[Measured]
) -> Iterator[None]:
    """One model, if it does the task.

    Raises:
        TaskFailed: It does not, and it was not allowed to.
    """
    yield from measure(model, settings, task, QUESTION, into)
    check = into.value.check
    if check.failures and not settings.allow_failure:
        raise TaskFailed(
            f"{name} does not do the task {check.task!r}: {'; '.join(check.failures)}. What "
            "explains a failure explains nothing; leave it out, or pass allow_failure=True"
        )
