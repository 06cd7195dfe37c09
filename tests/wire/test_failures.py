"""What the failure browser is told: where a part stands, and pictures as tiles have them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from circuit_widgets.wire.blocks import Matrix, PicturesBlock
from circuit_widgets.wire.topics import failures as t


def test_the_mlp_of_a_layer_comes_after_its_heads():
    heads = torch.arange(8.0).view(1, 2, 4)
    block, data = t.z_matrix(heads, torch.tensor([[10.0, torch.nan]]), "how far out")
    assert isinstance(block, Matrix) and block.most == 10
    assert block.cols.texts is not None and block.cols.texts[4:6] == ["0.mlp", "1.0"]
    row = np.frombuffer(data, "<f4")
    assert row[:6].tolist() == [0, 1, 2, 3, 10, 4] and np.isnan(row[9])


@pytest.mark.parametrize(("n_tokens", "used"), [(5, 5), (12, 12), (13, 7), (20, 10)])
def test_a_picture_is_cut_to_its_text_and_has_the_first_token_apart(n_tokens, used):
    pixels = torch.randint(1, 255, (2, 12, 12), dtype=torch.uint8)
    pixels[:, used:], pixels[:, :, used:] = 0, 0
    scales = torch.tensor([0.5, 1.0])
    (packed,) = t.pictures(3, pixels, scales, ["1.2", "0.1"], n_tokens)
    block, data = packed
    assert isinstance(block, PicturesBlock) and block.name == "pictures.3"
    assert block.window == (0, n_tokens, 0, n_tokens)
    for at, part in enumerate(block.tiles):
        assert (part.rows, part.cols) == (used, used) and part.first is not None
        cells = np.frombuffer(data, "u1", used * used, part.offset).reshape(used, used)
        first = np.frombuffer(data, "<f4", used, part.first)
        assert part.first % 4 == 0 and not cells[:, 0].any()
        assert (cells[:, 1:] == pixels[at, :used, 1:used].numpy()).all()
        known = pixels[at, :used, 0].float() * scales[at] / 255
        np.testing.assert_allclose(first, known.numpy(), rtol=1e-6)


def test_no_heads_have_no_pictures():
    assert t.pictures(0, torch.zeros(0, 4, 4, dtype=torch.uint8), torch.zeros(0), [], 4) == []
