"""The options of a magic are the arguments of its analysis, and those of its view."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from circuit_widgets.ipython.parsing import (
    Parser,
    described,
    one_or_values,
    pairs,
    value,
    values,
    variable,
)

_WHOLE, _NUMBER = "a whole number", "a number"
_INTS = one_or_values("whole numbers with commas between them", int)
# How a word becomes an argument, by its annotation. What is not here is for Python alone.
_READ: dict[str, Callable[[str], Any]] = {
    "int": one_or_values(_WHOLE, int),
    "float": one_or_values(_NUMBER, float),
    "str": str,
    "int | Sequence[int]": _INTS,
    "Sequence[int]": _INTS,
    "tuple[int, int]": _INTS,
    "Mapping[str, float]": pairs("NAME=NUMBER", float),
}
# Of any type, and clear by their names.
_BY_NAME: dict[str, Callable[[str], Any]] = {
    "target": one_or_values("a token", str),
    "heads": values("heads with commas", str),
    "previous": values("heads with commas", str),
}
_VIEW: dict[str, tuple[Callable[[str], Any], str]] = {
    "height": (one_or_values(_WHOLE, int), "Of the view, in px."),
    "hide": (values("panels with commas", str), "Panels to leave out, with commas."),
    "title": (str, "Above the view."),
    "caption": (str, "Below the view."),
    "selection": (str, "The head that is selected first, like 1.2."),
    "query": (one_or_values(_WHOLE, int), "The position that is selected as query."),
    "key": (one_or_values(_WHOLE, int), "The position that is selected as key."),
    "thresholds": (pairs("NAME=NUMBER", float), "Like induction=0.4, with commas."),
    "params": (pairs("NAME=VALUE", value), "Sliders and choices by their full names, with commas."),
}
VIEW = tuple(_VIEW)


def add_arguments(parser: Parser, function: Callable[..., Any], without: tuple[str, ...]) -> None:
    """Options for the keywords of a function that can be written as a word."""
    said = described(inspect.getdoc(function) or "")
    for name, parameter in list(inspect.signature(function).parameters.items())[1:]:
        read = _BY_NAME.get(name) or _READ.get(_plain(parameter))
        if name in without or parameter.kind is parameter.VAR_KEYWORD:
            continue
        about = said.get(name, "")
        default = parameter.default
        if default is not None and default is not parameter.empty and not isinstance(default, bool):
            about = f"{about} Default: {default}."
        option = f"--{name.replace('_', '-')}"
        # argparse fills in what is behind %.
        about = about.replace("%", "%%")
        if _plain(parameter) == "bool":
            parser.add_argument(option, action=argparse.BooleanOptionalAction, help=about)
        elif choices := _choices(parameter):
            parser.add_argument(option, choices=choices, help=about)
        elif read is not None:
            parser.add_argument(option, type=read, help=about, metavar=name.upper())


def add_view_arguments(parser: Parser, taken: Mapping[str, Any]) -> None:
    """How the view opens. Where the analysis has an argument of that name, it is that."""
    for name, (read, about) in _VIEW.items():
        if name not in taken:
            parser.add_argument(f"--{name}", type=read, help=about, metavar=name.upper())


def add_to(parser: Parser) -> None:
    """The name under which Python has what is shown."""
    parser.add_argument(
        "--to", type=variable, metavar="NAME", help="Also a variable of the notebook."
    )


def _plain(parameter: inspect.Parameter) -> str:
    return str(parameter.annotation).removesuffix(" | None")


def _choices(parameter: inspect.Parameter) -> list[str]:
    found = re.fullmatch(r"Literal\[(.*)\]", _plain(parameter))
    return [part.strip(" '\"") for part in found[1].split(",")] if found else []
