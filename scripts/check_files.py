"""No file is over 300 lines, and none inside a topic begins with an underscore.

`python scripts/check_files.py` exits 1 and says which; tests count, what is generated does not.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MOST = 300
KINDS = {".py", ".pyi", ".ts", ".tsx", ".css", ".mjs"}
GENERATED = {"js/src/contract.gen.ts"}
TOPICS = "circuit_widgets/analysis/"


def faults(names: list[str]) -> list[str]:
    """A sentence for each file that breaks a rule."""
    found = []
    for name in names:
        path = Path(name)
        if path.suffix not in KINDS or name in GENERATED or not path.exists():
            continue
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MOST:
            found.append(f"{name} has {lines} lines; accepted are {MOST}")
        if name.startswith(TOPICS) and path.name.startswith("_") and path.stem != "__init__":
            found.append(f"{name} begins with an underscore; inside a topic no file does")
    return found


if __name__ == "__main__":
    # What is not committed yet counts too, but for what git ignores.
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    wrong = faults(sorted({*listed.stdout.splitlines()}))
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(bool(wrong))
