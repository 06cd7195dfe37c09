"""What a norm does, found out by asking it."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Norm:
    """What a norm does besides dividing by a scale: it may take the mean away, and has a gain."""

    gain: Float[Tensor, " d_model"]
    centres: bool
    divides: bool

    def fold(self, weight: Float[Tensor, "... d_model out"]) -> Float[Tensor, "... d_model out"]:
        """The weight that reads the residual stream itself, up to the scale of each position."""
        folded = self.gain[:, None] * weight
        return folded - folded.mean(-2, keepdim=True) if self.centres else folded

    def fold_output(self, weight: Float[Tensor, "... d_model"]) -> Float[Tensor, "... d_model"]:
        """The weight whose output this norm is given, up to the scale of each position."""
        centred = weight - weight.mean(-1, keepdim=True) if self.centres else weight
        return centred * self.gain

    def scale(self, stream: Float[Tensor, "... d_model"]) -> Float[Tensor, "... 1"]:
        """What it divides a stream by, without its epsilon."""
        if not self.divides:
            return torch.ones_like(stream[..., :1])
        spread = stream - stream.mean(-1, keepdim=True) if self.centres else stream
        return spread.pow(2).mean(-1, keepdim=True).sqrt()


def norm_of(module: Any, d_model: int, device: Any, dtype: torch.dtype) -> Norm:
    """Find out by asking the module: names and the meaning of weights differ by architecture.

    On vectors of mean 0 and mean square 1 every norm is its gain and its bias.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> norm = norm_of(model.ln_final, 48, model.cfg.device, model.cfg.dtype)
    >>> norm.gain.shape, norm.divides
    (torch.Size([48]), True)
    """
    if module is None:
        return Norm(torch.ones(d_model, device=device), False, False)
    signs = torch.ones(d_model, device=device)
    signs[1::2] = -1
    # A width that is odd leaves one 0 over; a second vector has it elsewhere.
    if d_model % 2:
        signs[-1] = 0
        signs *= (d_model / (d_model - 1)) ** 0.5
    probes = torch.stack([signs, signs.roll(1)])
    wide = 3 + 2 * probes[:1]

    def ask(vectors: Tensor) -> Tensor:
        return module(vectors.to(dtype)[None])[0].float()

    with torch.no_grad():
        half = (ask(probes) - ask(-probes)) / 2
        gain = torch.where(probes[0] != 0, half[0] / probes[0], half[1] / probes[1])
        shifted, plain = ask(wide), ask(2 * probes[:1])
        bias = ask(probes[:1]) - half[:1]
        centres = torch.allclose(shifted, plain, atol=1e-2 * float(gain.abs().max()))
        divides = not torch.allclose(
            plain - bias, 2 * half[:1], atol=1e-2 * float(gain.abs().max())
        )
    return Norm(gain, centres, divides)
