"""Write an analysis once, offer it twice: called to the end, or streamed into its view."""

from __future__ import annotations

import difflib
import functools
import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

import torch

from circuit_widgets import capture, models
from circuit_widgets.jobs.job import Job
from circuit_widgets.results.result import Result, part

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

P = ParamSpec("P")
R = TypeVar("R", bound=Result)
R_co = TypeVar("R_co", bound=Result, covariant=True)


class Analysis(Protocol[P, R_co]):
    """What `analysis` makes of a function."""

    topic: str
    __name__: str
    __wrapped__: Callable[..., Any]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Run to the end, with a progress bar; interrupted, the part that is done comes back."""
        ...

    def stream(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return the topic's view at once; it fills in while a worker thread computes."""
        ...

    def job(self, *args: P.args, **kwargs: P.kwargs) -> Job[Any]:
        """The job that `stream` hands to the view, not started yet."""
        ...


def analysis(topic: str) -> Callable[[Callable[P, Iterator[R]]], Analysis[P, R]]:
    """Make an analysis of `function(model, ..., *, progress=True)`.

    The function checks its arguments and *returns* an iterator of results, each more complete than
    the one before, the last one complete.

    It must not be a generator function itself: that would find a wrong argument only at its first
    step, on the worker thread, and not where the user made the call. It need not look at
    `progress`, which is declared there so that editors show it.

    The iterator's steps run under the model's lock, without gradients, in evaluation mode; all of
    it is put back between steps, so that other cells and clicks find the model as they left it.
    """

    def decorate(function: Callable[P, Iterator[R]]) -> Analysis[P, R]:
        signature = inspect.signature(function)
        if inspect.isgeneratorfunction(function):
            raise TypeError(f"{function.__name__} must return an iterator, not be a generator")
        if "progress" not in signature.parameters:
            raise TypeError(f"{function.__name__} must declare the keyword `progress: bool = True`")

        def begin(
            args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[Iterator[R], bool, TransformerBridge]:
            bound = bind(function.__name__, signature, args, kwargs)
            model = next(iter(bound.arguments.values()))
            models.check_model(model)
            results = function(*bound.args, **bound.kwargs)
            return _steps(model, results), bound.arguments["progress"], model

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            results, progress, _ = begin(args, kwargs)
            return _run(results, function.__name__, progress)

        def job(*args: P.args, **kwargs: P.kwargs) -> Job[R]:
            results, _, model = begin(args, kwargs)
            return Job(results, function.__name__, model)

        def stream(*args: P.args, **kwargs: P.kwargs) -> Any:
            # First the arguments: a wrong one is said even where there is no view.
            checked = job(*args, **kwargs)
            return part("views", topic, "stream")(checked)

        for other, about in ((job, Analysis.job.__doc__), (stream, Analysis.stream.__doc__)):
            other.__doc__ = about
            other.__signature__ = signature  # type: ignore[attr-defined]
            other.__qualname__ = f"{function.__qualname__}.{other.__name__}"
        for name, value in {"topic": topic, "stream": stream, "job": job}.items():
            setattr(call, name, value)
        return cast("Analysis[P, R]", call)

    return decorate


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


def _steps(model: TransformerBridge, results: Iterator[R]) -> Iterator[R]:
    """Each result of the iterator, computed with the model locked and left as it was found."""
    try:
        while True:
            with capture.lock(model), evaluating(model), torch.no_grad():
                try:
                    result = next(results)
                except StopIteration:
                    return
            yield result.attach(model)
    finally:
        close = getattr(results, "close", None)
        if close is not None:
            close()


@contextmanager
def evaluating(model: TransformerBridge) -> Iterator[None]:
    """Evaluation mode (no dropout), and every module's own mode again afterwards."""
    # The bridge does not register the model it wraps: what only that one has (GPT-2's embedding
    # dropout) is found there.
    modules = {*model.modules(), *model.original_model.modules()}
    training = [module for module in modules if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _run(results: Iterator[R], name: str, progress: bool) -> R:
    """The last result. After an interrupt: what was done until then, marked as partial.

    Where nothing was done yet, the interrupt goes through.
    """
    from tqdm.auto import tqdm

    last: R | None = None
    with tqdm(desc=name, disable=not progress, leave=False) as bar:
        try:
            for last in results:
                made = last.provenance
                bar.total, bar.unit = made.n_total, made.unit.removesuffix("s")
                bar.update(made.n_done - bar.n)
        except KeyboardInterrupt:
            if last is None:
                raise
            warnings.warn(
                f"{name} was interrupted; this is {last.provenance.progress}",
                RuntimeWarning,
                stacklevel=3,
            )
        finally:
            # At once, not when the garbage collector finds it: it holds the model.
            close = getattr(results, "close", None)
            if close is not None:
                close()
    if last is None:
        raise RuntimeError(f"{name} ended without a result")
    return last
