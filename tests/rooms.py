"""What is in the package's folders: tests of every topic read it here, and none is forgotten."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from circuit_widgets import views
from circuit_widgets.results.result import Result
from circuit_widgets.results.topics import topics

ROOT = Path(__file__).parents[1]


def _public(topic: str) -> dict[str, Any]:
    return vars(importlib.import_module(f"circuit_widgets.analysis.{topic}"))


def analyses() -> dict[str, Any]:
    """Every topic's questions by name: what `@analysis` made."""
    found = [value for topic in topics() for value in _public(topic).values()]
    return {value.__name__: value for value in found if hasattr(value, "stream")}


def results() -> dict[str, type[Result]]:
    """Every topic's results by name."""
    found = [value for topic in topics() for value in _public(topic).values()]
    return {
        value.__name__: value
        for value in found
        if isinstance(value, type) and issubclass(value, Result)
    }


def widgets() -> dict[str, type]:
    """The widget of every file of `views/` by the name of its bundle."""
    found = {}
    for file in pkgutil.iter_modules(views.__path__):
        module = importlib.import_module(f"circuit_widgets.views.{file.name}")
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__:
                found |= {vars(value)["_bundle"]: value} if "_bundle" in vars(value) else {}
    return found


def missing(what: Iterable[str], there: Iterable[str], where: str) -> list[str]:
    """A sentence for each name that a list of the tests lacks."""
    return [f"{name} is not in {where}: add it there" for name in sorted({*what} - {*there})]
