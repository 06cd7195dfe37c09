"""Saved results: the same again, earlier versions, newer versions, and what is no result."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import stat
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.results import fields, result
from circuit_widgets.results import file as _saved
from circuit_widgets.results.result import Result
from tests.circuits import Circuit, build

MODEL = build(Circuit(2, 3, (0, 0), (1, 1)))
ASKED = {"n_sequences": 3, "length": 6, "ablation": 0, "copying": False, "pairs": False}
FULL = identify_induction_heads(MODEL, **ASKED, progress=False)
MADE = FULL.provenance
PARTIAL = dataclasses.replace(FULL, provenance=dataclasses.replace(MADE, n_done=2, n_total=5))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "heads.safetensors"
    FULL.save(path)
    return path


@pytest.mark.parametrize("saved", [FULL, PARTIAL], ids=["complete", "partial"])
def test_a_saved_result_is_the_same_again(saved: InductionHeads, tmp_path: Path) -> None:
    path = tmp_path / "r.safetensors"
    saved.save(path)
    for loaded in (InductionHeads.load(path), result.load(path), result.load(str(path))):
        assert loaded == saved
        assert repr(loaded) == repr(saved)
        assert loaded.provenance.seconds == saved.provenance.seconds
        assert loaded.model() is None
        pd.testing.assert_frame_equal(loaded.to_frame(), saved.to_frame())


def test_missing_values_stay_missing(tmp_path: Path) -> None:
    score = FULL.prefix_matching
    value = score.value.clone()
    value[1, 2] = math.nan
    holes = dataclasses.replace(FULL, prefix_matching=dataclasses.replace(score, value=value))
    holes.save(tmp_path / "r")
    loaded = InductionHeads.load(tmp_path / "r")
    assert loaded == holes != FULL
    assert loaded.prefix_matching.value.isnan().nonzero().tolist() == [[1, 2]]
    assert loaded.to_frame()["value"].isna().tolist().count(True) == 1
    assert loaded.prefix_matching.lift[1, 2].isnan()


def test_a_result_without_losses_is_saved_without_them(tmp_path: Path) -> None:
    bare = dataclasses.replace(FULL, loss_first=None, loss_second=None)
    bare.save(tmp_path / "r")
    assert InductionHeads.load(tmp_path / "r").loss_first is None


def test_the_file_is_plain(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["circuit_widgets"])
        assert "prefix_matching.control_high" in file.keys()  # noqa: SIM118
    assert header["topic"] == "induction"
    assert header["provenance"]["parameters"]["length"] == 6
    assert set(header["provenance"]["versions"]) == {"circuit_widgets", "torch", "transformer_lens"}


def test_a_failed_save_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(_saved.os, "fsync", full_disk)
    with pytest.raises(OSError, match="no space"):
        PARTIAL.save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name == "nt", reason="permissions are of POSIX")
def test_a_flipped_bit_is_an_error_and_not_a_number(path: Path) -> None:
    whole = path.read_bytes()
    start = int.from_bytes(whole[:8], "little") + 8
    # Of the numbers, the first, one in the middle and the last.
    for at in (start, (start + len(whole)) // 2, len(whole) - 1):
        flipped = bytearray(whole)
        flipped[at] ^= 1
        path.write_bytes(bytes(flipped))
        with pytest.raises(ValueError, match="is damaged"):
            Result.load(path)
    path.write_bytes(whole.replace(b"n_sequences", b"n_sequencez"))
    with pytest.raises(ValueError, match="is damaged"):
        Result.load(path)
    path.write_bytes(whole)
    assert Result.load(path) == FULL


def test_others_can_read_what_the_folder_lets_them(path: Path) -> None:
    plain = path.with_name("plain")
    plain.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def edited(path: Path, **changes: object) -> Path:
    """The file with entries of its header replaced; None takes one out."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()["circuit_widgets"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, value in changes.items():
        header[name] = value
        if value is None:
            del header[name]
    other = path.with_name("edited")
    save_file(tensors, other, metadata={"circuit_widgets": json.dumps(header)})
    return other


