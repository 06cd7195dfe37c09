"""What blocking attention costs: each source, other queries as a control, and layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.knockout import knocked_out, knocked_out_pairs, random_pairs
from circuit_widgets.prompts.readout import Readout
from circuit_widgets.statistics.intervals import further_draw

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Rows of a pass, at most: each computes one position.
_ROWS = 64
# Sources whose layers are swept: those whose knockout costs most.
_SWEPT = 8


class Knockouts:
    """Costs of knockouts as they come in, in nats; NaN: not run (yet).

    Attributes:
        sources: The positions that are cut off, in the order they were given.
        windows: Layers of the sweep, each with its last one.
        effects: Without renormalising and with, over all layers of the window asked for, [2, pos].
        control: Of random pairs of another query and a key before it, [pair].
        by_window: In each window of the sweep, [window, pos].
    """

    def __init__(
        self,
        model: TransformerBridge,
        asked: Readout,
        target: int,
        logits: Float[Tensor, "pos vocab"],
        sources: Sequence[int],
        *,
        layers: range,
        renormalise: bool,
        draws: int,
        seed: int,
        sweep: int,
    ) -> None:
        self._model, self._asked, self._target = model, asked, target
        self._layers, self._renormalise = layers, renormalise
        self.sources = list(sources)
        n, n_layers = len(asked.ids), len(model.blocks)
        self.windows = (
            [range(at, at + sweep) for at in range(n_layers - sweep + 1)]
            if sweep and sources
            else []
        )
        generator = torch.Generator().manual_seed(seed)
        self._pairs = random_pairs(asked.first, asked.position, draws, generator) if sources else []
        self.effects = torch.full((2, n), math.nan)
        self.control = torch.full((len(self._pairs),), math.nan)
        self.by_window = torch.full((len(self.windows), n), math.nan)
        self._read(logits)

    def _read(self, logits: Float[Tensor, "pos vocab"]) -> None:
        """What is read at other queries: as here the token that follows, or the likeliest one."""
        ids, position = self._asked.ids, self._asked.position
        follows = position + 1 < len(ids) and self._target == int(ids[position + 1])
        targets, clean = [], []
        for at in range(position):
            log = logits[at].float().log_softmax(-1)
            targets.append(int(ids[at + 1]) if follows else int(log.argmax()))
            clean.append(float(log[targets[-1]]))
        self._targets, self._clean = torch.tensor(targets), torch.tensor(clean)

    @property
    def n_steps(self) -> int:
        """How many knockouts there are in all."""
        swept = min(_SWEPT, len(self.sources)) if self.windows else 0
        return len(self.sources) + len(self._pairs) + swept

    def null(self, confidence: float) -> Float[Tensor, " middle_and_bound"]:
        """Middle of the control, and its bound; NaN before all of it is there.

        By the median and the median deviation: some of the pairs are real sources of those other
        queries, and must not hide the ones here. The bound is that of the largest of as many
        further pairs as there are sources (Bonferroni), because each source is held against it.
        """
        if not len(self.control) or bool(self.control.isnan().any()):
            return torch.full((2,), math.nan)
        each = 1 - (1 - confidence) / max(1, len(self.sources))
        middle, _, high = further_draw(self.control, each, robust=True)
        return torch.stack([middle, high])

    def steps(self) -> Iterator[int]:
        """Run them; how many there are after each pass."""
        if not self.sources:
            return
        done = 0
        asked = self._asked
        prefix = capture.Prefix(self._model, asked.read[None], last=1)
        ways = [(self._layers, False), (self._layers, True)]
        for keys in _parts(self.sources, _ROWS // 2):
            self.effects[:, keys] = knocked_out(prefix, asked.read, self._target, keys, ways)
            done += len(keys)
            yield done
        at = 0
        way = (self._layers, self._renormalise)
        for lost in knocked_out_pairs(
            self._model, asked.read, self._pairs, self._targets, self._clean, way
        ):
            self.control[at : at + len(lost)] = lost
            at += len(lost)
            yield done + at
        done += at
        ways = [(window, self._renormalise) for window in self.windows]
        for key in self.order()[:_SWEPT] if ways else []:
            for some in _parts(range(len(ways)), _ROWS):
                part = [ways[i] for i in some]
                found = knocked_out(prefix, asked.read, self._target, [key], part)
                self.by_window[some, key] = found[:, 0]
            done += 1
            yield done

    def order(self) -> list[int]:
        """The sources by what cutting them off costs; as they were given before that is known."""
        costs = self.effects[int(self._renormalise)].nan_to_num(-math.inf)
        return sorted(self.sources, key=lambda source: -float(costs[source]))


def _parts(items: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
