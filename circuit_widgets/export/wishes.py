"""What is asked of a page, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from circuit_widgets import arguments
from circuit_widgets.export.baking import Head
from circuit_widgets.export.budget import bytes_of
from circuit_widgets.export.replays import Replay, replays
from circuit_widgets.heads import parse_heads
from circuit_widgets.results.result import Result
from circuit_widgets.views.explorer import Explorer
from circuit_widgets.widgets.heads_view import HeadsView

BAKED = ("heads", "interventions")


@dataclass(frozen=True)
class Wish:
    """What is asked of a page.

    Attributes:
        budget: Bytes of the whole file.
        heads: Which heads' matrices are computed ahead; None is every head.
        replays: What readers may do to the model of each view, by its place.
        link: Whether views of one model select heads together, and those of one text cells too.
        picture: Whether each view has a still picture, for where no script runs.
    """

    budget: int
    heads: frozenset[Head] | None
    replays: Mapping[int, Sequence[Replay]]
    link: bool
    picture: bool


def wish(
    views: Sequence[HeadsView], *, budget: int | str, bake: Any, link: Any, picture: Any
) -> Wish:
    """The wish that keywords say.

    Raises:
        ValueError: One that is not accepted; the sentence says what is.
    """
    asked = {} if bake is None else bake
    if not isinstance(asked, Mapping):
        raise ValueError(f'bake is {bake!r}; accepted is {{"heads": ..., "interventions": [...]}}')
    for name in asked:
        arguments.choice("bake", name, BAKED)
    return Wish(
        bytes_of(budget),
        _heads(asked.get("heads", "all"), views),
        _replays(asked.get("interventions", ()), views),
        arguments.flag("link", link),
        arguments.flag("picture", picture),
    )


def _heads(asked: Any, views: Sequence[HeadsView]) -> frozenset[Head] | None:
    if isinstance(asked, str) and asked == "all":
        return None
    runs = [view.run_shown for view in views]
    limits = max(run.n_layers for run in runs), max(run.n_heads for run in runs)
    return frozenset((head.layer, head.index) for head in parse_heads(asked, *limits))


def _replays(asked: Any, views: Sequence[HeadsView]) -> dict[int, list[Replay]]:
    explorers = {at: view for at, view in enumerate(views) if isinstance(view, Explorer)}
    if asked and not explorers:
        raise ValueError(
            "interventions are baked into an explorer, and none of these views is one; "
            "explore(model, prompt) makes one"
        )
    return {at: replays(asked, view.model) for at, view in explorers.items()}


@contextmanager
def views_of(given: Any) -> Iterator[list[HeadsView]]:
    """Views of one or several views and results; those made here, of results, are closed again."""
    found = list(given) if isinstance(given, list | tuple) else [given]
    if not found:
        raise ValueError("a page needs a view: there is none in the list")
    with ExitStack() as made:
        yield [_view_of(view, made) for view in found]


def _view_of(view: Any, made: ExitStack) -> HeadsView:
    if isinstance(view, Result):
        shown: HeadsView = view.view()
        made.callback(shown.close)
        return shown
    if isinstance(view, HeadsView):
        return view
    raise TypeError(
        f"{type(view).__name__} cannot be on a page; accepted are views "
        "(explore(...), result.view(...)) and results"
    )


def title_of(view: HeadsView) -> str:
    """The view's own title, or what it is of."""
    return view.frame["title"] or f"{view.kind} of {view.run_shown.model}"
