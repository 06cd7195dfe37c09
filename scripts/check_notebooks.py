"""Fail when a notebook in notebooks/ holds anything of a run. With `--fix`, take it out instead.

Notebooks are saved without outputs: widget state is large and of a kernel that is gone, and GitHub
shows "Invalid Notebook" for it; what a cell prints is for tests to check, not for a diff to show.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def strip(notebook: dict[str, Any]) -> list[str]:
    """Remove widget state, outputs and the numbers of cells; what there was of them."""
    found = set()
    if notebook["metadata"].pop("widgets", None) is not None:
        found.add("widget state")
    for cell in notebook["cells"]:
        if cell.get("outputs"):
            cell["outputs"] = []
            found.add("outputs")
        if cell.get("execution_count") is not None:
            cell["execution_count"] = None
            found.add("execution counts")
        # JupyterLab notes when a cell ran.
        if cell["metadata"].pop("execution", None) is not None:
            found.add("times of execution")
    return sorted(found)


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
