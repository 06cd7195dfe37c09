"""Fail when a notebook in notebooks/ holds anything of a run. With `--fix`, take it out instead.

Notebooks are saved without outputs: widget state is large and of a kernel that is gone, and GitHub
shows "Invalid Notebook" for it. The text of cells with the tag `nbval-check-output` stays: nbval
compares it with what they show, and `make outputs` writes it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


# What a compared cell may show: text, which a diff can show too.
TEXT = {"text/plain", "text/html"}


def is_compared(cell: dict[str, Any]) -> bool:
    """Whether nbval compares what a cell shows."""
    return "nbval-check-output" in cell["metadata"].get("tags", ())


def strip(notebook: dict[str, Any]) -> list[str]:
    """Remove widget state, outputs and the numbers of cells; what there was of them.

    Of a compared cell its text stays, and its place among the code cells is its number: nbval takes
    one without a number for one that was not run.
    """
    found = set()
    if notebook["metadata"].pop("widgets", None) is not None:
        found.add("widget state")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for place, cell in enumerate(code, 1):
        number = place if is_compared(cell) else None
        outputs = cell.get("outputs", [])
        kept = [_text_of(output, place) for output in outputs] if is_compared(cell) else []
        if outputs != kept:
            cell["outputs"] = kept
            found.add("outputs")
        if cell.get("execution_count") != number:
            cell["execution_count"] = number
            found.add("execution counts")
        # JupyterLab notes when a cell ran.
        if cell["metadata"].pop("execution", None) is not None:
            found.add("times of execution")
    return sorted(found)


def _text_of(output: dict[str, Any], number: int) -> dict[str, Any]:
    """An output without what is not text."""
    if "data" not in output:
        return output
    text = {kind: shown for kind, shown in output["data"].items() if kind in TEXT}
    numbers = {"execution_count": number} if "execution_count" in output else {}
    return {**output, "data": text, "metadata": {}, **numbers}


def main(fix: bool, folder: Path = NOTEBOOKS) -> int:
    """Check every notebook; the exit status."""
    status = 0
    for path in sorted(folder.glob("**/*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        notebook = json.loads(path.read_text(encoding="utf-8"))
        found = strip(notebook)
        if not found:
            continue
        if fix:
            text = json.dumps(notebook, indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
        else:
            held = " and ".join(found)
            print(f"{path.relative_to(folder.parent)} holds {held}: run `make format`")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main("--fix" in sys.argv[1:]))
