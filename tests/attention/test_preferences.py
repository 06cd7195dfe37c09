"""What heads attend to by their architecture alone."""

from __future__ import annotations

import pytest
import torch

from circuit_widgets.attention.preferences import preferences
from tests import decoders, tiny


@pytest.mark.parametrize("name", ["bloom", "mpt"])
def test_they_are_alibis_slopes(name: str) -> None:
    """Press et al. 2022: of 8 heads the slopes are 1/2, 1/4, ..., 1/256."""
    found = preferences(tiny.alibi(name, n_heads=8), 10)
    assert found is not None
    at = torch.arange(10)
    back = (at[:, None] - at).float()
    slopes = 2.0 ** -torch.arange(1, 9)
    scores = (-slopes[:, None, None] * back).masked_fill(back < 0, -torch.inf)
    torch.testing.assert_close(found, scores.softmax(-1), atol=1e-4, rtol=1e-3)


def test_a_longer_text_is_measured_and_a_shorter_one_is_its_part() -> None:
    model = tiny.alibi("falcon")
    long, short = preferences(model, 12), preferences(model, 9)
    assert long is not None and short is not None
    torch.testing.assert_close(short, long[:, :9, :9])
    torch.testing.assert_close(long.sum(-1), torch.ones(tiny.N_HEADS, 12))


def test_a_window_is_one_and_content_is_none() -> None:
    """Gemma 2 looks 5 tokens back in every other layer; the sink of GPT-OSS is no preference."""
    found = preferences(tiny.wrap(decoders.build("gemma2")), 6)
    assert found is not None
    torch.testing.assert_close(found[0, -1], torch.tensor([0.0, *[0.2] * 5]))
    assert preferences(tiny.gptoss(), 6) is None
    assert all(preferences(tiny.make(name), 6) is None for name in ("gpt2", "llama", "native"))
