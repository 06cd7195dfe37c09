"""Scores of every head as a view gets them: one description each, and planes of float32."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.attribution.results import ATTRIBUTION
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.attention.text import TEXT_SCORES, TextScores
from circuit_widgets.live.reading import Reading
from circuit_widgets.results.score import About, Score, interval_in_words
from circuit_widgets.statistics.intervals import t_quantile
from circuit_widgets.wire import messages as m

Plane = Float[Tensor, "layer head"]
# Of fewer tokens a view says how many there were.
FEW = 10
# A score that is lower than this is below 0, and not 0 with an error of rounding.
_ROUNDING = 1e-6
# Of intervals over the tokens of a text.
CONFIDENCE = 0.95


@dataclass(frozen=True)
class HeadScore:
    """One score of every head, with what stands beside it. NaN: not computed."""

    name: str
    label: str
    about: str
    group: str
    source: str
    value: Plane
    chance: float | None = None
    control: Plane | None = None
    low: Plane | None = None
    high: Plane | None = None
    bar: Plane | None = None
    # What low and high are: "95 % interval".
    interval: str = ""
    # Where the colours end; None: at the highest there is.
    most: float | None = 1.0


def pack_scores(scores: Iterable[HeadScore]) -> tuple[m.ScoresInfo, bytes]:
    """The description and the planes, one after the other."""
    planes: list[Plane] = []

    def place(plane: Plane) -> int:
        planes.append(plane)
        return len(planes) - 1

    def place_any(plane: Plane | None) -> int | None:
        return None if plane is None else place(plane)

    described = []
    for score in scores:
        finite = score.value[torch.isfinite(score.value)]
        highest = float(finite.max()) if len(finite) else 0.0
        most = max(score.most if score.most is not None else 0.0, highest) or 1.0
        # A score with a sign has 0 in the middle of its colours.
        signed = bool((finite < -_ROUNDING).any())
        most = max(most, -float(finite.min())) if signed else most
        least = -most if signed else 0.0
        described.append(
            m.Score(
                name=score.name,
                label=score.label,
                about=score.about,
                group=score.group,
                source=score.source,
                chance=score.chance,
                least=least,
                most=most,
                value=place(score.value),
                control=place_any(score.control),
                low=place_any(score.low),
                high=place_any(score.high),
                bar=place_any(score.bar),
                interval=score.interval,
            )
        )
    data = b"".join(plane.float().cpu().numpy().tobytes() for plane in planes)
    return m.ScoresInfo(len(planes), described), data


def induction_scores(result: InductionHeads | None, shape: tuple[int, int]) -> list[HeadScore]:
    """Scores on random tokens, with controls and intervals; before there is a result, missing."""
    if result is None:
        return [head_score(name, about, None, shape, "") for name, about in SCORES.items()]
    which = result.provenance.interval
    return [
        head_score(name, about, result.score(name), shape, which)
        for name, about in result.abouts.items()
    ]


def reading_scores(reading: Reading, probed: InductionHeads | None, probe: bool) -> list[HeadScore]:
    """What an explorer shows of a run: scores on random tokens with `probe`, and on its text."""
    shares = share_score(reading)
    shape = (shares.value.shape[0], shares.value.shape[1])
    on_random = induction_scores(probed, shape) if probe else []
    return [*on_random, *text_scores(reading.scores), shares]


def text_scores(text: TextScores) -> list[HeadScore]:
    """Scores on the user's text, with what uniform attention would score, and how sure they are."""
    errors = text.errors()
    shown, which = [], interval_in_words(CONFIDENCE)
    for name, score in text.scores().items():
        n, about = text.queries[name], TEXT_SCORES[name]
        half = t_quantile(CONFIDENCE, n - 1) * errors[name] if n > 1 else errors[name]
        few = f", n={n}" if 0 < n < FEW else ""
        about = dataclasses.replace(
            about,
            label=f"{about.label}{few}",
            about=f"{about.about} Here over {n} tokens, taken as independent.",
        )
        score = dataclasses.replace(score, low=score.value - half, high=score.value + half)
        shown.append(head_score(f"text_{name}", about, score, score.value.shape, which))
    return shown


def share_score(reading: Reading) -> HeadScore:
    """What each head adds directly to the logit of the likeliest token after the text."""
    shares = reading.shares
    token = f"“{reading.name_next(reading.n_tokens - 1, shares.target).strip()}”"
    missing = f" Missing here: {shares.missing}." if shares.missing else ""
    about = dataclasses.replace(
        ATTRIBUTION,
        label=f"{ATTRIBUTION.label} to {token}",
        about=f"{ATTRIBUTION.about} Here the target is {token}, the likeliest token after the last "
        f"position; the baseline is the same of random tokens.{missing}",
    )
    return head_score(ATTRIBUTION.name, about, shares.score, shares.score.value.shape, "")


def head_score(
    name: str, about: About, score: Score | None, shape: Sequence[int], interval: str
) -> HeadScore:
    """A score of an analysis as a view gets it; None is not computed yet.

    `interval` is what its low and high are: a result's `provenance.interval`.
    """
    described = (name, about.label, about.about, about.group, about.source)
    if score is None:
        return HeadScore(*described, value=torch.full(tuple(shape), torch.nan))
    # Where a control finds as much as the score, as of previous tokens, chance is the null.
    chance = None if score.chance is None else float(score.chance)
    return HeadScore(
        *described,
        value=score.value,
        most=about.most,
        chance=None if chance is None or math.isnan(chance) else chance,
        control=score.control if about.null == "control" else None,
        bar=score.control_high if about.null == "control" else None,
        low=score.low,
        high=score.high,
        interval=interval,
    )
