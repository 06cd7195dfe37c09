"""Every public name shows in its docstring how it is used; `make test` runs the examples."""

from __future__ import annotations

import pytest

import circuit_widgets as cw

# Data, which has no docstring of its own.
DATA = {"ATTENTION_PATTERNS"}


@pytest.mark.parametrize("name", sorted({*dir(cw)} - DATA))
def test_a_public_name_has_an_example(name: str) -> None:
    assert ">>> " in (getattr(cw, name).__doc__ or "")
