"""Fail when a notebook in notebooks/ holds widget state. With `--fix`, take it out instead.

Widget state is large and of a kernel that is gone, and GitHub shows "Invalid Notebook" for it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
WIDGET = "application/vnd.jupyter.widget-"


def strip(notebook: dict[str, Any]) -> bool:
    """Remove widget state and outputs that show a widget; whether there was any."""
    found = notebook["metadata"].pop("widgets", None) is not None
    for cell in notebook["cells"]:
        outputs = cell.get("outputs", [])
        kept = [o for o in outputs if not any(m.startswith(WIDGET) for m in o.get("data", ()))]
        if len(kept) < len(outputs):
            cell["outputs"], found = kept, True
    return found


def main(fix: bool) -> int:
    """Check every notebook; the exit status."""
    status = 0
    for path in sorted(NOTEBOOKS.glob("**/*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if not strip(notebook):
            continue
        if fix:
            text = json.dumps(notebook, indent=1, ensure_ascii=False)
            path.write_text(text + "\n", encoding="utf-8")
        else:
            print(f"{path.relative_to(NOTEBOOKS.parent)} holds widget state: run `make format`")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main("--fix" in sys.argv[1:]))
