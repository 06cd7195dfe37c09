"""Results: their text, their notebook display, their equality."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import sys
import types

import pytest
import torch

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.results import result
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score
from tests.circuits import Circuit, build

MODEL = build(Circuit(2, 3, (0, 0), (1, 1)))
ASKED = {"n_sequences": 3, "length": 6, "ablation": 0, "copying": False, "pairs": False}
FULL = identify_induction_heads(MODEL, **ASKED, progress=False)
MADE = FULL.provenance
PARTIAL = dataclasses.replace(FULL, provenance=dataclasses.replace(MADE, n_done=2, n_total=5))


def test_the_text_is_stable_and_says_what_is_partial() -> None:
    again = identify_induction_heads(MODEL, **ASKED, progress=False)
    assert repr(again) == repr(FULL)
    assert "0x" not in repr(FULL)
    assert re.search(
        r"Prefix matching is highest in 1\.1: 1\.00 \(95 % interval 1\.00 to 1\.00\); control",
        repr(FULL),
    )
    assert "3 sequences" in repr(FULL) and "partial" not in repr(FULL)
    assert "partial: 2 of 5 sequences" in repr(PARTIAL)


def test_equality_is_of_numbers_not_of_time() -> None:
    again = identify_induction_heads(MODEL, **ASKED, progress=False)
    assert again == FULL and hash(again) == hash(FULL)
    assert again.provenance.seconds != FULL.provenance.seconds
    assert FULL != PARTIAL
    assert FULL != "heads"
    moved = dataclasses.replace(FULL.prefix_matching, value=FULL.prefix_matching.value + 1e-6)
    assert dataclasses.replace(FULL, prefix_matching=moved) != FULL


def test_it_is_frozen_and_travels_without_its_model() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        FULL.prefix_matching = FULL.previous_token  # type: ignore[misc]
    assert FULL.model() is MODEL
    for other in (pickle.loads(pickle.dumps(FULL)), copy.deepcopy(FULL)):
        assert other == FULL
        assert other.model() is None


def test_the_frame_is_tidy() -> None:
    frame = FULL.to_frame()
    assert len(frame) == 3 * 2 * 3
    assert not frame.duplicated(["score", "layer", "head"]).any()
    row = frame.set_index(["score", "name"]).loc[("prefix_matching", "1.1")]
    assert row["value"] == pytest.approx(1) and row["n"] == 3 and row["complete"]
    assert row["lift"] == pytest.approx(row["value"] - row["chance"])
    assert frame.attrs["provenance"]["seed"] == 0
    assert set(PARTIAL.to_frame()["complete"]) == {False}


class Shell:
    kernel = object()


def test_a_notebook_gets_the_widget_and_a_terminal_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    class View:
        def __init__(self, of: Result) -> None:
            made.append(of)

        def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict, dict]:
            return {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "View()"}, {}

    widgets = types.ModuleType("circuit_widgets.views.induction")
    widgets.view = View  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "circuit_widgets.views.induction", widgets)
    ipython = types.ModuleType("IPython")
    monkeypatch.setitem(sys.modules, "IPython", ipython)

    ipython.get_ipython = lambda: None  # type: ignore[attr-defined]
    assert FULL._repr_mimebundle_() == {"text/plain": repr(FULL)} and not made
    ipython.get_ipython = object  # type: ignore[attr-defined]
    assert FULL._repr_mimebundle_() == {"text/plain": repr(FULL)} and not made
    ipython.get_ipython = Shell  # type: ignore[attr-defined]
    data, metadata = FULL._repr_mimebundle_()
    assert made == [FULL] and metadata == {}
    assert data["text/plain"] == repr(FULL)
    assert "application/vnd.jupyter.widget-view+json" in data

    # None in sys.modules is how Python says that a module cannot be imported.
    monkeypatch.setitem(sys.modules, "circuit_widgets.views.induction", None)
    text = FULL._repr_mimebundle_()["text/plain"]
    assert text.startswith(repr(FULL)) and "no interactive view here" in text


def test_a_part_that_is_not_there_is_an_import_error() -> None:
    with pytest.raises(ImportError, match=r"plots.induction has no 'poster'"):
        result.part("plots", "induction", "poster")


def test_scores_have_one_shape() -> None:
    with pytest.raises(ValueError, match=r"low of a score has shape \[3\], accepted is \[2\]"):
        Score(torch.zeros(2), low=torch.zeros(3))
    with pytest.raises(ValueError, match="no chance"):
        _ = Score(torch.zeros(2)).lift


def test_provenance_counts() -> None:
    assert MADE.complete and MADE.progress == "3 sequences"
    one = dataclasses.replace(MADE, n_done=1, n_total=1)
    assert one.progress == "1 sequence"
    assert dataclasses.replace(one, n_done=0).progress == "partial: 0 of 1 sequence"
    assert isinstance(MADE, Provenance)
    assert (MADE.seed, MADE.device, MADE.dtype) == (0, "cpu", "float32")
