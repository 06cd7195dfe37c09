"""The columns of a table, whoever made it: pandas, polars, or a plain mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from circuit_widgets import arguments


def columns_of(frame: Any, names: Iterable[str]) -> dict[str, list[Any]]:
    """Those of the columns that a table has, as lists of plain values.

    Raises:
        TypeError: It is no table, or a column is no sequence.

    >>> columns_of({"right": [3, 4], "position": [2.0, 2.0], "else": [0, 0]}, ("right", "position"))
    {'right': [3, 4], 'position': [2, 2]}
    """
    # By `.columns`, and never by iterating: polars' frames iterate their values, not their names.
    there = frame if isinstance(frame, Mapping) else getattr(frame, "columns", None)
    if there is None or not hasattr(frame, "__getitem__"):
        raise TypeError(
            f"the table is {arguments.shown(frame)}; accepted is a frame of pandas or polars, or a "
            "mapping of columns' names to lists"
        )
    has = list(there)
    return {name: _plain(name, frame[name]) for name in names if name in has}


def _plain(name: str, column: Any) -> list[Any]:
    for method in ("tolist", "to_list"):
        if callable(getattr(column, method, None)):
            column = getattr(column, method)()
            break
    if not isinstance(column, Sequence) or isinstance(column, str):
        raise TypeError(
            f"the column {name!r} is {arguments.shown(column)}; accepted is a list of a value for "
            "each prompt"
        )
    return [_whole(value) for value in column]


def _whole(value: Any) -> Any:
    # pandas makes whole numbers floats where another row of the column has none.
    return int(value) if isinstance(value, float) and value.is_integer() else value
