"""How did the circuit come to be? Checkpoint by checkpoint, with what changed and when."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from circuit_widgets import arguments
from circuit_widgets.analysis.stability.arriving import Gathering, Given, arrived, arriving
from circuit_widgets.analysis.stability.measuring import STEPS, WIDTHS, Measured, Question, measure
from circuit_widgets.analysis.stability.pairs import same_prompts
from circuit_widgets.analysis.stability.settings import (
    Settings,
    checked,
    joined,
)
from circuit_widgets.analysis.stability.tracking import Tracking
from circuit_widgets.analysis.stability.training_results import TrainingStability
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.elsewhere import checked_executor
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.models.recipes import Load
from circuit_widgets.results.provenance import Provenance

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


QUESTION = Question(
    "analyze_training_stability",
    "against draws of the prompts inside one checkpoint",
    "checkpoints",
)

# What checkpoints of one training cannot differ in.
PARTS = {
    "heads": "heads a layer:",
    "keys": "key/value heads a layer:",
    "mlps": "MLPs:",
    "key_of": "keys that heads share:",
}


@analysis("stability", several=True)
def analyze_training_stability(
    checkpoints: Mapping[int, TransformerBridge | Load | str] | Load | str,
    task: Any,
    *,
    method: str = "eap-ig-inputs",
    size: float | None = None,
    keep: float = 0.8,
    draws: int = 100,
    steps: int = 5,
    by: str = "resample",
    held_out: bool = True,
    n_sequences: int = 16,
    length: int = 12,
    allow_failure: bool = False,
    batch: int = 16,
    seed: int = 0,
    confidence: float = 0.95,
    executor: concurrent.futures.Executor | None = None,
    progress: bool = True,
) -> Iterator[TrainingStability | Progress]:
    """How the circuit for a task changes from checkpoint to checkpoint of one training.

    At every checkpoint every edge gets a score, as in `extract_circuit`, and every head a profile
    of roles. The strongest edges on paths are the circuit, in all checkpoints as many or a few
    fewer; one that fails the task has none unless that is allowed (Tigges et al. 2024, LLM Circuit
    Analyses Are Consistent Across Training and Scale, compare circuits so).

    A phase is unstable where the effects of all edges differ between checkpoints by more than
    between two draws of the prompts inside one checkpoint, corrected for the number of steps.
    "Stable" says that no such difference was seen: with few prompts only large ones are. A curve's
    change is the best place for one step in it. A swap is a role that goes from one head of the
    circuit to another.

    Args:
        checkpoints: By step: a TransformerBridge, or a recipe `Load(...)`, a name or path, which is
            loaded where it is used, one at a time. Or a zoo model, `"toy-induction"` or
            `Load("toy-induction", seed=1)`: all of its checkpoints.
        task: A Task, or a function that makes one of a model. All checkpoints get the same prompts.
        method: How edges are scored; see `extract_circuit`.
        size: How many edges a circuit has at most, or, below 1, which share of all. None: the
            smallest of ten sizes that keeps `keep` of the task at the last checkpoint that does it.
        keep: Of clean minus corrupt.
        draws: Of the bootstrap over prompts; in each, circuits are chosen anew. The null is of as
            many: with 40 a small change of the zoo's was unstable with some seeds only.
        steps: Of the integrated methods.
        by: What is read along other edges: "resample" or "mean"; see `extract_circuit`.
        held_out: Score edges on one half of the prompts, and run circuits on the other.
        n_sequences: Sequences of random tokens that repeat, which roles are read from.
        length: How many tokens repeat.
        allow_failure: Also the circuits of checkpoints that fail the task.
        batch: Prompts a pass.
        seed: Of halves, draws, places and sequences.
        confidence: Of the intervals.
        executor: Any of `concurrent.futures`, on which checkpoints are loaded and measured; they
            are shown as they finish. One that fails there is left out, and the text says why. None:
            here, one by one, and one that fails ends it.
        progress: Show a progress bar.

    Raises:
        TypeError: `checkpoints` is no mapping of models, or the task is none.
        ValueError: A single checkpoint, steps that do not ascend or are no numbers, checkpoints of
            different parts or widths, with other prompts, a size that no circuit has.

    >>> import functools
    >>> import circuit_widgets as cw
    >>> some = {step: cw.Load("toy-induction", step=step) for step in (0, 577, 833, 2500)}
    >>> task = functools.partial(cw.Task.repeated_tokens, n=12)
    >>> training = cw.analyze_training_stability(some, task, draws=20, progress=False)
    >>> training.done[0], training.done[-1], training.phase_at(833)
    (False, True, 'unstable')
    """
    models = _by_step(checkpoints)
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
        n_sequences=n_sequences,
        length=length,
        allow_failure=allow_failure,
        batch=batch,
        seed=seed,
        confidence=confidence,
    )
    return _results(models, task, settings, checked_executor(executor))


def _by_step(checkpoints: Any) -> dict[int, Any]:
    """Models by ascending steps.

    Raises:
        TypeError, ValueError: They are not that.
    """
    if isinstance(checkpoints, (str, Load)):
        checkpoints = _of_the_zoo(checkpoints)
    if not isinstance(checkpoints, Mapping):
        raise TypeError(
            f"checkpoints is {arguments.shown(checkpoints)}; accepted are models by their steps, "
            'like {0: Load("toy-induction", step=0)}, or a model of the zoo'
        )
    if len(checkpoints) < 2:
        raise ValueError(
            f"there {'is a single checkpoint' if checkpoints else 'are no checkpoints'}; accepted "
            "are 2 or more, by their steps"
        )
    found = {arguments.whole("a step", step): model for step, model in checkpoints.items()}
    steps = [*found]
    if steps != sorted(steps) or len(steps) < len(checkpoints):
        raise ValueError(
            f"the steps are {', '.join(map(str, checkpoints))}; accepted are steps that ascend"
        )
    return found


def _of_the_zoo(given: str | Load) -> dict[int, Load]:
    """All checkpoints of a model of the zoo."""
    from circuit_widgets import zoo

    recipe = given if isinstance(given, Load) else Load(given)
    name = zoo.DEFAULT if recipe.name is None else recipe.name
    if name not in zoo.names() or recipe.step is not None:
        raise ValueError(
            f"{arguments.shown(given)} is one model; accepted are models by their steps, or a "
            f"model of the zoo without its step: {', '.join(zoo.names())}"
        )
    seed = 0 if recipe.seed is None else recipe.seed
    return {
        step: Load(name, step=step, seed=seed, device=recipe.device, dtype=recipe.dtype)
        for step in zoo.steps(name, seed)
    }


def _results(
    models: Mapping[int, Any],
    task: Any,
    settings: Settings,
    executor: concurrent.futures.Executor | None,
) -> Iterator[TrainingStability | Progress]:
    work = Work({"scores": STEPS * len(models), "circuits": len(models), "phases": 1})
    steps = {f"step {step}": step for step in models}
    given = {name: models[step] for name, step in steps.items()}
    gathering: Gathering[Measured] = Gathering()
    measured, failed = gathering.found, gathering.failed
    begin = dict.fromkeys(given, functools.partial(_measure, settings, task))
    did = functools.partial(work.did, "scores")
    for step in gathering.steps(given, begin, executor, did, STEPS):
        if step is not None:
            yield step
            continue
        by_step = {steps[name]: found for name, found in measured.items()}
        _check_alike(by_step)
        if by_step:
            yield Tracking([*models], arrived([*models], by_step, failed, _made), settings).result()
    yield work.end("scores")
    if len(measured) < 2:
        raise ValueError(f"fewer than 2 checkpoints are left; failed: {'; '.join(failed)}")
    by_step = {steps[name]: found for name, found in measured.items()}
    there = sorted(by_step)
    tracking = Tracking(there, arrived(there, by_step, failed, _made), settings)
    tracking.choose()
    yield tracking.result()
    runs = {f"step {step}": run for step, run in tracking.runs().items()}
    for each in arriving(given, runs, executor):
        if each is not None:
            tracking.ran(steps[each[0]], each[1])
            yield work.did("circuits")
            yield tracking.result()
    yield work.end("circuits")
    tracking.compare()
    yield work.did("phases")
    yield tracking.result()


def _measure(
    settings: Settings, task: Any, model: TransformerBridge, into: Given[Measured]
) -> Iterator[None]:
    """One checkpoint."""
    return measure(model, settings, task, QUESTION, into)


def _check_alike(measured: Mapping[int, Measured]) -> None:
    if not measured:
        return
    order = sorted(measured)
    first = measured[order[0]]
    for step in order[1:]:
        one = measured[step]
        differs = _difference(first, one)
        if differs:
            name, *shapes = differs
            raise ValueError(
                f"the checkpoints have different parts: {name} {shapes[0]} at step {order[0]} and "
                f"{shapes[1]} at step {step}; accepted are checkpoints of one training"
            )
        if not same_prompts([first, one]):
            raise ValueError(
                f"the task has other prompts at step {step} than at step {order[0]}; accepted is "
                "one that has the same for all checkpoints"
            )


def _difference(one: Measured, other: Measured) -> list[str]:
    """The first thing that two models of one training cannot differ in, and what it is in both."""
    for name in ("heads", "keys", "mlps", "key_of"):
        mine, theirs = (getattr(each.nodes, name) for each in (one, other))
        if mine != theirs:
            return [PARTS[name], *(_written(name, each) for each in (mine, theirs))]
    for name in one.widths:
        mine, theirs = one.widths[name], other.widths[name]
        if mine != theirs:
            return [WIDTHS[name], f"{mine}", f"{theirs}"]
    if one.nodes != other.nodes:
        return ["edges", *(f"{int(each.nodes.allowed.sum())}" for each in (one, other))]
    return []


def _written(name: str, of_layers: tuple[object, ...]) -> str:
    """What all layers have once, else layer by layer."""
    if name == "mlps":
        of_layers = tuple(f"{each} attention" if each else "none" for each in of_layers)
    said = dict.fromkeys(map(str, of_layers))
    one = next(iter(said)) if len(said) == 1 else f"({', '.join(map(str, of_layers))})"
    return f"{one} in {len(of_layers)} layers"


def _made(_: list[int], some: list[Measured]) -> Provenance:
    names = list(dict.fromkeys(one.made.model for one in some))
    return joined(names, [""] * len(some), [one.made for one in some], [some[0].task])
