"""What the author of a tutorial needs to test it: `docs/testing.md`.

    pytest --nbval --nbval-sanitize-with $(python -m circuit_widgets.testing) tutorial.ipynb

compares what cells print, and in a `conftest.py` next to the tests

    pytest_plugins = ["circuit_widgets.testing.plugin"]

gives them the fixtures `run_notebook`, which runs a notebook in a real kernel and gives back its
views, and `small_model`.
"""

from circuit_widgets.testing.notebooks import CellFailed, NotebookRun, RunCell, run_notebook
from circuit_widgets.testing.sanitizers import sanitizers
from circuit_widgets.testing.views import NoAnswer, RunView, Tile

__all__ = [
    "CellFailed",
    "NoAnswer",
    "NotebookRun",
    "RunCell",
    "RunView",
    "Tile",
    "run_notebook",
    "sanitizers",
]
