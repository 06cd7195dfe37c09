"""What `attribute_logits` gives: the share of every part in a logit."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.attribution.parts import Part, largest, standing_out
from circuit_widgets.prompts.targets import Target
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd

ATTRIBUTION = About(
    "attribution",
    "Direct attribution",
    "What the head adds directly to the logit of the target, above what it adds to the average "
    "token (with two targets: to the difference of their logits), with the final norm's scale as "
    "it was in the run. What it does through later heads and MLPs is not in it.",
    "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits; with two targets "
    "Wang et al. 2022, Interpretability in the Wild",
    most=None,
    group="this output",
    unit="logit",
)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class LogitAttribution(Result, topic="attribution"):
    """The shares of all parts of a model in a logit less the mean logit, or in a difference of two.

    `heads`, `mlps`, `embedding` and `biases` sum to `logit` (up to rounding; of several prompts
    their means do). Each has its null: what the same part adds to random tokens, `control` on
    average and `control_low` to `control_high` in the middle; with several prompts an interval over
    them, else `low` and `high` are NaN. All parts are from `extreme_low` to `extreme_high` at once
    for as many random tokens; a part beyond that stands out, if its interval over prompts is not 0.

    Attributes:
        tokens, ids, position: Of the first prompt: the text, and whose output is read.
        targets, against: Of each prompt the token, and the one it is held against if there is one;
            `target_ids` has their ids.
        n_prompts: How many are in it.
        n_likeliest: Of how many the target was taken because it is the model's likeliest token.
            There the extremes are those of random tokens with as high a logit as the likeliest of
            the vocabulary would have by chance.
        heads: [layer, head]; NaN where `missing` says why, and where a layer of a pruned model has
            no head.
        attention: Each layer's heads and their biases together, [layer].
        mlps: [layer]; [0] of a model that has none.
        embedding: What goes into the first layer, positions included where they are added, [].
        biases: Of attention, of the final norm and of the unembedding, [].
        logit: What the shares sum to, before a soft cap if the model has one (`capped`), [].
        logp: Mean log-probability of the target, in nats, [].

    >>> import circuit_widgets as cw
    >>> result = cw.attribute_logits(cw.load_model(), "blue dog seven blue dog")
    >>> parts = result.heads.value.sum() + result.mlps.value.sum()
    >>> bool(abs(parts + result.embedding.value + result.biases.value - result.logit.value) < 1e-4)
    True
    """

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    position: int
    targets: tuple[str, ...]
    against: tuple[str, ...]
    n_prompts: int
    n_likeliest: int
    capped: bool
    missing: str
    logp: Float[Tensor, ""]
    heads: Score
    attention: Score
    mlps: Score
    embedding: Score
    biases: Score
    logit: Score
    target_ids: tuple[Target, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        n_layers, n_heads = self.heads.value.shape
        return n_layers, n_heads

    @property
    def abouts(self) -> dict[str, About]:
        """What the score of each head means."""
        return {ATTRIBUTION.name: ATTRIBUTION}

    def score(self, name: str) -> Score:
        """The score of every head by name; there is one."""
        if name != ATTRIBUTION.name:
            raise ValueError(f"there is no score {name!r}; the score is {ATTRIBUTION.name!r}")
        return self.heads

    @property
    def read(self) -> str:
        """What the shares sum to, for people."""
        if self.n_prompts > 1:
            of = "the targets" if not self.against else "the targets against the others"
            return f"logit of {of}, mean of {self.n_prompts} prompts"
        if self.against:
            return f"logit of {_quoted(self.targets[0])} less that of {_quoted(self.against[0])}"
        return f"logit of {_quoted(self.targets[0])} less the mean logit"

    @property
    def outside(self) -> str:
        """What it takes for a part to stand out, for people."""
        share = self.provenance.interval.removesuffix(" interval")
        said = f"beyond the largest of {len(self.parts())} parts for {share} of {self.random}"
        if self.n_likeliest:
            prompts = f" (in {self.n_likeliest} of {self.n_prompts} prompts)"
            said += " whose logit is as high as the likeliest token's would be by chance"
            said += "" if self.n_likeliest == self.n_prompts else prompts
        return said if self.n_prompts == 1 else f"{said}, and not 0 by its interval over prompts"

    @property
    def random(self) -> str:
        """What a part's share is compared with, for people."""
        return "pairs of random tokens" if self.against else "random tokens"

    def parts(self) -> list[Part]:
        """Every part with its share: (name, kind, layer, head, score), in the order of the model.

        Where the heads of a layer are missing, its attention as a whole is there for them.
        """
        found = [Part("embedding", "embedding", None, None, self.embedding)]
        n_layers, n_heads = self.shape
        for layer in range(n_layers):
            known = self.heads.value[layer].isfinite()
            if bool(known.any()):
                found += [
                    Part(f"{layer}.{head}", "head", layer, head, self.heads.at(layer, head))
                    for head in range(n_heads)
                    if bool(known[head])
                ]
            else:
                whole = self.attention.at(layer)
                found.append(Part(f"attention {layer}", "attention", layer, None, whole))
            if len(self.mlps.value):
                found.append(Part(f"MLP {layer}", "mlp", layer, None, self.mlps.at(layer)))
        return [*found, Part("biases", "biases", None, None, self.biases)]

    def highest(self, n: int = 10) -> list[tuple[str, float, float, float]]:
        """The parts with the largest shares by size: (name, share, low and high of the null)."""
        return largest(self.parts(), n, ("control_low", "control_high"))

    def standing_out(self) -> list[str]:
        """The parts beyond what all are within at once by chance, the largest first."""
        return standing_out(self.parts())

    def to_frame(self) -> pd.DataFrame:
        """One row per part, in the order of the model; `df.attrs` has the provenance."""
        import pandas as pd

        made = self.provenance
        rows = [
            {
                "name": name,
                "kind": kind,
                "layer": layer,
                "head": head,
                **{part: float(tensor) for part, tensor in score.tensors().items()},
                "stands_out": bool(score.stands_out()),
            }
            for name, kind, layer, head, score in self.parts()
        ]
        frame = pd.DataFrame(rows).astype({"layer": "Int64", "head": "Int64"})
        frame = frame.assign(n=self.n_prompts, complete=made.complete)
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def _lines(self) -> list[str]:
        lines = [f"The {self.read} is {_number(self.logit.value)}; it is the sum of:"]
        if self.n_prompts > 1:
            span = f"{_number(self.logit.low)} to {_number(self.logit.high)}"
            lines[0] = lines[0].replace(";", f" ({self.provenance.interval} {span});")
        share = self.provenance.interval.removesuffix(" interval")
        out, tokens = self.standing_out(), self.random
        for name, value, low, high in self.highest(6):
            mark = "*" if name in out else ""
            lines.append(
                f"{name}: {value:+.2f}{mark} ({share} of {tokens}: {low:+.2f} to {high:+.2f})"
            )
        rest = len(self.parts()) - 6
        if rest > 0:
            lines.append(f"and {rest} parts that add less")
        lines.append(f"* {self.outside}: {', '.join(out) or 'none'}")
        if self.capped:
            lines.append("The logit is that before the model's soft cap")
        if self.missing:
            lines.append(f"Heads are missing: {self.missing}")
        return lines


def _quoted(token: str) -> str:
    return f"“{token.strip() or token}”"


def _number(value: torch.Tensor | None) -> str:
    return "missing" if value is None or bool(value.isnan()) else f"{float(value):+.2f}"
