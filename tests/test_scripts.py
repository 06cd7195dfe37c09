"""The checks of `make lint` that are our own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from tests import rooms

SCRIPTS = rooms.ROOT / "scripts"


def script(name: str) -> ModuleType:
    made = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert made is not None and made.loader is not None
    module = importlib.util.module_from_spec(made)
    made.loader.exec_module(module)
    return module


def test_a_notebook_keeps_nothing_of_a_run(tmp_path: Path, capsys) -> None:
    check = script("check_notebooks")
    printed = {"output_type": "stream", "name": "stdout", "text": ["0.5\n"]}
    ran = {
        **{"cell_type": "code", "source": ["x"], "outputs": [printed], "execution_count": 3},
        "metadata": {"execution": {"iopub.status.busy": "2026"}, "tags": ["nbval-skip"]},
    }
    said = {"cell_type": "markdown", "source": ["Text."], "metadata": {}}
    folder = tmp_path / "notebooks"
    folder.mkdir()
    file = folder / "06_new.ipynb"
    file.write_text(json.dumps({"cells": [said, ran], "metadata": {"widgets": {}}}))
    assert check.main(False, folder) == 1
    assert capsys.readouterr().out == (
        "notebooks/06_new.ipynb holds execution counts and outputs and times of execution and "
        "widget state: run `make format`\n"
    )
    assert check.main(True, folder) == 0 and check.main(False, folder) == 0
    kept = {**ran, "outputs": [], "execution_count": None, "metadata": {"tags": ["nbval-skip"]}}
    assert json.loads(file.read_text()) == {"cells": [said, kept], "metadata": {}}


def test_a_compared_cell_keeps_its_text(tmp_path: Path) -> None:
    check = script("check_notebooks")
    data = {"text/plain": ["0.5"], "text/html": ["<p>"], "image/png": "iVBOR"}
    shown = {"output_type": "execute_result", "data": data, "metadata": {"a": 1}}
    compared = {
        **{"cell_type": "code", "source": ["x"], "outputs": [{**shown, "execution_count": 3}]},
        **{"metadata": {"tags": ["nbval-check-output"]}, "execution_count": 3},
    }
    notebook = {"cells": [compared], "metadata": {}}
    assert check.strip(notebook) == ["execution counts", "outputs"]
    text = {"text/plain": ["0.5"], "text/html": ["<p>"]}
    kept = {**shown, "data": text, "metadata": {}, "execution_count": 1}
    assert notebook["cells"][0]["execution_count"] == 1
    assert notebook["cells"][0]["outputs"] == [kept] and check.strip(notebook) == []


def test_files_that_are_not_committed_yet_are_checked(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    for name in ("new.py", "ignored.py"):
        (tmp_path / name).write_text("\n" * 301)
    command = [sys.executable, SCRIPTS / "check_files.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "new.py has 301 lines; accepted are 300\n")
