"""`run_notebook` in a real kernel: what a view was told is what Python has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nbformat
import numpy as np
import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.testing import CellFailed, NoAnswer, NotebookRun

TEXT = "blue dog seven river blue dog"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()\nprint('ready')",
    f"explorer = cw.explore(model, {TEXT!r}, selection='1.2')\nexplorer",
    f"flow = cw.trace_information_flow(model, {TEXT!r}, progress=False)\nflow",
    "import ipywidgets, io\nipywidgets.VBox([flow.view(), ipywidgets.IntSlider()])",
    "import os, tempfile\nat = tempfile.mkdtemp() + '/flow'\nflow.save(at)\ncw.load(at)",
    "explorer.selection = '0.1'",
    "1 / 0",
]


@pytest.fixture(scope="module")
def run(run_notebook, tmp_path_factory) -> Iterator[NotebookRun]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.cells[-1].metadata["tags"] = ["raises-exception"]
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("# A tutorial"))
    path = tmp_path_factory.mktemp("tutorial") / "tutorial.ipynb"
    nbformat.write(notebook, path)
    return run_notebook(path)


@pytest.fixture(scope="module")
def flow() -> Any:
    # The model is kept: `small_model` is a test's own.
    model = cw.load_model()
    return cw.trace_information_flow(model, TEXT, progress=False)


def test_cells_have_their_outputs(run) -> None:
    assert [len(cell.views) for cell in run.cells] == [0, 1, 1, 1, 1, 0, 0]
    assert run.cells[0].text == "ready\n"
    assert run.cells[2].text.startswith("InformationFlow of toy-induction")
    assert run.cells[-1].error == "ZeroDivisionError: division by zero"
    assert run.python("import pathlib; pathlib.Path.cwd().name").startswith("'tutorial")


def test_states_are_what_python_has(run, flow) -> None:
    explorer, shown, boxed, loaded = run.views
    # As it is now: a later cell selected another head.
    assert explorer.selected == (0, 1) and explorer.status["state"] == "idle"
    assert explorer.tokens[1:] == TEXT.split()
    assert shown.told.scalars["position"] == flow.position
    assert np.allclose(shown.told.column("sources", "route"), flow.routes)
    assert boxed.state["topic"] == shown.state["topic"] == loaded.state["topic"]
    heads = cw.identify_induction_heads(cw.load_model(), progress=False)
    assert np.allclose(explorer.score("prefix_matching"), heads.prefix_matching.value, atol=0.2)
    with pytest.raises(KeyError, match="there are prefix_matching"):
        explorer.score("nothing")
    with pytest.raises(KeyError, match=r"there are .*sources"):
        shown.told.block("nothing")


def test_tiles_are_the_models_attention(run, small_model) -> None:
    explorer = run.views[0]
    exact = cw.explore(small_model, TEXT, probe=False).pattern("1.2").numpy()
    assert np.array_equal(explorer.attention("1.2"), exact)
    tile = explorer.tile("1.2")
    assert tile.data.dtype == np.uint8 and tile.values.shape == exact.shape
    assert np.abs(tile.values - exact).max() <= tile.scale / 255
    small = explorer.tile("1.2", side=4)
    pooled = torch.nn.functional.max_pool2d(torch.tensor(exact)[None], 2, ceil_mode=True)[0]
    assert np.abs(small.values - pooled.numpy()).max() <= tile.scale / 255
    assert run.views[1].attention("0.1").shape == exact.shape


def test_what_has_no_answer_says_why(run) -> None:
    with pytest.raises(NoAnswer, match="no live model"):
        run.views[3].tile("1.2")
    with pytest.raises(ValueError, match=r"9\.9"):
        run.views[0].tile("9.9")
    with pytest.raises(NoAnswer, match="window"):
        run.views[0].tile("1.2", window=(0, 99, 0, 99))
    with pytest.raises(CellFailed, match="ZeroDivisionError"):
        run.python("1 / 0")


def test_a_cell_that_fails_is_shown(run_notebook) -> None:
    with pytest.raises(CellFailed, match=r"(?s)code cell 2 raised:\nraise.*wrong word"):
        run_notebook(["x = 1", "raise ValueError('wrong word')", "x = 2"])
    with pytest.raises(FileNotFoundError, match=r"no notebook 'nothing\.ipynb'"):
        run_notebook("nothing.ipynb")
    run = run_notebook(["1 / 0", "print(2)"], allow_errors=True)
    assert [cell.text for cell in run.cells] == ["", "2\n"]


def test_a_cell_that_hangs(run_notebook) -> None:
    with pytest.raises(TimeoutError):
        run_notebook(["import time\ntime.sleep(60)"], timeout=0.5)
