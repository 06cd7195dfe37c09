"""Notebooks as tests: kernels that start at once; one whose model is not here is skipped."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from circuit_widgets.models import _smollm2
from tests.browser.processes import start_nursery

NEED_SMOLLM2 = ("10_real_model.ipynb",)
HERE = Path(__file__).parent
PATH = pytest.StashKey[str]()


def _end(nursery: subprocess.Popen[bytes]) -> None:
    nursery.kill()
    nursery.wait()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all cells of such a notebook, and say why."""
    if _smollm2.folder().is_dir():
        return
    for item in items:
        if item.path.name in NEED_SMOLLM2:
            item.add_marker(pytest.mark.skip(reason="SmolLM2 is not here (make smollm2)"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """While a cell runs, and its notebook's kernel starts, kernels are those that start at once."""
    with pytest.MonkeyPatch.context() as patch:
        # (pytest calls this for all tests, not for those of this folder alone.)
        if item.path.parent == HERE and hasattr(os, "fork"):
            # Before every other place where this process looks for kernels.
            patch.setenv("JUPYTER_PATH", _kernels(item.config), prepend=os.pathsep)
        return (yield)


def _kernels(config: pytest.Config) -> str:
    """Where they are; from the first cell of all on, as importing PyTorch takes its time."""
    if PATH in config.stash:
        return config.stash[PATH]
    home = Path(tempfile.mkdtemp(prefix="cw-kernels-"))
    config.add_cleanup(functools.partial(shutil.rmtree, home, ignore_errors=True))
    nursery = start_nursery(home, dict(os.environ))
    config.add_cleanup(functools.partial(_end, nursery))
    return config.stash.setdefault(PATH, str(home / "path"))
