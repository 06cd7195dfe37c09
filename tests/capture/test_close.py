"""Logits that are compared some rows at a time."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets.capture import close


@pytest.mark.parametrize("chunk", [1, 30, 10**6])
def test_many_rows_are_held_each_against_its_own(monkeypatch, chunk):
    monkeypatch.setattr(close, "_CHUNK", chunk)
    clean = torch.randn(8, 3, 5, generator=torch.Generator().manual_seed(0))
    assert close.close(clean + 1e-6, clean)
    other = clean.clone()
    other[7, 2, 4] += 1
    assert not close.close(other, clean)
    assert close.close(clean[:1].repeat(8, 1, 1), clean[:1])
    assert close.close(clean[:, :2], clean)
