"""A task from a table: pandas, polars, a plain mapping; what is none of them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from transformer_lens.model_bridge import TransformerBridge

import circuit_widgets as cw


@pytest.fixture(scope="module")
def toy() -> TransformerBridge:
    return cw.load_model()


class Column:
    """As polars' Series: no `tolist`, and no truth value."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def to_list(self) -> list[Any]:
        return self._values

    def __eq__(self, other: object) -> Any:
        return Column([value == other for value in self._values])

    def __bool__(self) -> bool:
        raise TypeError("the truth value of a Series is ambiguous")


class Frame:
    """As polars' DataFrame: it iterates its columns, not their names."""

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name: str) -> Column:
        return Column(self._columns[name])

    def __iter__(self) -> Any:
        return map(Column, self._columns.values())


@pytest.mark.parametrize("kind", [pd.DataFrame, Frame, dict])
def test_any_table_makes_the_task(toy: TransformerBridge, kind: Any) -> None:
    columns = {
        "clean": ["blue dog blue", "cow blue cow"],
        "corrupt": ["red dog blue", "cow red cow"],
        "right": ["dog", "blue"],
        "position": [3.0, 2.0],
        "note": ["not", "read"],
    }
    task = cw.Task.from_frame(toy, kind(columns))
    assert task.position.flatten().tolist() == [3, 2]
    assert task.clean.tolist() == toy.to_tokens(columns["clean"]).tolist()


def test_what_is_no_table_is_refused(toy: TransformerBridge) -> None:
    with pytest.raises(TypeError, match="the table is 3; accepted is a frame of pandas or polars"):
        cw.Task.from_frame(toy, 3)
    with pytest.raises(TypeError, match="the column 'clean' is 'blue dog'; accepted is a list"):
        cw.Task.from_frame(toy, {"clean": "blue dog", "corrupt": ["red dog"], "right": ["cat"]})
    with pytest.raises(ValueError, match=r"position is 2\.5; accepted is a whole number"):
        one = {"clean": ["blue dog"], "corrupt": ["red dog"], "right": ["cat"], "position": [2.5]}
        cw.Task.from_frame(toy, one)