def test_what_is_not_a_saved_result_is_a_sentence(path: Path) -> None:
    text = path.with_name("notes.txt")
    text.write_text("not a tensor in sight, but long enough to look for a header")
    with pytest.raises(ValueError, match="not a safetensors file"):
        result.load(text)
    text.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="not a safetensors file"):
        result.load(text)
    save_file({"a": torch.zeros(1)}, text)
    with pytest.raises(ValueError, match="not a saved result"):
        result.load(text)
    save_file({"a": torch.zeros(1)}, text, metadata={"circuit_widgets": "{"})
    with pytest.raises(ValueError, match="cannot be read"):
        result.load(text)
    with pytest.raises(FileNotFoundError, match="there is no file"):
        result.load(path.with_name("nowhere"))
    with pytest.raises(
        ValueError, match=r"format 99, saved by circuit_widgets .*, which reads formats 1 to 2"
    ):
        result.load(edited(path, format=99))
    with pytest.raises(ValueError, match=r"header .* cannot be read"):
        result.load(edited(path, format=None))
    with pytest.raises(ValueError, match=r"topic 'os' .*; topics are attribution, circuits"):
        result.load(edited(path, topic="os"))
    with pytest.raises(ValueError, match=r"not a complete InductionHeads: .*model"):
        made = {k: v for k, v in dataclasses.asdict(MADE).items() if k != "model"}
        result.load(edited(path, provenance=made))
    with pytest.raises(ValueError, match="not those of its header"):
        result.load(edited(path, tensors=["prefix_matching.value"]))
    with pytest.raises(ValueError, match=r"unknown fields .*extra"):
        header, _ = _saved.read(path)
        result.load(edited(path, values={**header["values"], "extra": 1}))


def test_missing_or_misshapen_tensors_are_a_sentence(path: Path) -> None:
    header, tensors = _saved.read(path)

    def load_with(**changes: torch.Tensor | None) -> None:
        kept = {**tensors, **{name.replace("__", "."): t for name, t in changes.items()}}
        _saved.write(path, header, {name: t for name, t in kept.items() if t is not None})
        result.load(path)

    with pytest.raises(ValueError, match=r"lacks \['control'\]"):
        load_with(previous_token__control=None)
    with pytest.raises(ValueError, match="value"):
        load_with(previous_token__value=None)
    with pytest.raises(ValueError, match=r"high of a score has shape \[2\]"):
        load_with(previous_token__high=torch.zeros(2))
    everything = {n.replace(".", "__"): None for n in tensors if n.startswith("duplicate_token")}
    with pytest.raises(ValueError, match="'duplicate_token' is missing"):
        load_with(**everything)


def test_another_topic_is_not_this_class(path: Path) -> None:
    taken = dict(result._CLASSES)
    try:

        @dataclasses.dataclass(frozen=True, eq=False, repr=False)
        class Flow(Result, topic="flow"):
            edges: torch.Tensor
            names: tuple[str, ...]

        flow = Flow(provenance=MADE, edges=torch.arange(6).view(2, 3).T, names=("a", "b"))
        flow.save(path)
        loaded = result.load(path)
        assert loaded == flow and isinstance(loaded, Flow)
        assert loaded.names == ("a", "b")
        with pytest.raises(ValueError, match=r"holds Flow .*not InductionHeads"):
            InductionHeads.load(path)
        with pytest.raises(ValueError, match="not a topic"):

            class Cooking(Result, topic="cooking"):
                pass
    finally:
        result._CLASSES.clear()
        result._CLASSES.update(taken)


def test_a_number_that_is_missing_in_a_row_is_missing_again() -> None:
    @dataclasses.dataclass(frozen=True)
    class Row:
        share: float
        p: float | None

    row = fields.plain((Row(0.5, math.nan), Row(math.inf, None)))
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    first, other = fields.typed(tuple[Row, ...], row)
    assert first.share == 0.5 and math.isnan(first.p)
    assert other == Row(math.inf, None)
