"""Views on a page within its budget: what has no room is left out, and the page says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from circuit_widgets.export.baking import Head, Tiles, bake, predicted, smallest
from circuit_widgets.export.budget import in_words
from circuit_widgets.export.document import Section
from circuit_widgets.export.replays import Replayed, replayed
from circuit_widgets.export.state import Linked, pack_state
from circuit_widgets.export.stills import Still, still
from circuit_widgets.export.wishes import Wish, title_of
from circuit_widgets.live.reading import Reading
from circuit_widgets.views.explorer import Explorer
from circuit_widgets.widgets.heads_view import HeadsView
from circuit_widgets.widgets.sharing import packed
from circuit_widgets.wire import messages as m

# What a page says of itself is a few words longer when something is left out.
_SPARE = 1200
Put = Callable[[Sequence[Section]], str]


@dataclass(frozen=True)
class _Part:
    """One view on its way to the page: its run, and those that a reader can show in its place."""

    view: HeadsView
    heads: list[Head]
    others: list[Replayed]
    linked: Linked
    still: Still

    @cached_property
    def readings(self) -> list[Reading]:
        first = self.view.reading
        return [] if first is None else [first, *(other.reading for other in self.others)]

    @cached_property
    def predicted(self) -> list[list[m.NextReply]]:
        """Of each reading, once: a page is baked twice, first to see what room it has."""
        return [predicted(reading) for reading in self.readings]

    def bake(self, room: int, wish: Wish) -> list[Tiles]:
        """Heads' matrices of each run, in so many bytes of the page."""
        why = f"a page of {in_words(wish.budget)} has no room for it"
        if wish.heads is not None:
            why = "only some heads are"
        found: list[Tiles] = []
        waiting = range(len(self.readings), 0, -1)
        for left, reading, after in zip(waiting, self.readings, self.predicted, strict=True):
            found.append(bake(reading, self.heads, room // left, why, after))
            room -= found[-1].size
        return found

    def section(self, tiles: Sequence[Tiles], data: str, wish: Wish) -> Section:
        """As it stands on the page."""
        runs = [one.run for one in tiles]
        state = pack_state(self.view, runs, self.others, self.linked)
        note = _note(tiles, wish.budget)
        return Section(title_of(self.view), state, data, self.still, note)


def render(views: Sequence[HeadsView], wish: Wish, put: Put) -> str:
    """A page within its budget. `put` makes the page's text of sections.

    Raises:
        ValueError: There is no room for one head of each view.
    """
    parts = [
        _Part(
            view,
            _in_order(view, wish.heads),
            replayed(view, wish.replays[at]) if isinstance(view, Explorer) else [],
            linked,
            still(view, wish.picture),
        )
        for at, (view, linked) in enumerate(zip(views, _links(views, wish.link), strict=True))
    ]
    bare = put([part.section(part.bake(0, wish), "", wish) for part in parts])
    reading = [part for part in parts if part.readings and part.heads]
    left = wish.budget - len(bare.encode()) - _SPARE * len(reading)
    least = sum(smallest(part.readings[0], part.heads[0]) for part in reading)
    if left < least:
        raise ValueError(_too_small(wish.budget, left, least, len(views), len(reading)))
    sections, waiting = [], len(reading)
    for part in parts:
        # What one view does not need, the next ones have.
        tiles = part.bake(left // max(1, waiting), wish)
        data = packed(b"".join(one.data for one in tiles)) if tiles else ""
        left -= len(data)
        waiting -= part in reading
        sections.append(part.section(tiles, data, wish))
    return put(sections)


def _too_small(budget: int, left: int, least: int, n_views: int, n_reading: int) -> str:
    which = {0: "", 1: " for one head"}.get(n_reading, " for one head of each view")
    whose = "this view needs" if n_views == 1 else "these views need"
    needed = in_words(budget - left + least + 500)
    return f"a page of {in_words(budget)} has no room{which}: the least that {whose} is {needed}"


def _note(tiles: Sequence[Tiles], budget: int) -> str:
    """What is not on the page, for its readers."""
    kept, asked = sum(one.kept for one in tiles), sum(one.asked for one in tiles)
    if kept == asked:
        return ""
    of = f"{asked} heads" if len(tiles) == 1 else f"{asked} heads, in {len(tiles)} runs together,"
    return (
        f"Attention of {kept} of {of} is included in this page, those with the highest scores "
        f"first: a page of {in_words(budget)} has no room for more."
    )


def _in_order(view: HeadsView, heads: frozenset[Head] | None) -> list[Head]:
    """The selected head, then those with the highest scores of the grid."""
    run = view.run_shown
    every = [(layer, head) for layer in range(run.n_layers) for head in range(run.n_heads)]
    value = view.grid_scores
    first = view.selection.as_head
    selected = (min(first.layer, run.n_layers - 1), min(first.index, run.n_heads - 1))
    order = sorted(every, key=lambda at: -value.get(at, float("-inf")))
    found = list(dict.fromkeys([selected, *order]))
    return found if heads is None else [at for at in found if at in heads]


def _links(views: Sequence[HeadsView], by_model: bool) -> list[Linked]:
    """Views that share a `Selection` are linked; with `by_model` those of one model or text too."""
    heads: list[set[str]] = []
    cells: list[set[str]] = []
    for view in views:
        run = view.run_shown
        model = f"{run.model}, {run.n_layers} x {run.n_heads}"
        text = f"{model}: {run.tokens}"
        shared = f"selection {id(view.selection)}"
        heads.append({shared, model} if by_model else {shared})
        cells.append({shared, text} if by_model and run.tokens else {shared})
    return [Linked(*names) for names in zip(_groups(heads), _groups(cells), strict=True)]


def _groups(names: Sequence[set[str]]) -> list[str]:
    """A name for each set of views that names join, by any number of steps; "" for one alone."""
    joined: list[set[str]] = []
    for own in names:
        touching = [group for group in joined if group & own]
        joined = [group for group in joined if not group & own]
        joined.append(own.union(*touching))
    found = [next(at for at, group in enumerate(joined) if group & own) for own in names]
    return [f"group {at}" if found.count(at) > 1 else "" for at in found]
