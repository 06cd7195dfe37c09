"""The topics there are: one folder each in `analysis/`, the same word in every tree."""

from __future__ import annotations

import functools
import importlib.util
import pkgutil


@functools.cache
def topics() -> tuple[str, ...]:
    """Their names; nothing of them is imported. Also the only names a file may ask to import.

    >>> "induction" in topics()
    True
    """
    room = importlib.util.find_spec("circuit_widgets.analysis")
    places = room.submodule_search_locations if room is not None else None
    return tuple(sorted(found.name for found in pkgutil.iter_modules(places or []) if found.ispkg))
