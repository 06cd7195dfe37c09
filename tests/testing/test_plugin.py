"""The fixtures as an author of tutorials has them."""

from __future__ import annotations

import pytest

import circuit_widgets as cw

pytest_plugins = ["pytester"]

TESTS = """
def test_hook(small_model):
    small_model.add_hook("blocks.0.hook_out", lambda tensor, hook: tensor * 2)

def test_clean(small_model):
    assert not any(point.has_hooks() for point in small_model.hook_dict.values())
"""


def test_a_hook_that_is_left_fails_its_own_test_alone(pytester: pytest.Pytester) -> None:
    # Whatever is first imported inside is forgotten after it, and torch cannot be imported twice.
    cw.load_model()
    pytester.makeconftest('pytest_plugins = ["circuit_widgets.testing.plugin"]')
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-p", "no:xdist")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*the test left hooks on the model: blocks.0.hook_out*"])
