"""No number of any analysis has changed since an earlier version saved it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import torch

import circuit_widgets as cw
from tests import rooms
from tests.analysis import known_results
from tests.analysis.known_results import FOLDER

# How a class is described may be said better.
WORDS = re.compile(r"\.classes\[\d+\]\.(label|description|source)")
MAKERS = known_results.makers()
# What depends on single tokens that torch drew, which other versions of it draw otherwise.
DRAWN = {"toy-influence-norm"}


def leaves(value: Any, at: str = "") -> dict[str, Any]:
    """Every number and word of a result, by where it stands."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {
            k: v for name, each in value.items() for k, v in leaves(each, f"{at}.{name}").items()
        }
    if isinstance(value, (list, tuple)):
        found = {
            k: v for i, each in enumerate(value) for k, v in leaves(each, f"{at}[{i}]").items()
        }
        return {f"{at}.n": len(value), **found}
    return {at: value}


def test_every_analysis_has_one() -> None:
    known = {cw.load(file).provenance.analysis for file in FOLDER.glob("*.safetensors")}
    where = "tests/analysis/known_results.py"
    assert rooms.missing(rooms.analyses(), known, where) == []


def test_what_is_saved_is_what_is_asked_for(tmp_path: Path, monkeypatch, capsys) -> None:
    made = {name: MAKERS["toy-trace"] for name in ("one", "other")}
    monkeypatch.setattr(known_results, "makers", lambda: made)
    assert known_results.save(["one"], tmp_path) == ["one"]
    assert known_results.save([], tmp_path) == ["other"]
    assert known_results.save([], tmp_path) == []
    assert known_results.save(["--all"], tmp_path) == ["one", "other"]
    with pytest.raises(SystemExit):
        known_results.save(["two"], tmp_path)
    assert "there is no two; names are one, other" in capsys.readouterr().err


@pytest.mark.parametrize("name", MAKERS)
def test_it_computes_what_it_did(name: str) -> None:
    """To the bit on the machine that saved them; another processor rounds otherwise."""
    known = cw.load(FOLDER / f"{name}.safetensors")
    drew = known.provenance.versions["torch"].split("+")[0]
    if name in DRAWN and drew != torch.__version__.split("+")[0]:
        pytest.skip(f"torch {drew} drew its tokens, and this is another")
    mine, theirs = (
        leaves(dataclasses.replace(result, provenance=None)) for result in (MAKERS[name](), known)
    )
    assert mine.keys() == theirs.keys()
    for at, value in mine.items():
        if WORDS.fullmatch(at):
            continue
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(
                value,
                theirs[at],
                rtol=1e-3,
                atol=2e-5,
                equal_nan=True,
                msg=lambda m, at=at: f"{at}: {m}",
            )
        elif isinstance(value, float):
            assert value == pytest.approx(theirs[at], rel=1e-3, abs=2e-5, nan_ok=True), at
        else:
            assert value == theirs[at], at
