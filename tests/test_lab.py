"""What JupyterLab's extension asks of a kernel: a page, or a sentence."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

import circuit_widgets as cw
from circuit_widgets import lab

TEXT = "blue dog seven blue dog"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("lab") / "flow.circuit.safetensors"
    cw.trace_information_flow(cw.load_model(), TEXT, progress=False).save(path)
    return path


def test_a_result_is_a_page(saved) -> None:
    told = lab.told(str(saved), dark=True)
    assert told.keys() == {"page"}
    assert told["page"].startswith("<!doctype html>") and 'data-theme="dark"' in told["page"]


def test_what_is_no_result_is_a_sentence(saved, tmp_path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "foreign")
    (tmp_path / "cut").write_bytes(saved.read_bytes()[:-40])
    for name, said in {
        "foreign": "not a saved result",
        "cut": "is not a safetensors file",
        "missing": "There is no file",
        ".": "There is no file",
    }.items():
        told = lab.told(str(tmp_path / name))
        assert told.keys() == {"error"} and said in told["error"]
        assert told["error"][0].isupper() or told["error"][0] == "'"
        assert told["error"].endswith(".") and "\n" not in told["error"]


def test_it_is_shown_under_a_type_of_its_own(saved, monkeypatch) -> None:
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append(data))
    lab.show(str(saved))
    assert shown[0][lab.MIME].keys() == {"page"}
