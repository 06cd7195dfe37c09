"""Notebooks as tests: kernels that start at once; one whose model is not here is skipped."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from circuit_widgets.models import _smollm2
from tests.browser.processes import start_nursery

NEED_SMOLLM2 = ("10_real_model.ipynb",)
WARM = pytest.StashKey[bool]()


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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the first cell of all: importing PyTorch is most of what a short notebook takes."""
    config = item.config
    if WARM in config.stash or not hasattr(os, "fork"):
        return
    config.stash[WARM] = True
    home = Path(tempfile.mkdtemp(prefix="cw-kernels-"))
    config.add_cleanup(functools.partial(shutil.rmtree, home, ignore_errors=True))
    nursery = start_nursery(home, dict(os.environ))
    config.add_cleanup(functools.partial(_end, nursery))
    # Where this process looks for kernels, before every other place.
    others = filter(None, [os.environ.get("JUPYTER_PATH")])
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(home / "path"), *others])
