"""Tiny models, made once for all tests of this folder; a test leaves them as it found them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from tests import tiny

_make = cache(tiny.make)


def functions(model: TransformerBridge) -> list[str]:
    """Every hook function there is: on hook points, and on the modules themselves."""
    found = [
        f"{name}: {len(point.fwd_hooks)}"
        for name, point in model.hook_dict.items()
        if point.fwd_hooks
    ]
    for name, module in model.named_modules():
        n = len(module._forward_hooks), len(module._forward_pre_hooks)
        if any(n):
            found.append(f"{name}: {n}")
    return found


@pytest.fixture(params=list(tiny.MAKERS))
def model(request: pytest.FixtureRequest) -> Iterator[TransformerBridge]:
    """Each kind of model; afterwards it must have the same hooks and give the same logits."""
    model = _make(request.param)
    ids = tiny.ids(9)
    with torch.no_grad():
        # The first passes put on hooks of the bridge's and of transformers' own, which stay.
        model.run_with_cache(ids)
        before = model(ids)
        hooks = functions(model)
        yield model
        assert functions(model) == hooks
        assert not any(point.fwd_hooks for point in model.hook_dict.values())
        assert torch.equal(model(ids), before)


@pytest.fixture
def llama() -> TransformerBridge:
    return _make("llama")


@pytest.fixture
def native() -> TransformerBridge:
    return _make("native")
