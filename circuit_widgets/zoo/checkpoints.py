"""Checkpoints on disk: one safetensors file a seed, fp16, keys `step00064/embed.weight`."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save as serialize
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

# The bridge shows an output bias that the native model does not have: always zero, so not stored.
NO_PARAMETER = "unembed.bias"


def snapshot(model: TransformerBridge) -> dict[str, Tensor]:
    """The weights as they will be stored: TransformerLens names, fp16, copied."""
    weights = model.state_dict()
    return {
        key: value.detach().to(torch.float16).clone()
        for key, value in weights.items()
        if key != NO_PARAMETER
    }


def write(path: Path, checkpoints: dict[int, dict[str, Tensor]]) -> None:
    """Store the snapshots of one seed by step."""
    named = {
        f"step{step:05d}/{key}": value
        for step, weights in checkpoints.items()
        for key, value in weights.items()
    }
    # Not save_file: that leaves a file only its owner can read.
    path.write_bytes(serialize(named))


def read(path: Path, step: int, model: TransformerBridge) -> None:
    """Put the weights of one step into `model`, in float32; the other steps stay on disk."""
    prefix = f"step{step:05d}/"
    with safe_open(str(path), framework="pt") as file:
        keys = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118 - not a dict
        weights = {key.removeprefix(prefix): file.get_tensor(key).float() for key in keys}
    weights[NO_PARAMETER] = torch.zeros(model.cfg.d_vocab)
    model.load_state_dict(weights, strict=True)
