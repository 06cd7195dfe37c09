"""What blocking attention costs: each source, its two controls, and layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.flow.outputs import Output, signed
from circuit_widgets.causal.knockout import knocked_out, knocked_out_pairs, random_pairs
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.as_likely import AsLikely
from circuit_widgets.statistics.intervals import further_draw, mean_interval

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Rows of a pass, at most: each computes one position.
_ROWS = 64
# Sources whose layers are swept: those whose knockout costs most.
_SWEPT = 8


class Knockouts:
    """Costs of knockouts as they come in, of every prompt; NaN: not run (yet).

    Attributes:
        sources: The positions that are cut off, in the order they were given.
        windows: Layers of the sweep, each with its last one.
        effects: Over all layers of the window asked for, the way that was asked for and the other,
            [2, prompt, pos].
        control: Of random pairs of another query and a key before it, [prompt, pair].
        by_window: In each window of the sweep, [prompt, window, pos].
        as_likely: What the same knockouts do to tokens that were as likely as the target.
    """

    def __init__(
        self,
        model: TransformerBridge,
        outputs: Sequence[Output],
        sources: Sequence[int],
        *,
        layers: range,
        renormalise: bool,
        draws: int,
        seed: int,
        sweep: int,
    ) -> None:
        self._model, self._outputs, self.sources = model, outputs, list(sources)
        self._ways = [(layers, renormalise), (layers, not renormalise)]
        asked = outputs[0].asked
        m, n, n_layers = len(outputs), len(asked.ids), len(model.blocks)
        self.windows = (
            [range(at, at + sweep) for at in range(n_layers - sweep + 1)]
            if sweep and sources
            else []
        )
        generator = torch.Generator().manual_seed(seed)
        self._pairs = random_pairs(asked.first, asked.position, draws, generator) if sources else []
        self.effects = torch.full((2, m, n), math.nan)
        self.control = torch.full((m, len(self._pairs)), math.nan)
        self.by_window = torch.full((m, len(self.windows), n), math.nan)
        clean = torch.stack([each.log for each in outputs])
        self.as_likely = AsLikely([each.target for each in outputs], clean, n)
        self._prefix: tuple[int, capture.Prefix] | None = None

    @property
    def n_steps(self) -> int:
        """How many knockouts there are in all."""
        swept = min(_SWEPT, len(self.sources)) if self.windows else 0
        return len(self._outputs) * (len(self.sources) + len(self._pairs) + swept)

    def score(self, confidence: float) -> Score:
        """The cost of each source, [pos], with what tokens as likely lose as its control.

        Of several prompts the mean over those that are done, with its interval.
        """
        costs = self.effects[0]
        if len(costs) == 1:
            value, low, high = costs[0].clone(), None, None
        else:
            value, low, high = mean_interval(self._done(costs), confidence)
        bound = self.as_likely.bound(confidence, max(1, len(self.sources)))
        return Score(value, None, self.as_likely.expected, low, high, control_high=bound)

    def _done(self, costs: Float[Tensor, "prompt *of pos"]) -> Float[Tensor, "prompt *of pos"]:
        """Those of the prompts of which most is there: of all, or of those that are done."""
        known = costs.isfinite().flatten(1).sum(1)
        return costs[known == known.max()]

    def other(self) -> Float[Tensor, " pos"]:
        """The mean cost the other way: with or without renormalising."""
        return self._done(self.effects[1]).mean(0)

    def swept(self) -> Float[Tensor, "window pos"]:
        """The mean cost in each window."""
        return self._done(self.by_window).mean(0) if self.windows else self.by_window[0]

    def elsewhere(self, confidence: float) -> tuple[Float[Tensor, " middle_and_bound"], int, int]:
        """Middle of the costs at other queries and its bound; how many there are, and above it.

        By the median and the median deviation: some of the pairs are real sources of those other
        queries, and must not hide the ones here. The bound is that of the largest of as many
        further pairs as there are sources (Bonferroni), because each source is held against it.
        Missing before all of it is there.
        """
        costs = self.control.mean(0)
        if not len(costs) or bool(costs.isnan().any()):
            return torch.full((2,), math.nan), int(costs.isfinite().sum()), 0
        each = 1 - (1 - confidence) / max(1, len(self.sources))
        middle, _, high = further_draw(costs, each, robust=True)
        return torch.stack([middle, high]), len(costs), int((costs > high).sum())

    def steps(self) -> Iterator[int]:
        """Run them; how many there are after each pass."""
        done = 0
        for stage in (self._cut, self._compare, self._sweep):
            for prompt in range(len(self._outputs)) if self.sources else []:
                for more in stage(prompt):
                    done += more
                    yield done

    def _cut(self, prompt: int) -> Iterator[int]:
        tokens = self.as_likely.tokens(prompt)
        many = 1 + (self._outputs[prompt].target.against is not None)
        first = [0, len(tokens) // many][:many]
        for keys in _parts(self.sources, _ROWS // 2):
            falls = self._knocked_out(prompt, tokens, keys, self._ways)
            self.effects[:, prompt, keys] = signed(falls[..., first])
            self.as_likely.add(prompt, keys, falls[0])
            yield len(keys)

    def _compare(self, prompt: int) -> Iterator[int]:
        output, at = self._outputs[prompt], 0
        for lost in knocked_out_pairs(
            self._model,
            output.asked.read,
            self._pairs,
            output.others,
            output.clean,
            self._ways[0],
        ):
            self.control[prompt, at : at + len(lost)] = signed(lost)
            at += len(lost)
            yield len(lost)

    def _sweep(self, prompt: int) -> Iterator[int]:
        target = self._outputs[prompt].target
        tokens = torch.tensor([id for id in (target.id, target.against) if id is not None])
        ways = [(window, self._ways[0][1]) for window in self.windows]
        for key in self.order()[:_SWEPT] if ways else []:
            for some in _parts(range(len(ways)), _ROWS):
                falls = self._knocked_out(prompt, tokens, [key], [ways[i] for i in some])
                self.by_window[prompt, some, key] = signed(falls[:, 0])
            yield 1

    def _knocked_out(
        self, prompt: int, tokens: Tensor, keys: Sequence[int], ways: Sequence[tuple[range, bool]]
    ) -> Float[Tensor, "way key token"]:
        read = self._outputs[prompt].asked.read
        # Of many prompts one prefix at a time: it holds keys and values of all layers.
        if self._prefix is None or self._prefix[0] != prompt:
            self._prefix = prompt, capture.Prefix(self._model, read[None], last=1)
        return knocked_out(self._prefix[1], read, tokens, keys, ways)

    def order(self) -> list[int]:
        """The sources by what cutting them off costs; as they were given before that is known."""
        costs = self._done(self.effects[0]).mean(0).nan_to_num(-math.inf)
        return sorted(self.sources, key=lambda source: -float(costs[source]))


def _parts(items: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
