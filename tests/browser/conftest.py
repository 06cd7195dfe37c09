"""Fixtures of the browser tests: `lab`, and a picture of every page when a test fails."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest

from tests.browser.processes import find_chromium

REPORT = pytest.StashKey[bool]()


def _missing() -> str | None:
    """What this machine lacks for a browser test."""
    for module in ("jupyterlab", "playwright", "psutil"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed (pip install -e '.[test]')"
    if find_chromium() is None:
        return "no Chromium on the PATH (Debian and Ubuntu: apt-get install chromium)"
    return None


@pytest.fixture(scope="session")
def lab() -> Iterator[object]:
    """A `tests.browser.lab.Lab`, one for all tests."""
    if missing := _missing():
        # `make test` sets this: there, a browser test that cannot run is a failure.
        (pytest.fail if os.environ.get("CW_REQUIRE_BROWSER") else pytest.skip)(missing)
    from tests.browser.lab import Lab

    lab = Lab()
    try:
        yield lab
    finally:
        lab.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    item.stash[REPORT] = item.stash.get(REPORT, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def _tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test: pictures if it failed; the notebooks it opened itself are closed."""
    if "lab" not in request.fixturenames:
        yield
        return
    lab = request.getfixturevalue("lab")
    before = len(lab.notebooks)
    yield
    if request.node.stash.get(REPORT, False):
        for number, notebook in enumerate(lab.notebooks):
            if not notebook.page.is_closed():
                path = notebook.screenshot(f"FAILED-{request.node.name}-{number}")
                print(f"\nsaw {path}\nerrors in the page: {notebook.errors}")
    lab.close_since(before)
