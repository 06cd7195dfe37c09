"""The documentation site: two pages of it, built offline and looked at without a network."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import rooms

INDEX = "# Two pages\n\n```{toctree}\ncircuits\nnotebooks/chapter\n```\n"


def notebook(*cells: str) -> str:
    made = [
        {"cell_type": "code", "execution_count": None, "id": f"cell-{at}", "metadata": {}}
        | {"outputs": [], "source": ["# Chapter\n", source]}
        for at, source in enumerate(cells)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"cells": made, "metadata": about, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = tmp_path_factory.mktemp("docs"), tmp_path_factory.mktemp("html")
    (source / "index.md").write_text(INDEX)
    shutil.copy(rooms.ROOT / "docs" / "methods" / "circuits.md", source)
    folder = source / "notebooks"
    folder.mkdir()
    (folder / "chapter.ipynb").write_text(
        notebook(
            "import circuit_widgets as cw\nmodel = cw.load_model()\n"
            "cw.explore(model, 'blue dog seven blue dog', probe=False, score='text_induction')",
            "cw.trace_induction(model, 'blue dog seven blue dog', heads=['1.2'], "
            "previous=['0.1'], progress=False)",
        )
    )
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-b", "html"]
    asked = [*sphinx, "-c", str(rooms.ROOT / "docs"), str(source), str(built)]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return built


def test_every_view_of_a_page_paints_and_answers_a_click(site: Path) -> None:
    # In a process of its own: this one may have a browser already.
    check = [sys.executable, "-m", "scripts.check_docs", str(site)]
    done = subprocess.run(check, capture_output=True, text=True, cwd=rooms.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 views, all well" in done.stdout


def test_formulas_are_mathml(site: Path) -> None:
    page = (site / "circuits.html").read_text()
    assert "<math" in page and "<mfrac" in page
