"""What `detect_attention_patterns` returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from circuit_widgets.analysis.patterns.classes import check_threshold
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.attention.shapes import TEXT_SCORES
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

OTHER, MISSING = "other", "missing"
# Scored on random tokens that repeat.
PROBED: dict[str, About] = {name: SCORES[name] for name in ("prefix_matching", "duplicate_token")}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AttentionPatterns(Result, topic="patterns"):
    """Scores of every head's attention, and the classes they make.

    Attributes:
        names: The scores, in order.
        values, low, high: Each score with its interval over prompts, [score, layer, head].
        control, control_low, control_high: On random tokens without repeats; NaN for scores of the
            prompts, whose null is chance.
        chance: What uniform attention scores (for `uniform`: rows of random weights), [score].
        entropy_by_position: Entropy over its maximum, [layer, head, bin].
        bins: Query positions of its bins.
        thumbnails: Each head's pattern on the first prompt, max-pooled, [layer, head, side, side];
            a value is byte * thumbnail_scale / 255.
        thumbnail_scale: [layer, head].
        thumbnail_tokens, thumbnail_ids: The first prompt.
        classes: The classes as they were: `PatternClass.plain()` of each, with its threshold.
    """

    names: tuple[str, ...]
    values: Float[Tensor, "score layer head"]
    low: Float[Tensor, "score layer head"]
    high: Float[Tensor, "score layer head"]
    control: Float[Tensor, "score layer head"]
    control_low: Float[Tensor, "score layer head"]
    control_high: Float[Tensor, "score layer head"]
    chance: Float[Tensor, " score"]
    entropy_by_position: Float[Tensor, "layer head bin"]
    bins: tuple[str, ...]
    thumbnails: UInt8[Tensor, "layer head side side"]
    thumbnail_scale: Float[Tensor, "layer head"]
    thumbnail_tokens: tuple[str, ...]
    thumbnail_ids: tuple[int, ...]
    classes: tuple[Mapping[str, Any], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        return self.values.shape[1], self.values.shape[2]

    @property
    def abouts(self) -> dict[str, About]:
        """What each score means."""
        known = {**TEXT_SCORES, **PROBED}
        classes = {kind["score"]: kind for kind in self.classes}
        return {
            name: known.get(name)
            or About(
                name,
                classes[name]["label"],
                classes[name]["description"],
                classes[name]["source"],
                null="chance",
                group="prompts",
            )
            for name in self.names
        }

    def score(self, name: str) -> Score:
        """One of the scores by name."""
        if name not in self.names:
            raise ValueError(f"there is no score {name!r}; scores are {', '.join(self.names)}")
        i = self.names.index(name)
        controls = {}
        if name in PROBED:
            controls = {
                part: getattr(self, part)[i] for part in ("control", "control_low", "control_high")
            }
        return Score(
            value=self.values[i], low=self.low[i], high=self.high[i], chance=self.chance[i],
            **controls,
        )  # fmt: skip

    def holds(self, name: str, threshold: float | None = None) -> list[Head]:
        """Heads of a class, the highest first: beyond doubt above the threshold and the null.

        The low end of the interval counts (the value where there is one prompt); the null is the
        high end of the control's interval, or chance.
        """
        kind = self._kind(name)
        above: float = kind["threshold"] if threshold is None else threshold
        check_threshold(name, above)
        at = self.names.index(kind["score"])
        found = self._sure(at, kind, above).nonzero().tolist()
        best = sorted(found, key=lambda place: -float(self.values[at, place[0], place[1]]))
        return [Head(layer, head) for layer, head in best]

    def labels(self, thresholds: Mapping[str, float] | None = None) -> dict[Head, str]:
        """The first class that holds for each head, else "other"; "missing" if nothing was seen."""
        chosen = dict(thresholds or {})
        for name in chosen:
            self._kind(name)
        n_layers, n_heads = self.shape
        seen = ~self.values.isnan().all(0)
        found = {
            Head(layer, head): OTHER if bool(seen[layer, head]) else MISSING
            for layer in range(n_layers)
            for head in range(n_heads)
        }
        for kind in reversed(self.classes):
            for head in self.holds(kind["name"], chosen.get(kind["name"])):
                found[head] = kind["name"]
        return found

    @property
    def typical_heads(self) -> dict[str, list[Head]]:
        """Heads of each class on this model, the highest first: measured, never written down."""
        return {kind["name"]: self.holds(kind["name"]) for kind in self.classes}

    def _kind(self, name: str) -> Mapping[str, Any]:
        for kind in self.classes:
            if kind["name"] == name:
                return kind
        known = ", ".join(kind["name"] for kind in self.classes)
        raise ValueError(f"there is no pattern class {name!r}; classes are {known}")

    def _sure(self, at: int, kind: Mapping[str, Any], threshold: float) -> Tensor:
        low = torch.where(self.low[at].isnan(), self.values[at], self.low[at])
        if kind["null"] == "control":
            high = self.control_high[at]
            bar = torch.where(high.isnan(), self.control[at], high)
        else:
            bar = self.chance[at].expand_as(low)
        return (low > threshold) & (low > bar)

    def to_frame(self) -> pd.DataFrame:
        """One row per score and head, with the head's label; `df.attrs` has the provenance."""
        import pandas as pd

        labels = self.labels()
        made = self.provenance
        parts = []
        for name in self.names:
            columns = self.score(name).columns()
            where = {
                "layer": [head.layer for head in labels],
                "head": [head.index for head in labels],
                "name": [str(head) for head in labels],
                "pattern": list(labels.values()),
            }
            parts.append(pd.DataFrame({"score": name, **where, **columns}))
        frame = pd.concat(parts, ignore_index=True).assign(complete=made.complete)
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def _lines(self) -> list[str]:
        labels = self.labels()
        lines = []
        for kind in self.classes:
            heads = [head for head in self.holds(kind["name"]) if labels[head] == kind["name"]]
            if heads:
                shown = ", ".join(map(str, heads[:8])) + (", ..." if len(heads) > 8 else "")
                lines.append(f"{kind['label'] + ':':17}{len(heads)}: {shown}")
        others = sum(label == OTHER for label in labels.values())
        return [*lines, f"{'Other:':17}{others}"]
