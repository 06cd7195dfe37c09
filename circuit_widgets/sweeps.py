"""One analysis over many models, checkpoints, seeds or shards of prompts, on any executor."""

from __future__ import annotations

import concurrent.futures
import functools
import inspect
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, cast

from circuit_widgets import arguments as checks
from circuit_widgets.jobs.elsewhere import Failure, checked_executor, elsewhere, outcome
from circuit_widgets.models.recipes import Load, loaded
from circuit_widgets.results.result import Result, part

if TYPE_CHECKING:
    import pandas as pd


Steps = Generator["tuple[str, Result | Failure]", None, None]


class Sweep(Mapping[str, Result]):
    """Results by the names of their items, in the order of the items, and what failed.

    Attributes:
        failures: By name.
        missing: Names of items that have not been reached: the sweep was interrupted.

    >>> import circuit_widgets as cw
    >>> steps = {f"step {step}": cw.Load("toy-induction", step=step) for step in (0, 2500)}
    >>> swept = cw.sweep(cw.identify_induction_heads, steps, n_sequences=2, ablation=0, pairs=False)
    >>> list(swept), swept.failures
    (['step 0', 'step 2500'], {})
    """

    def __init__(
        self, names: list[str], results: Mapping[str, Result], failures: Mapping[str, Failure]
    ) -> None:
        self._results = {name: results[name] for name in names if name in results}
        self.failures: Mapping[str, Failure] = {
            name: failures[name] for name in names if name in failures
        }
        self.missing = tuple(name for name in names if name not in results and name not in failures)

    def __getitem__(self, name: str) -> Result:
        if name in self.failures:
            failure = self.failures[name]
            raise KeyError(f"{name!r} failed: {failure.kind}: {failure.message}")
        return self._results[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results)

    def __len__(self) -> int:
        return len(self._results)

    def to_frame(self) -> pd.DataFrame:
        """The frames of all results under each other; the first column, `item`, says whose."""
        import pandas as pd

        frames: list[pd.DataFrame] = []
        for name, result in self._results.items():
            frame = result.to_frame()
            # What pandas compares when it joins frames; each result has its own.
            frame.attrs = {}
            frame.insert(0, "item", name)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"item": []})

    def __repr__(self) -> str:
        lines = [f"Sweep of {len(self) + len(self.failures) + len(self.missing)} items"]
        lines += [f"  {name}: {type(result).__name__}" for name, result in self.items()]
        lines += [
            f"  {name} failed: {failure.kind}: {failure.message}"
            for name, failure in self.failures.items()
        ]
        lines += [f"  {name} was not reached" for name in self.missing]
        return "\n".join(lines)


P = ParamSpec("P")


class Sweeping(Protocol[P]):
    """`sweep`, which can be streamed."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Sweep:
        """Run it to the end."""
        ...

    def stream(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Return a view at once, whose rows fill in as items finish."""
        ...


def _streaming(function: Callable[P, Sweep]) -> Sweeping[P]:
    def stream(
        analysis: Callable[..., Any],
        models: Any,
        over: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        executor: concurrent.futures.Executor | None = None,
        **arguments: Any,
    ) -> Any:
        """Return a view at once, whose rows fill in as items finish, here or on an executor.

        It takes what `sweep` takes. A row says what came of an item, or why it failed, and opens
        the view of its topic; Stop keeps what is done. `view.sweep` is what there is by now.
        """
        steps = sweep_items(analysis, models, over, executor=executor, **arguments)
        names = list(_items(models, over))
        return part("widgets", "sweeping", "stream")(analysis.__name__, names, steps)

    function.stream = stream  # type: ignore[attr-defined]
    return cast("Sweeping[P]", function)


@_streaming
def sweep(
    analysis: Callable[..., Any],
    models: Any,
    over: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    executor: concurrent.futures.Executor | None = None,
    progress: bool = True,
    **arguments: Any,
) -> Sweep:
    """Run an analysis on every item, and keep what arrives; see `sweep_items`.

    `sweep.stream` takes the same, and shows items as they finish. Interrupted (Ctrl-C, the stop
    button), it gives back what is there.

    >>> import circuit_widgets as cw
    >>> seeds = {f"seed {seed}": {"seed": seed} for seed in (0, 1)}
    >>> swept = cw.sweep(cw.detect_attention_patterns, "toy-induction", seeds, prompts="blue dog")
    >>> list(swept)
    ['seed 0', 'seed 1']
    """
    from tqdm.auto import tqdm

    items = _items(models, over)
    steps = sweep_items(analysis, models, over, executor=executor, **arguments)
    results: dict[str, Result] = {}
    failures: dict[str, Failure] = {}
    shown = checks.flag("progress", progress)
    with tqdm(total=len(items), desc="sweep", disable=not shown, leave=False) as bar:
        try:
            for name, found in steps:
                if isinstance(found, Failure):
                    failures[name] = found
                else:
                    results[name] = found
                bar.update()
        except KeyboardInterrupt:
            steps.close()
    return Sweep(list(items), results, failures)


