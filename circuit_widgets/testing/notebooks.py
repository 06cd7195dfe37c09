"""Run a notebook in a real kernel, and get what it showed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat

from circuit_widgets.testing.kernel import Kernel
from circuit_widgets.testing.views import RunView

VIEW = "application/vnd.jupyter.widget-view+json"


class CellFailed(AssertionError):
    """A cell raised; the message has its number, its source and its traceback."""


@dataclasses.dataclass(frozen=True)
class RunCell:
    """A code cell after it ran.

    Attributes:
        source: Its code.
        outputs: As a notebook's file holds them.
        views: The views of circuit_widgets that it showed, in order.
    """

    source: str
    outputs: list[nbformat.NotebookNode]
    views: list[RunView]

    @property
    def text(self) -> str:
        """What it printed, and the text form of what it showed."""
        found = []
        for output in self.outputs:
            shown = output.get("data", {}).get("text/plain", "")
            found.append(output.get("text", shown))
        return "".join(found)

    @property
    def error(self) -> str | None:
        """What it raised, like "ValueError: the text is empty"; None where it did not."""
        for output in self.outputs:
            if output["output_type"] == "error":
                return f"{output['ename']}: {output['evalue']}"
        return None


class NotebookRun:
    """A notebook that ran; its kernel is alive until `close`, so that its views answer.

    Attributes:
        cells: Its code cells, in order.
    """

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.cells: list[RunCell] = []

    @property
    def views(self) -> list[RunView]:
        """All views that it showed, in order."""
        return [view for cell in self.cells for view in cell.views]

    def python(self, code: str, timeout: float = 60) -> str:
        """Run more code in its kernel; what it printed and the text of its last line."""
        cell = self._run(code, timeout)
        if cell.error is not None:
            raise CellFailed(_told("the code", cell))
        return cell.text

    def close(self) -> None:
        """End its kernel."""
        self._kernel.close()

    def __enter__(self) -> NotebookRun:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, code: str, timeout: float) -> RunCell:
        outputs = self._kernel.run(code, timeout)
        shown = [output.get("data", {}).get(VIEW, {}).get("model_id") for output in outputs]
        return RunCell(code, outputs, [view for id in shown for view in self._views_of(id)])

    def _views_of(self, id: str | None) -> list[RunView]:
        """The view of an output; those in a box of ipywidgets, too."""
        widget = self._kernel.widgets.get(id or "")
        if widget is None:
            return []
        if "runs" in widget.state and "_esm" in widget.state:
            return [RunView(self._kernel, id or "")]
        children = widget.state.get("children", ())
        return [view for child in children for view in self._views_of(_id(child))]


def run_notebook(
    notebook: str | os.PathLike[str] | Sequence[str],
    *,
    timeout: float = 300,
    startup: float = 120,
    allow_errors: bool = False,
    folder: str | os.PathLike[str] | None = None,
    kernel: str = "python3",
) -> NotebookRun:
    """Run a notebook, top to bottom, in a kernel of its own.

    Args:
        notebook: A file, or the sources of code cells.
        timeout: Seconds for each cell.
        startup: Seconds for the kernel's start.
        allow_errors: Go on after a cell that raises. Cells with the tag `raises-exception` may.
        folder: Where the kernel runs; None: the notebook's own folder.
        kernel: Which kernel.

    Raises:
        FileNotFoundError: There is no such file.
        CellFailed: A cell raised.
        TimeoutError: A cell took longer than `timeout`.
    """
    cells, home = _cells(notebook)
    run = NotebookRun(Kernel(Path(folder or home), kernel, startup))
    try:
        for number, (source, may_raise) in enumerate(cells, 1):
            cell = run._run(source, timeout)
            run.cells.append(cell)
            if cell.error is not None and not (may_raise or allow_errors):
                raise CellFailed(_told(f"code cell {number}", cell))
    except BaseException:
        run.close()
        raise
    return run


def _cells(notebook: Any) -> tuple[list[tuple[str, bool]], Path]:
    """Source of each code cell, and whether it may raise; the folder they run in."""
    if not isinstance(notebook, (str, os.PathLike)):
        return [(source, False) for source in notebook], Path.cwd()
    path = Path(notebook)
    if not path.is_file():
        raise FileNotFoundError(f"there is no notebook {os.fspath(path)!r}")
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    return [
        (cell.source, "raises-exception" in cell.metadata.get("tags", ())) for cell in code
    ], path.parent


def _told(which: str, cell: RunCell) -> str:
    lines = [line for o in cell.outputs if o["output_type"] == "error" for line in o["traceback"]]
    return f"{which} raised:\n{cell.source}\n\n" + "\n".join(lines)


def _id(child: object) -> str:
    return str(child).removeprefix("IPY_MODEL_")
