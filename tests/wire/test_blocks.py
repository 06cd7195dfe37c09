import json

import msgspec
import numpy as np
import pytest
import torch

from circuit_widgets.wire import packing
from circuit_widgets.wire.blocks import BlockTopic, Table
from tests.wire import blocks_golden


def test_the_golden_file_is_what_is_written():
    golden = json.loads(blocks_golden.FILE.read_text())
    assert json.loads(json.dumps(blocks_golden.written())) == golden
    back = msgspec.convert(golden["topic"], BlockTopic, strict=False)
    assert [type(block).__name__ for block in back.blocks] == [
        "Table",
        "Matrix",
        "Graph",
        "PicturesBlock",
    ]


def test_columns_lie_at_multiples_of_four_bytes_and_hold_what_was_given():
    block, data = packing.table(
        "t",
        [
            packing.flags("yes", [True, False, True, True, True], "yes"),
            packing.numbers("x", torch.arange(5.0), "x"),
            packing.heads("head", ["0.1"] * 5, "head"),
        ],
        title="T",
    )
    assert isinstance(block, Table)
    assert [column.offset for column in block.columns] == [0, 8, 28]
    x = np.frombuffer(data, "<f4", count=5, offset=8)
    assert x.tolist() == [0, 1, 2, 3, 4]
    assert np.frombuffer(data, "<i4", offset=28).tolist() == [0, 1] * 5


def test_what_is_missing_is_marked_and_never_zero():
    block, data = packing.table(
        "t",
        [packing.numbers("x", [None, 2], "x"), packing.whole("n", [None, 2], "n")],
        title="T",
    )
    assert np.isnan(np.frombuffer(data, "<f4", count=1)[0])
    assert np.frombuffer(data, "<i4", count=2, offset=8).tolist() == [-1, 2]
    topic, _ = packing.topic("t", {"x": float("nan")})
    assert topic.scalars == {"x": None}
    assert block.name == "t"


def test_blocks_that_cannot_be_read_are_not_made():
    with pytest.raises(ValueError, match=r"columns of \[1, 2\] rows"):
        packing.table(
            "t", [packing.whole("a", [1], "a"), packing.whole("b", [1, 2], "b")], title=""
        )
    with pytest.raises(ValueError, match="two blocks of one name: t, t"):
        empty = packing.table("t", [], title="")
        packing.topic("t", {}, empty, empty)
    with pytest.raises(ValueError, match=r"\(2, 2\) values for 3 x 2 cells"):
        axis = packing.position_axis
        packing.matrix("m", torch.zeros(2, 2), axis(3, ""), axis(2, ""), title="")
