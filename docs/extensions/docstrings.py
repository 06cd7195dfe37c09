"""Docstrings are written for `help`; here what reStructuredText would misread is put right."""

from __future__ import annotations

import re
from typing import Any

_COLUMNS = re.compile(r"\S {3,}\S")


def mend(app: Any, what: str, name: str, it: Any, options: Any, lines: list[str]) -> None:
    """Bars are no substitutions, single stars no emphasis, and what is set in columns stays so."""
    mended: list[str] = []
    in_block = False
    for i, line in enumerate(lines):
        new = i == 0 or not lines[i - 1].strip()
        if in_block and new and line.strip() and not line.startswith(" "):
            in_block = False
        elif not in_block and new and not line.startswith((">>>", " ")) and _COLUMNS.search(line):
            mended += ["::", ""]
            in_block = True
        mended.append(f"    {line}" if in_block else _bars(line))
    lines[:] = mended


def _bars(line: str) -> str:
    # Not of a line block, of an example or of code.
    if line.lstrip().startswith((">>>", "...", "| ")):
        return line
    # A star without a second one is no emphasis: a name in the shape of a tensor.
    signs = r"(?<!\\)[|*]" if line.count("*") % 2 else r"(?<!\\)\|"
    return re.sub(signs, r"\\\g<0>", line)


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
