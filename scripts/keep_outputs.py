"""Run notebooks and keep the outputs of the cells that are compared (tag `nbval-check-output`).

`make outputs` runs all of them, `python -m scripts.keep_outputs notebooks/06_flow.ipynb` one.
After a change that is meant, look at the diff.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from circuit_widgets.testing import run_notebook
from scripts.check_notebooks import NOTEBOOKS, is_compared, strip


def keep(path: Path) -> None:
    """Run one, and write what its compared cells show."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if not any(map(is_compared, code)):
        return
    print(f"outputs: {path.name}")
    with run_notebook(path) as run:
        for cell, ran in zip(code, run.cells, strict=True):
            if is_compared(cell):
                cell["outputs"] = [_by_lines(dict(output)) for output in ran.outputs]
    strip(notebook)
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _by_lines(output: dict[str, Any]) -> dict[str, Any]:
    """As a notebook's file has it: text is a list of lines, so that a diff shows the line."""
    if "text" in output:
        told = {**output, "text": output["text"].splitlines(keepends=True)}
    else:
        data = {kind: shown.splitlines(keepends=True) for kind, shown in output["data"].items()}
        told = {**output, "data": data}
    # JupyterLab's order.
    return dict(sorted(told.items()))


if __name__ == "__main__":
    for path in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        keep(path)
