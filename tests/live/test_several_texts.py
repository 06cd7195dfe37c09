"""Several texts: each is answered with its own attention, and few of them are kept."""

from __future__ import annotations

import gc

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.live.several_texts import KEPT, SeveralTexts
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Refused
from tests import tiny


def cells(run: int, n: int) -> m.Cells:
    return m.Cells(1, run, (1, 2), (0, n, 0, n))


def attention(model, ids: torch.Tensor) -> torch.Tensor:
    kept = capture.Keep("pattern", {1})
    capture.run(model, ids, [kept])
    return kept.tensors[1][0, 2]


def texts() -> SeveralTexts:
    return SeveralTexts(lambda: None, lambda wish: None)


def test_each_run_has_its_own_attention_and_its_own_model():
    one, other = cw.load_model(), cw.load_model(seed=1)
    shown = texts()
    ids = {0: tiny.ids(6, seed=1), 1: tiny.ids(9, seed=2)}
    shown.put(0, one, ids[0][0].tolist())
    shown.put(1, other, ids[1][0].tolist())
    for run, model in ((0, one), (1, other), (0, one)):
        n = ids[run].shape[1]
        _, data = shown.answer(cells(run, n))
        found = torch.frombuffer(bytearray(data), dtype=torch.float32).view(n, n)
        torch.testing.assert_close(found, attention(model, ids[run]))
    assert shown.has_run(1) and not shown.has_run(2)
    assert shown.is_cheap(cells(0, 6)) and not shown.is_cheap(cells(2, 6))


def test_few_texts_are_kept_and_none_after_the_close():
    model, shown = cw.load_model(), texts()
    for run in range(KEPT + 2):
        shown.put(run, model, tiny.ids(5, seed=run)[0].tolist())
        shown.answer(cells(run, 5))
    assert [*shown._read] == [*range(2, KEPT + 2)]
    shown.close()
    assert not shown._read
    shown.answer(cells(0, 5))  # it is read again
    shown.close()


def test_a_model_that_is_gone_is_said_and_not_kept():
    shown = texts()
    model = tiny.native()
    shown.put(0, model, tiny.ids(5)[0].tolist())
    del model
    gc.collect()
    with pytest.raises(Refused, match="model of this text is gone"):
        shown.answer(cells(0, 5))
