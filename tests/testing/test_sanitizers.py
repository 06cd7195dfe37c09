"""What the sanitizers take out of outputs, and what they leave."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from nbval.plugin import get_sanitize_patterns

import circuit_widgets as cw
from circuit_widgets.testing import sanitizers

PATTERNS = get_sanitize_patterns(sanitizers().read_text(encoding="utf-8"))


def sanitized(text: str) -> str:
    """As nbval does it."""
    for regex, replace in PATTERNS:
        text = re.sub(regex, replace, text)
    return text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 0.53 s", "took 12.1 s"),
        ("<Thing at 0x7f17>", "<Thing at 0x8a90>"),
        ("scores:  38%|███▊      | 6/16 [00:00<00:00, 93.76step/s]", "x: 99%|██| 9/9 [01:00]"),
        ("/tmp/abc123/flow.safetensors", "/private/var/folders/x/y/z"),
        ("at 2026-11-26 22:07:59.123", "at 2024-01-02"),
        ("0.123456", "0.123399"),
        ("tensor([-0.0000, 1.2340])", "tensor([0.0010, 1.2361])"),
        ("1.2345e-07", "1.2399e-07"),
    ],
)
def test_what_differs_from_run_to_run(one, other) -> None:
    assert sanitized(one) == sanitized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.12", "0.13"),
        ("-0.50", "0.50"),
        ("1.2e-07", "1.2e-03"),
        ("head 1.2", "head 1.3"),
        ("'dog'", "'cat'"),
        ("16 of 81 edges", "17 of 81 edges"),
        ("7 steps", "8 steps"),
    ],
)
def test_what_an_author_says(one, other) -> None:
    assert sanitized(one) != sanitized(other)


def test_two_runs_of_one_analysis_are_the_same(small_model) -> None:
    text = "blue dog seven blue dog"
    runs = [cw.trace_information_flow(small_model, text, progress=False) for _ in range(2)]
    one, other = (sanitized(f"{run!r}\n{run.provenance!r}") for run in runs)
    assert one == other and "5 'dog'" in one


def test_the_command_prints_their_path() -> None:
    command = [sys.executable, "-m", "circuit_widgets.testing"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(sanitizers())
