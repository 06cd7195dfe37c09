"""What `ablate_heads` gives: what is lost without heads."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from circuit_widgets.analysis.attribution.parts import Part, largest, standing_out
from circuit_widgets.heads import Head
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import About, Score

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class HeadAblation(Result, topic="attribution"):
    """How much a number about the output falls without heads, one by one or together.

    Effects are means over prompts; `low` and `high` are their Student's t interval (one prompt:
    NaN). `control` is the mean effect of random heads of the same layers that are not in question,
    `control_low` to `control_high` where one more of them would be (a prediction interval); NaN
    where a layer has fewer than two others. `extreme_low` to `extreme_high` is the same interval
    corrected for all heads of the model (Bonferroni), however many were asked for; an effect beyond
    that stands out, if its own interval is not 0.

    Attributes:
        tokens, ids, position: Of the first prompt; None where no one position is read.
        n_prompts: How many.
        metric: "logp", "logit_difference", "next_token_logp", or the name of the user's function;
            `measured` is the same in words, `unit` its unit.
        heads: What was asked for, as "5.1".
        effect: [layer, head], NaN elsewhere; of a set taken together one number, [].
        share: The same over clean minus corrupt, a ratio of means (Fieller 1954). None: there are
            no corrupt prompts. NaN: the two are not told apart.
        clean, corrupt: The metric of the model as it is, [].
        n_all: How many heads the model has; None: as many in each layer.

    >>> import circuit_widgets as cw
    >>> texts = ["blue dog seven blue dog seven", "cat red river cat red river"]
    >>> both = cw.ablate_heads(cw.load_model(), texts, ["0.1", "1.2"], together=True)
    >>> both.effect.value.shape, both.metric
    (torch.Size([]), 'next_token_logp')
    """

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    position: int | None
    n_prompts: int
    metric: str
    measured: str
    unit: str
    heads: tuple[str, ...]
    n_layers: int
    n_heads: int
    effect: Score
    clean: Score
    share: Score | None = None
    corrupt: Score | None = None
    n_all: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        return self.n_layers, self.n_heads

    @property
    def together(self) -> bool:
        """Whether the heads were taken away as one set."""
        return not self.effect.value.ndim

    @property
    def abouts(self) -> dict[str, About]:
        """What the scores of each head mean; of a set there are none."""
        if self.together:
            return {}
        over = "over the other prompts" if self.n_prompts > 1 else "over the positions"
        by = {
            "mean": f"replaced by its mean {over}",
            "resample": "replaced by that of another prompt",
            "zero": "set to 0",
        }[str(self.provenance.parameters["by"])]
        effect = About(
            "effect",
            "Effect of ablation",
            f"How much the {self.measured} falls when the head's z is {by}. The baseline is the "
            "mean of other heads of its layer.",
            "ablation; by resampling Chan et al. 2022, Causal Scrubbing",
            most=None,
            group="without the head",
            unit=self.unit,
        )
        found = {"effect": effect}
        if self.share is not None:
            found["share"] = dataclasses.replace(
                effect,
                name="share",
                label="Share of clean − corrupt",
                about="The effect over the difference of the clean and the corrupt prompts.",
                unit="",
            )
        return found

    def score(self, name: str) -> Score:
        """One of the scores of every head by name."""
        if name not in self.abouts:
            raise ValueError(f"there is no score {name!r}; scores are {', '.join(self.abouts)}")
        score = self.effect if name == "effect" else self.share
        assert score is not None
        return score

    def parts(self) -> list[Part]:
        """What was ablated: (name, kind, layer, head, effect); heads in the order asked for."""
        if self.together:
            return [Part(" + ".join(self.heads), "set", None, None, self.effect)]
        heads = [Head.parse(name) for name in self.heads]
        return [
            Part(str(at), "head", at.layer, at.index, self.effect.at(at.layer, at.index))
            for at in heads
        ]

    def highest(self, n: int = 10) -> list[tuple[str, float, float, float]]:
        """The largest effects by size: (name, effect, low and high of its interval)."""
        return largest(self.parts(), n, ("low", "high"))

    def standing_out(self) -> list[str]:
        """Heads whose effect is beyond random heads and not 0, the largest first."""
        return standing_out(self.parts())

    def to_frame(self) -> pd.DataFrame:
        """One row for each head, or one for the set; `df.attrs` has the provenance."""
        import pandas as pd

        made = self.provenance
        rows = []
        for name, kind, layer, head, score in self.parts():
            row: dict[str, Any] = {"name": name, "kind": kind, "layer": layer, "head": head}
            row |= {part: float(tensor) for part, tensor in score.tensors().items()}
            row["stands_out"] = bool(score.stands_out())
            if self.share is not None:
                at = () if layer is None or head is None else (layer, head)
                share = self.share.at(*at).tensors()
                row |= {
                    "share" if part == "value" else f"share_{part}": float(tensor)
                    for part, tensor in share.items()
                }
            rows.append(row)
        frame = pd.DataFrame(rows).astype({"layer": "Int64", "head": "Int64"})
        frame = frame.assign(metric=self.metric, n=self.n_prompts, complete=made.complete)
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def _lines(self) -> list[str]:
        of = "1 prompt" if self.n_prompts == 1 else f"mean of {self.n_prompts} prompts"
        unit = f" {self.unit}" if self.unit else ""
        lines = [
            f"The {self.measured} is {float(self.clean.value):+.3f}{unit} ({of}); it falls by, "
            "without:"
        ]
        scores = {part.name: part.score for part in self.parts()}
        out = self.standing_out()
        for name, value, low, high in self.highest(6):
            said = [] if low != low else [f"{self.provenance.interval} {low:+.3f} to {high:+.3f}"]
            control = scores[name].control
            if control is not None and not bool(control.isnan()):
                said.append(f"random heads of the same layers: {float(control):+.3f}")
            beside = f" ({'; '.join(said)})" if said else ""
            lines.append(f"{name}: {value:+.3f}{'*' if name in out else ''}{beside}")
        rest = len(self.heads) - 6
        if rest > 0 and not self.together:
            lines.append(f"and {rest} heads with smaller effects")
        return [*lines, f"* {self.outside}: {', '.join(out) or 'none'}"]

    @property
    def outside(self) -> str:
        """What it takes to stand out, for people."""
        if self.together:
            return "beyond where one more random set would be, and not 0 by its own interval"
        n = self.n_all or self.n_layers * self.n_heads
        return (
            "beyond where one more random head of the layer would be, corrected for all "
            f"{n} heads of the model, and not 0 by its own interval"
        )
