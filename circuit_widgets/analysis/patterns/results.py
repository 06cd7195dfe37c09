"""What `detect_attention_patterns` returns."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from circuit_widgets.analysis.patterns.classes import (
    PatternClass,
    check_threshold,
    class_named,
    thresholds_by_name,
)
from circuit_widgets.analysis.patterns.text import lines_of_patterns
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.attention.shapes import TEXT_SCORES
from circuit_widgets.heads import Head, PerHead
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

OTHER, UNSURE, MISSING = "other", "unsure", "missing"
# A score's parts, as format 1 of its file has them.
_PARTS = ("value", "low", "high", "control", "control_low", "control_high", "chance")
# Scored on random tokens that repeat.
PROBED: dict[str, About] = {name: SCORES[name] for name in ("prefix_matching", "duplicate_token")}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AttentionPatterns(Result, topic="patterns"):
    """Scores of every head's attention, and the classes they make.

    Attributes:
        measured: Every score by name, [layer, head], with its interval over prompts and with
            chance: what uniform attention scores (for `uniform`: rows of random weights). Those of
            random tokens that repeat have a control, tokens that do not repeat.
        entropy_by_position: Entropy over its maximum, [layer, head, bin].
        bins: Query positions of its bins.
        thumbnails: Each head's pattern on the first prompt, max-pooled, [layer, head, side, side];
            a value is byte * thumbnail_scale / 255.
        thumbnail_scale: [layer, head].
        thumbnail_tokens, thumbnail_ids: The first prompt.
        classes: The classes as they were, each with its threshold; their order decides.
        nulls: Of each class what the highest of as many random heads as the model has would score
            at most, with the confidence of the intervals. For `uniform` and `hierarchical` it is
            1 where three quarters of the heads are more uniform than rows of random weights, as in
            an untrained model: how attention is spread sets none of them apart.
            Version 0.1.0 had none: its results have no sure class.
        n_prompts: Prompts that are in the scores.
        n_sequences: Random sequences that are in the scores of what repeats.
        repeats_thumbnails, repeats_thumbnail_scale: The same pictures on the first of these
            sequences, which is what those scores are of. Empty where nothing was scored on them,
            and in results of version 0.1.0.
        n_repeats_tokens: Tokens of that sequence; 0 where there are no pictures of it.

    >>> import circuit_widgets as cw
    >>> patterns = cw.detect_attention_patterns(cw.load_model(), ["blue dog seven", "two dog sky"])
    >>> patterns.shape, patterns.score("diagonal").value.shape
    ((2, 4), torch.Size([2, 4]))
    """

    measured: Mapping[str, Score]
    entropy_by_position: Float[Tensor, "layer head bin"]
    bins: tuple[str, ...]
    thumbnails: UInt8[Tensor, "layer head side side"]
    thumbnail_scale: Float[Tensor, "layer head"]
    thumbnail_tokens: tuple[str, ...]
    thumbnail_ids: tuple[int, ...]
    classes: tuple[PatternClass, ...]
    nulls: Mapping[str, float] = dataclasses.field(default_factory=dict)
    n_prompts: int = 0
    n_sequences: int = 0
    repeats_thumbnails: UInt8[Tensor, "layer head other_side other_side"] = dataclasses.field(
        default_factory=lambda: torch.zeros(0, 0, 0, 0, dtype=torch.uint8)
    )
    repeats_thumbnail_scale: Float[Tensor, "layer head"] = dataclasses.field(
        default_factory=lambda: torch.zeros(0, 0)
    )
    n_repeats_tokens: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The scores, in order."""
        return tuple(self.measured)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        n_layers, n_heads = next(iter(self.measured.values())).value.shape
        return n_layers, n_heads

    @property
    def abouts(self) -> dict[str, About]:
        """What each score means."""
        known = {**TEXT_SCORES, **PROBED}
        for kind in self.classes:
            known.setdefault(
                kind.score,
                About(
                    kind.score, kind.label, kind.description, kind.source,
                    null="chance", group="prompts",
                ),
            )  # fmt: skip
        return {name: known[name] for name in self.names}

    def score(self, name: str) -> Score:
        """One of the scores by name."""
        if name not in self.measured:
            raise ValueError(f"there is no score {name!r}; scores are {', '.join(self.names)}")
        return self.measured[name]

    def holds(self, name: str, threshold: float | None = None) -> list[Head]:
        """Heads that a class holds for, the highest first: above the threshold and the nulls.

        The low end of the interval has to be above all of them: the threshold, the high end of the
        control's interval or chance, and what the highest of as many random heads would score
        (`nulls`). With one prompt there is no interval, and a class holds for no head. Several
        classes can hold for a head; `labels` names it by the first.
        """
        kind = class_named(name, self.classes)
        above = kind.threshold if threshold is None else check_threshold(name, threshold)
        value = self.measured[kind.score].value
        places = self._holding(kind, above)[0].nonzero().tolist()
        places.sort(key=lambda place: -float(value[place[0], place[1]]))
        return [Head(layer, head) for layer, head in places]

    def labels(self, thresholds: Mapping[str, float] | None = None) -> PerHead[str]:
        """The first class that holds for each head, else "unsure", "other" or "missing".

        "unsure": a class would hold by the value, but there is no interval, as with one prompt.
        "missing": nothing was seen. A head goes by "5.3", (5, 3) or `Head(5, 3)`:
        `labels()["5.3"]`.
        """
        chosen = thresholds_by_name(thresholds, self.classes)
        n_layers, n_heads = self.shape
        seen = torch.stack([~score.value.isnan() for score in self.measured.values()]).any(0)
        found = PerHead(
            {
                Head(layer, head): OTHER if bool(seen[layer, head]) else MISSING
                for layer in range(n_layers)
                for head in range(n_heads)
            }
        )
        held = {
            kind.name: self._holding(kind, chosen.get(kind.name, kind.threshold))
            for kind in self.classes
        }
        unsure = [(UNSURE, maybe) for _, maybe in held.values()]
        sure = [(name, holds) for name, (holds, _) in reversed(held.items())]
        for name, where in (*unsure, *sure):
            for layer, head in where.nonzero().tolist():
                found[Head(layer, head)] = name
        return found

    @property
    def typical_heads(self) -> dict[str, list[Head]]:
        """Heads by their label, the highest first: each head once, as in the view's gallery."""
        labels = self.labels()
        return {
            kind.name: [head for head in self.holds(kind.name) if labels[head] == kind.name]
            for kind in self.classes
        }

    def _holding(
        self, kind: PatternClass, threshold: float
    ) -> tuple[Bool[Tensor, "layer head"], Bool[Tensor, "layer head"]]:
        """Where a class holds, and where it would by the value, without an interval or a null."""
        score, missing = self.measured[kind.score], torch.tensor(math.nan)
        control = _known(score.control_high, score.control)
        bar = control if kind.null == "control" else score.chance
        highest = torch.tensor(self.nulls.get(kind.name, math.nan))
        low = torch.full_like(score.value, math.nan) if score.low is None else score.low

        def above(ends: Tensor, *bars: Tensor | None) -> Tensor:
            # A comparison with NaN is False: without its null a class does not hold.
            over = [ends > (missing if bar is None else bar) for bar in bars]
            return torch.stack([ends > threshold, *over]).all(0)

        sure = above(low, bar, highest)
        maybe = above(score.value, bar, highest.nan_to_num(-math.inf))
        return sure, maybe & (low.isnan() | highest.isnan())

    @classmethod
    def _from_earlier(
        cls,
        format: int,
        values: dict[str, Any],
        tensors: dict[str, Tensor],
        parameters: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Format 1 had one tensor [score, layer, head] for each part of a score."""
        values, tensors = dict(values), dict(tensors)
        names = values.pop("names")
        tensors["value"] = tensors.pop("values")
        stacked = {part: tensors.pop(part) for part in _PARTS}
        for i, name in enumerate(names):
            for part, tensor in stacked.items():
                if name in PROBED or not part.startswith("control"):
                    tensors[f"measured.{name}.{part}"] = tensor[i].clone()
        return {**values, "measured": names}, tensors

    def to_frame(self) -> pd.DataFrame:
        """One row per score and head, with its label and how many sequences are in the score.

        `df.attrs` has the provenance.
        """
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
            n = self.n_sequences if name in PROBED else self.n_prompts
            parts.append(pd.DataFrame({"score": name, **where, **columns, "n": n}))
        frame = pd.concat(parts, ignore_index=True).assign(complete=made.complete)
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def _lines(self) -> list[str]:
        return lines_of_patterns(self)


def _known(tensor: Tensor | None, otherwise: Tensor | None) -> Tensor | None:
    """The first, and where it is missing the other."""
    if tensor is None or otherwise is None:
        return otherwise
    return torch.where(tensor.isnan(), otherwise, tensor)
