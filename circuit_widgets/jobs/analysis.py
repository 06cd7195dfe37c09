"""Write an analysis once, offer it twice: called to the end, or streamed into its view."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import re
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

import torch

from circuit_widgets import capture, models
from circuit_widgets.capture.modes import evaluating, modules_of
from circuit_widgets.jobs.job import Job
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.models.pruned import check_even
from circuit_widgets.results.result import Result, part

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# What `stream` takes besides the analysis's own arguments: how its view opens.
VIEW_OPTIONS = (
    *("height", "hide", "title", "caption", "selection", "query", "key"),
    *("thresholds", "params"),
)

P = ParamSpec("P")
R = TypeVar("R", bound=Result)
R_co = TypeVar("R_co", bound=Result, covariant=True)
S = TypeVar("S")


class Analysis(Protocol[P, R_co]):
    """What `analysis` makes of a function."""

    topic: str
    # Whether it takes several models by their names, not one.
    several: bool
    __name__: str
    __wrapped__: Callable[..., Any]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run to the end, with a progress bar; interrupted, the part that is done comes back."""
        ...

    def stream(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the topic's view at once; it fills in while a worker thread computes.

        Takes what `result.view` takes, too: height, hide, title, caption, selection, query, key,
        thresholds, params. Where the analysis itself has an argument of that name, it is that.
        """
        ...

    def job(self, *args: P.args, **kwargs: P.kwargs) -> Job[Any]:
        """Return the job that `stream` hands to the view; it has not been started yet."""
        ...

    def steps(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[R_co | Progress]:
        """Return the iterator of its results, for another analysis to go through in its own steps.

        It takes no lock: whoever iterates holds it, step by step.
        """
        ...


def analysis(
    topic: str, *, several: bool = False, uneven: bool = False
) -> Callable[[Callable[P, Iterator[R | Progress]]], Analysis[P, R]]:
    """Make an analysis of `function(model, ..., *, progress=True)`.

    The function checks its arguments (`circuit_widgets.arguments`), keeps them as one frozen
    dataclass of settings, which its provenance keeps too (`results.begun`), and *returns* an
    iterator of results, each more complete than the one before, the last one complete. Between
    them it may yield `Progress`. Seconds are stamped here.

    It must not be a generator function itself: that would find a wrong argument only at its first
    step, on the worker thread, and not where the user made the call. It need not look at
    `progress`, which is declared there so that editors show it.

    The iterator's steps run under the model's lock, without gradients, in evaluation mode; all of
    it is put back between steps, so that other cells and clicks find the model as they left it.

    several: It compares models, which it gets by their names as its first argument, and may load
    where it uses them. Then it holds each by itself, with `holding`, and its results are attached
    to none.
    uneven: It may run on a model whose layers have different numbers of heads (`prune_heads`).
    """

    def decorate(function: Callable[P, Iterator[R | Progress]]) -> Analysis[P, R]:
        name, signature = function.__name__, inspect.signature(function)
        if inspect.isgeneratorfunction(function):
            raise TypeError(f"{name} must return an iterator, not be a generator")
        if "progress" not in signature.parameters:
            raise TypeError(f"{name} must declare the keyword `progress: bool = True`")

        def begin(
            args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[TransformerBridge | None, Iterator[R | Progress], bool]:
            bound = bind(name, signature, args, kwargs)
            model = None if several else next(iter(bound.arguments.values()))
            if model is not None:
                models.check_model(model)
                if not uneven:
                    check_even(model, name)
            return model, function(*bound.args, **bound.kwargs), bound.arguments["progress"]

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            model, steps, progress = begin(args, kwargs)
            return _run(_stamped(model, steps), name, progress)

        def job(*args: P.args, **kwargs: P.kwargs) -> Job[R]:
            model, steps, _ = begin(args, kwargs)
            return Job(_stamped(model, steps), name, model)

        def stream(*args: P.args, **kwargs: P.kwargs) -> Any:
            shown = {
                name: kwargs.pop(name)
                for name in VIEW_OPTIONS
                if name in kwargs and name not in signature.parameters
            }
            # First the arguments: a wrong one is said even where there is no view.
            checked = job(*args, **kwargs)
            return part("views", topic, "stream")(checked, **shown)

        def steps(*args: P.args, **kwargs: P.kwargs) -> Iterator[R | Progress]:
            return begin(args, kwargs)[1]

        result = _result_name(signature)
        _signed(call, signature, result)
        for other, returns in ((job, f"Job[{result}]"), (stream, "ResultView"), (steps, None)):
            about = getattr(Analysis, other.__name__).__doc__
            other.__doc__ = f"{about.rstrip()}\n\n        It takes what `{name}` takes.\n        "
            other.__qualname__ = f"{function.__qualname__}.{other.__name__}"
            other.__module__ = function.__module__
            _signed(other, signature, returns or signature.return_annotation)
            setattr(call, other.__name__, other)
        call.topic = topic  # type: ignore[attr-defined]
        call.several = several  # type: ignore[attr-defined]
        return cast("Analysis[P, R]", call)

    return decorate


def _result_name(signature: inspect.Signature) -> Any:
    """Of `Iterator[X]` or `Iterator[X | Progress]` the X, as text: what a call gives back."""
    written = signature.return_annotation
    inner = re.fullmatch(r"(?:\w+\.)*Iterator\[(\w+)(?: \| Progress)?\]", str(written))
    return inner[1] if inner else written


def _signed(function: Any, signature: inspect.Signature, returns: Any) -> None:
    """Let `help` and editors show these parameters and what really comes back."""
    function.__signature__ = signature.replace(return_annotation=returns)
    function.__annotations__ = {
        **{name: of.annotation for name, of in signature.parameters.items()},
        "return": returns,
    }


def bind(
    name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> inspect.BoundArguments:
    """Bind arguments, defaults filled in.

    Raises:
        TypeError: An unknown keyword, with the close ones; or too many or too few arguments.
    """
    known = list(signature.parameters)
    for keyword in kwargs:
        if keyword not in known:
            close = difflib.get_close_matches(keyword, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise TypeError(
                f"{name} has no parameter {keyword!r}.{hint} It takes {', '.join(known)}."
            )
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}: {error}; it takes {', '.join(known)}") from None
    bound.apply_defaults()
    return bound


def holding(model: TransformerBridge, steps: Iterator[S]) -> Iterator[S]:
    """Each step of an iterator, computed with the model locked and left as it was found.

    >>> from circuit_widgets import load_model
    >>> model = load_model().train()
    >>> [step for step in holding(model, (model.training for _ in range(2)))], model.training
    ([False, False], True)
    """
    # Once for all steps: to find a bridge's modules takes longer than a pass through a layer.
    modules = modules_of(model)
    try:
        while True:
            with capture.lock(model), evaluating(modules), torch.no_grad():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step
    finally:
        _close(steps)


def _stamped(
    model: TransformerBridge | None, steps: Iterator[R | Progress]
) -> Iterator[R | Progress]:
    """Results and progress get their seconds, results their model, if there is one."""
    started = time.perf_counter()
    held = steps if model is None else holding(model, steps)
    try:
        while True:
            with torch.no_grad():
                try:
                    step = next(held)
                except StopIteration:
                    return
            seconds = time.perf_counter() - started
            if isinstance(step, Progress):
                yield dataclasses.replace(step, seconds=seconds)
                continue
            made = dataclasses.replace(step.provenance, seconds=seconds)
            stamped = dataclasses.replace(step, provenance=made)
            yield stamped if model is None else stamped.attach(model)
    finally:
        _close(held)


def _close(steps: Iterator[Any]) -> None:
    """At once, not when the garbage collector finds it: it holds the model."""
    close = getattr(steps, "close", None)
    if close is not None:
        close()


def _run(steps: Iterator[R | Progress], name: str, progress: bool) -> R:
    """The last result. After an interrupt: what was done until then, marked as partial.

    Where nothing was done yet, the interrupt goes through.
    """
    from tqdm.auto import tqdm

    last: R | None = None
    counted = False
    with tqdm(desc=name, disable=not progress, leave=False) as bar:
        try:
            for step in steps:
                if isinstance(step, Progress):
                    counted = True
                    _move(bar, step.done, step.total, "step")
                    bar.set_description(f"{name}: {step.stage}" if step.stage else name)
                    continue
                last = step
                if not counted:
                    made = step.provenance
                    _move(bar, made.n_done, made.n_total, made.unit.removesuffix("s"))
        except KeyboardInterrupt:
            if last is None:
                raise
            warnings.warn(
                f"{name} was interrupted; this is {last.provenance.progress}",
                RuntimeWarning,
                stacklevel=3,
            )
        finally:
            _close(steps)
    if last is None:
        raise RuntimeError(f"{name} ended without a result")
    return last


def _move(bar: Any, done: int, total: int, unit: str) -> None:
    bar.total, bar.unit = total, unit
    bar.update(done - bar.n)
