"""What `analyze_cross_layer_flow` gives: how strongly layers act on each other for a task."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets.analysis.flow.layer_parts import LayerParts, Part
from circuit_widgets.analysis.flow.layer_words import lines
from circuit_widgets.analysis.flow.levels import Level, Levels
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Flow:
    """From what one part of a layer writes to what a later part reads.

    Attributes:
        source: "embedding", "5.attn" or "5.mlp".
        target: "7.attn", "7.mlp" or "logits".
        strength: What the metric loses without it, mean over prompts; negative: it gains.
        low, high: Interval over prompts.
        exact: The same by a run without it; None: not run.
    """

    source: str
    target: str
    strength: float
    low: float
    high: float
    exact: float | None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CrossLayerFlow(Result, topic="flow"):
    """How strongly the layers of a model act on each other for a task, directly.

    A strength is what the metric loses if all that one part reads of another is that of the corrupt
    prompt. Estimates add up the effects of all edges between the two, which is the same to first
    order; an exact strength is a run of the model without these edges.

    Attributes:
        task: Its name.
        metric: As `Task.metric`.
        tokens: Of the first prompt.
        nodes: The graph: who writes, who reads.
        n_prompts: How many prompts.
        strength: [source, target], mean over prompts with its interval, of `parts.sources` and
            `parts.targets`; NaN where there is no edge. `extreme_low` and `extreme_high` are minus
            and plus `bound`.
        layers: [source_layer, target_layer], attention and MLP added up; row 0 is the embedding,
            the last column the output.
        bound: What the largest of all strengths, between parts and between layers, stays below
            where none is other than 0, as often as the confidence says; None: of so few prompts no
            flip of signs is as rare.
        threshold: From where on a strength is a flow: the bound, or what was asked for; None: there
            is neither.
        exact: [source, target], the strengths of pairs that were run exactly, on `n_checked`
            prompts; NaN of others.
        agreement: Spearman's correlation of estimates and exact strengths over these pairs; None:
            not checked, or too few pairs.
        n_checked: On how many prompts.
        heads: [layer, head], what is lost without all that a head writes, and its interval.
        by_head: [layer, head, target], to which parts; NaN: not there, or not computed ("exact").
        by_entry: [source, layer, 3], what of the strength into a layer's attention is read by its
            queries, keys and values; NaN with "exact".
        profile: Of each feature the value in every layer, [layer], with its interval over prompts:
            what levels are looked for in. Empty: not measured yet.
        levels: The levels, or why there are none; None: not looked for yet.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=12)
    >>> flow = cw.analyze_cross_layer_flow(model, task, progress=False)
    >>> [*flow.flows]
    [(-1, 0), (0, 1), (1, 2), (-1, 1)]
    """

    task: str
    metric: str
    tokens: tuple[str, ...]
    nodes: Nodes
    n_prompts: int
    strength: Score
    layers: Score
    bound: float | None
    threshold: float | None
    exact: Float[Tensor, "source target"]
    agreement: float | None
    n_checked: int
    heads: Score
    by_head: Float[Tensor, "layer head target"]
    by_entry: Float[Tensor, "source layer 3"]
    profile: Mapping[str, Score]
    levels: Levels | None

    @functools.cached_property
    def parts(self) -> LayerParts:
        """The parts of the model, and which edges are between which."""
        return LayerParts(self.nodes)

    @property
    def n_layers(self) -> int:
        """How many layers the model has."""
        return len(self.nodes.heads)

    @property
    def flows(self) -> dict[tuple[int, int], float]:
        """Strengths between layers above the threshold, the strongest first.

        Keys are (source layer, target layer): -1 is the embedding, the number of layers the output.
        A layer's attention and MLP are added up on both sides; (l, l) goes from the attention of a
        layer to its own MLP.
        """
        return self.flows_above(self.threshold)

    def flows_above(self, threshold: float | None) -> dict[tuple[int, int], float]:
        """The same at another threshold; None: no flows."""
        if threshold is None:
            return {}
        value = self.layers.value
        places = (value.abs() > threshold).nonzero().tolist()
        places.sort(key=lambda place: -abs(float(value[tuple(place)])))
        return {(row - 1, column): float(value[row, column]) for row, column in places}

    def found(self) -> Bool[Tensor, "source target"]:
        """Which strengths between parts are above the threshold."""
        value = self.strength.value
        return value.abs() > (float("inf") if self.threshold is None else self.threshold)

    def pairs(self, n: int | None = None) -> list[Flow]:
        """Strengths between parts, the strongest first; all, or n of them."""
        score, found = self.strength, []
        assert score.low is not None and score.high is not None
        order = score.value.abs().nan_to_num(-1).flatten().argsort(descending=True, stable=True)
        width = score.value.shape[1]
        for at in order[: int(self.parts.allowed.sum()) if n is None else n].tolist():
            place = divmod(at, width)
            exact = float(self.exact[place])
            value, low, high = (float(e[place]) for e in (score.value, score.low, score.high))
            source, target = self.parts.sources[place[0]].name, self.parts.targets[place[1]].name
            known = None if exact != exact else exact
            found.append(Flow(source, target, value, low, high, known))
        return found

    def level_of(self, part: Part | int) -> Level | None:
        """The level that a layer, or a part of one, is in."""
        layer = part if isinstance(part, int) else part.layer
        known = () if self.levels is None else self.levels.found
        return next((level for level in known if level.first <= layer <= level.last), None)

    def to_frame(self) -> pd.DataFrame:
        """One row for each two parts, the strongest first; `flow`: above the threshold."""
        import pandas as pd

        rows = [dataclasses.asdict(pair) for pair in self.pairs()]
        frame = pd.DataFrame(rows, columns=[field.name for field in dataclasses.fields(Flow)])
        above = float("inf") if self.threshold is None else self.threshold
        layer = {part.name: part.layer for part in (*self.parts.sources, *self.parts.targets)}
        frame.insert(2, "source_layer", frame["source"].map(layer))
        frame.insert(3, "target_layer", frame["target"].map(layer))
        frame = frame.assign(
            flow=frame["strength"].abs() > above,
            n=self.n_prompts,
            complete=self.provenance.complete,
        )
        return self._from(frame)

    def levels_frame(self) -> pd.DataFrame:
        """One row for each layer: its level, if there are levels, and the evidence."""
        import pandas as pd

        columns: dict[str, Any] = {"layer": range(self.n_layers)}
        levels = [self.level_of(layer) for layer in range(self.n_layers)]
        columns["level"] = [None if level is None else level.name for level in levels]
        for name, score in self.profile.items():
            for part, tensor in score.tensors().items():
                columns[name if part == "value" else f"{name} {part}"] = tensor.tolist()
        return self._from(pd.DataFrame(columns))

    def _from(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        return lines(self)
