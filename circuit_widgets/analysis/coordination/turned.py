"""Heads that read at random: what two heads share because they read the same text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.stopping import check_stop

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Turns of the residual stream; the similarities of all pairs are counted together.
TURNS = 50
# Rows a pass of one layer, at most.
_ROWS = 4096


class Turned:
    """Z of heads that read the residual stream of a run turned at random.

    Two heads that read one text are alike without any coordination: whatever they read, they read
    it at the same places. An untrained model has many such pairs, and shuffled prompts call them
    significant. A head that reads the stream after a random rotation knows as much about the text
    and has weights of the same size, but no direction of its own. With random weights the head
    itself is one of these (a Gaussian matrix after a rotation is as likely as before), so that of
    untrained heads none stands out. It is the test by random weights of Adebayo et al. 2018 (Sanity
    Checks for Saliency Maps), one head at a time.

    The rotation leaves the direction in which all coordinates are equal: what a LayerNorm takes
    away.

    Args:
        model: The model of the runs.
        inputs: Of each run, in the order of the rows.
        layers: Of the heads.
    """

    def __init__(
        self, model: TransformerBridge, inputs: Sequence[capture.BlockInputs], layers: Sequence[int]
    ) -> None:
        self._model, self._inputs, self._layers = model, inputs, layers

    def draws(self, n: int, seed: int) -> Iterator[Float[Tensor, "draw row head d_head"]]:
        """Some turns after the other, all heads' z at every row."""
        generator = torch.Generator().manual_seed(seed)
        d_model = self._inputs[0].stream(self._layers[0]).shape[-1]
        sizes = [inputs.stream(self._layers[0]).shape[:2].numel() for inputs in self._inputs]
        step = max(1, _ROWS // max(sizes))
        for start in range(0, n, step):
            turns = [rotation(d_model, generator) for _ in range(min(step, n - start))]
            yield self._read(torch.stack(turns))

    def _read(self, turns: Float[Tensor, "draw d_model d_model"]) -> Tensor:
        runs = []
        for inputs in self._inputs:
            layers = []
            for layer in self._layers:
                check_stop()
                stream = inputs.stream(layer)
                turned = torch.einsum("bpd,nde->nbpe", stream, turns.to(stream))
                z = capture.replay(self._model, inputs, layer, ["z"], stream=turned.flatten(0, 1))[
                    "z"
                ]
                layers.append(z.float().unflatten(0, (len(turns), -1)))
            runs.append(torch.cat(layers, 3).flatten(1, 2))
        return torch.cat(runs, 1)


def rotation(d: int, generator: torch.Generator) -> Float[Tensor, "d d"]:
    """A random rotation or reflection that leaves the vector of ones where it is.

    >>> turn = rotation(4, torch.Generator().manual_seed(0))
    >>> bool((turn.sum(0) - 1).abs().max() < 1e-6), bool((turn @ turn.T).diagonal().min() > 0.999)
    (True, True)
    """
    ones = torch.ones(d, 1, dtype=torch.float64)
    drawn = torch.randn(d, d - 1, generator=generator, dtype=torch.float64)
    basis = torch.linalg.qr(torch.cat([ones, drawn], 1)).Q[:, 1:]
    inner = torch.randn(d - 1, d - 1, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(inner)
    # The signs make it uniform (Mezzadri 2007, How to generate random matrices).
    q = q * r.diagonal().sign()
    return (basis @ q @ basis.T + 1 / d).float()