def sweep_items(
    analysis: Callable[..., Any],
    models: Any,
    over: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    executor: concurrent.futures.Executor | None = None,
    **arguments: Any,
) -> Steps:
    """Each item's name and result, or what went wrong with it, as they finish.

    An item is a model with some arguments: every model with every variation in `over`.

    Args:
        analysis: One of this package's.
        models: A model or a recipe for one: `Load(name, step=...)`, or a name or path, which is
            loaded where it is used, one at a time; or several by their names. A model that is
            loaded already runs only where its memory is: without an executor, or on threads.
        over: Arguments that differ, by the variation's name: seeds, shards of prompts.
        executor: Any of `concurrent.futures`, such as Dask's `Client.get_executor(retries=2)`,
            which runs the items of a worker that died on another one. None: here, one by one.
        arguments: Of the analysis, the same for all. A `task` may be a function of the model,
            because ids are a model's own: `functools.partial(Task.ioi, n=16)`.

    Raises:
        TypeError: Not an analysis, not models, no executor or one that the models cannot be sent
            to, an argument missing; at once, before anything runs.
        ValueError: No items.

    >>> import circuit_widgets as cw
    >>> items = sweep_items(cw.detect_attention_patterns, "toy-induction", prompts="blue dog")
    >>> [name for name, result in items]
    ['toy-induction']
    """
    if not hasattr(analysis, "topic"):
        raise TypeError(
            f"the analysis is {checks.shown(analysis)}; accepted is a function of this package, "
            "such as extract_circuit"
        )
    if getattr(analysis, "several", False):
        raise TypeError(
            f"{analysis.__name__} takes several models itself; accepted is an analysis of one model"
        )
    given = {**arguments, "progress": False}
    items = _items(models, over)
    executor = checked_executor(executor, (model for model, _ in items.values()))
    for _, changes in items.values():
        _check_given(analysis, {**given, **changes})
    calls = {
        name: functools.partial(_run, analysis, model, {**given, **changes})
        for name, (model, changes) in items.items()
    }
    return _here(calls) if executor is None else elsewhere(calls, executor)


def _check_given(analysis: Callable[..., Any], given: Mapping[str, Any]) -> None:
    # The first is the model.
    for name, of in list(inspect.signature(analysis).parameters.items())[1:]:
        optional = of.default is not of.empty or of.kind in (of.VAR_KEYWORD, of.VAR_POSITIONAL)
        if not optional and name not in given:
            raise TypeError(f"{analysis.__name__} lacks {name!r}; pass it, or vary it in over")


def _items(
    models: Any, over: Mapping[str, Mapping[str, Any]] | None
) -> dict[str, tuple[Any, Mapping[str, Any]]]:
    """Every model with every variation, by name."""
    if isinstance(models, (list, tuple, set, frozenset)):
        raise TypeError(
            f"models is {checks.shown(models)}; accepted are a name, a Load or a model, or several "
            'by their names, like {"step 0": Load("toy-induction", step=0)}'
        )
    named = models if isinstance(models, Mapping) else {_name(models): models}
    several, varied = len(named) > 1, over if over is not None else {"": {}}
    if not named or not varied:
        raise ValueError("there is nothing to sweep over; accepted is one model or more")
    for name, changes in varied.items():
        if not isinstance(changes, Mapping):
            raise TypeError(
                f"the variation {name!r} is {checks.shown(changes)}; accepted are arguments by "
                'their names, like {"seed": 1}'
            )
    found = {}
    for model_name, model in named.items():
        for name, changes in varied.items():
            both = f"{model_name}, {name}" if several and name else name or model_name
            found[both] = model, changes
    return found


def _name(model: Any) -> str:
    name = model.name if isinstance(model, Load) else model
    return name if isinstance(name, str) else "model"


def _here(calls: Mapping[str, Callable[[], Result]]) -> Steps:
    for name, call in calls.items():
        yield name, outcome(call)


def _run(analysis: Callable[..., Any], model: Any, arguments: Mapping[str, Any]) -> Result:
    """One item, where it is computed. The model goes when it is done."""
    found, given = loaded(model), dict(arguments)
    if callable(given.get("task")):
        given["task"] = given["task"](found)
    return analysis(found, **given)
