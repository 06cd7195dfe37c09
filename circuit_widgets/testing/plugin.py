"""Fixtures for tests of notebooks: `pytest_plugins = ["circuit_widgets.testing.plugin"]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from circuit_widgets.testing.notebooks import NotebookRun


@pytest.fixture(scope="module")
def run_notebook() -> Iterator[Callable[..., NotebookRun]]:
    """Run a notebook in a real kernel: `circuit_widgets.testing.run_notebook`.

    The kernels end after the last test of the module. A run that several tests read goes into a
    fixture of the module.
    """
    from circuit_widgets.testing import notebooks

    runs: list[NotebookRun] = []

    def run(notebook: Any, **options: Any) -> NotebookRun:
        runs.append(notebooks.run_notebook(notebook, **options))
        return runs[-1]

    try:
        yield run
    finally:
        for each in runs:
            each.close()


@pytest.fixture(scope="session")
def _toys() -> list[Any]:
    """The model, once it is loaded."""
    return []


@pytest.fixture
def small_model(_toys: list[Any]) -> Iterator[Any]:
    """A trained model with known induction heads, the same in every version: 2 layers of 4 heads.

    It is loaded once. A test that leaves a hook on it fails.
    """
    from circuit_widgets import capture, models

    if not _toys:
        _toys.append(models.load_model("toy-induction"))
    (toy,) = _toys
    yield toy
    left = capture.foreign_hooks(toy)
    if left:
        # The next test gets another one.
        _toys.clear()
        pytest.fail(f"the test left hooks on the model: {', '.join(left)}")
