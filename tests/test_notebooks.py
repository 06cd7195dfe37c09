"""What every example notebook has; that their cells run is nbval's to say."""

from __future__ import annotations

import io
import json
import tokenize
from pathlib import Path
from typing import Any

import pytest

from tests import rooms

NOTEBOOKS = sorted((rooms.ROOT / "notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def code(path: Path) -> list[list[str]]:
    """Of each cell the tokens, without comments."""
    left_out = (tokenize.COMMENT, tokenize.NL)
    sources = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "code"]
    return [
        [
            it.string
            for it in tokenize.generate_tokens(io.StringIO(source).readline)
            if it.type not in left_out
        ]
        for source in sources
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_ends_with_an_exercise_and_a_hidden_answer(path: Path) -> None:
    asked, answer = cells(path)[-2:]
    assert any(line.startswith(("## Exercise", "## 练习")) for line in asked["source"])
    assert answer["cell_type"] == "code" and answer["metadata"]["tags"] == ["hide-cell"]
    assert answer["metadata"]["jupyter"]["source_hidden"]


def test_a_translated_notebook_runs_the_same_code() -> None:
    translated = [path for path in NOTEBOOKS if path.stem.endswith("_zh")]
    assert translated
    for path in translated:
        assert code(path) == code(path.with_name(path.name.replace("_zh", "")))
