"""Influence over several prompts: each as it is alone, aligned at the output that is read."""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.influence import one
from circuit_widgets.analysis.influence.columns import Columns, InfluencedPrompt
from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.analysis.influence.settings import Settings
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.readout import Readout
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import deviation_of_known, mean_of_known

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def steps(
    model: TransformerBridge,
    asked: Sequence[Readout],
    weights: Sequence[Tensor],
    settings: Settings,
    made: Provenance,
) -> Iterator[SelfInfluence | Progress]:
    """A result after each prompt; between them how many positions are done."""
    means = Means(asked, settings.confidence)
    before, total = 0, sum(len(at.sources) for at in asked)
    for n, (at, weight) in enumerate(zip(asked, weights, strict=True), 1):
        # Draws that prompts share would not show in how much the prompts differ.
        seed = (settings.seed + zlib.crc32(at.ids.numpy().tobytes())) % 2**63
        alone = dataclasses.replace(settings, seed=seed)
        begun = dataclasses.replace(made, n_done=0, n_total=0)
        step = None
        for step in one.steps(model, at, weight, alone, begun):
            done = before + step[0].provenance.n_done
            yield Progress(done, total, "" if done == total else f"prompt {n} of {len(asked)}")
        assert step is not None
        found, effects = step
        means.add(found, effects.random)
        before += found.provenance.n_total
        yield means.result(dataclasses.replace(made, n_done=n))


class Means:
    """Effects prompt by prompt, in columns in which all have the output that is read in one."""

    def __init__(self, asked: Sequence[Readout], confidence: float) -> None:
        self._confidence = confidence
        self._columns = Columns(
            [at.position for at in asked], [len(at.ids) + at.generate for at in asked]
        )
        self._n_prompt = self._columns.place + max(at.n_prompt - at.position for at in asked)
        self._found: list[SelfInfluence] = []
        self._prompts: list[InfluencedPrompt] = []
        # By name a row a prompt; rows of positions are in the common columns.
        self._rows: dict[str, list[Tensor]] = {}

    def add(self, found: SelfInfluence, random: Float[Tensor, "change pos"] | None) -> None:
        """One prompt's result, and the KL of its random changes where these were asked for."""
        self._found.append(found)
        place = self._columns.placed
        counts = found.n_replacements.float()
        rows = {"replacements": place(counts.where(counts > 0, math.nan), found.position)}
        for name in ("logp", "kl"):
            score: Score = getattr(found, name)
            for part in ("value", "low", "high"):
                rows[f"{name}.{part}"] = place(score.tensors()[part], found.position)
        for name, values in (("norm", found.norm), ("random", random)):
            if values is not None:
                rows[name] = place(values, found.position)
        if found.matrix is not None:
            # Both axes are positions.
            rows["matrix"] = place(place(found.matrix, found.position).T, found.position).T
        if found.generated_logp is not None and found.own is not None and found.prompt is not None:
            rows["generated"] = found.generated_logp
            for name, score in (("own", found.own), ("prompt", found.prompt)):
                assert score.control is not None
                rows |= {name: score.value, f"{name}.null": score.control}
        for name, row in rows.items():
            self._rows.setdefault(name, []).append(row)
        prompt = influenced(found, self._columns.place)
        self._prompts.append(prompt)
        self._columns.count(prompt, rows["logp.value"])

    def result(self, made: Provenance) -> SelfInfluence:
        """The means over the prompts that are there."""
        first, logp = self._found[0], self._samples("logp.value")
        n = logp.isfinite().sum(0).clamp(min=1)
        deviation = deviation_of_known(logp)
        targets = {(each.target, each.target_token) for each in self._found}
        target, target_token = next(iter(targets)) if len(targets) == 1 else (-1, "")
        against = {each.against_token for each in self._found}
        fewest = self._samples("replacements").nan_to_num(math.inf).amin(0)
        return SelfInfluence(
            provenance=made,
            tokens=self._columns.names(),
            ids=self._columns.ids(),
            n_prompt=self._n_prompt,
            position=self._columns.place,
            target=target,
            target_token=target_token,
            against_token=next(iter(against)) if len(against) == 1 else "",
            metric=first.metric,
            enumerated=first.enumerated,
            n_replacements=fewest.nan_to_num(posinf=0).long(),
            logp=self._mean("logp.value"),
            logp_sem=deviation / n.sqrt(),
            logp_spread=deviation,
            kl=self._kl(),
            prompts=tuple(self._prompts),
            logp_by_prompt=self._by_prompt("logp"),
            kl_by_prompt=self._by_prompt("kl"),
            **self._where_asked(),
        )

    def _where_asked(self) -> dict[str, Any]:
        """What not every call asks for."""
        fields: dict[str, Any] = {}
        if "norm" in self._rows:
            fields["norm"] = self._mean("norm").value
            fields["norm_by_prompt"] = self._samples("norm")
        if "matrix" in self._rows:
            pairs = self._samples("matrix")
            n = pairs.isfinite().sum(0).clamp(min=1)
            fields["matrix"] = self._mean("matrix").value
            fields["matrix_sem"] = deviation_of_known(pairs) / n.sqrt()
        if "generated" in self._rows:
            fields["generated_logp"] = self._samples("generated").mean(0)
            for name in ("own", "prompt"):
                null = self._samples(f"{name}.null").nanmean(0)
                fields[name] = dataclasses.replace(self._mean(name), control=null)
        return fields

    def _samples(self, name: str) -> Float[Tensor, "prompt ..."]:
        return torch.stack(self._rows[name])

    def _mean(self, name: str) -> Score:
        value, low, high = mean_of_known(self._samples(name), self._confidence)
        return Score(value=value, low=low, high=high)

    def _kl(self) -> Score:
        score = self._mean("kl.value")
        if "random" not in self._rows:
            return score
        # The null of a mean over prompts is means over as many random changes: one of each prompt.
        random = self._samples("random").nanmean(0)
        return dataclasses.replace(
            score, control=random.mean(0), control_low=random.amin(0), control_high=random.amax(0)
        )

    def _by_prompt(self, name: str) -> Score:
        """Each prompt's own, with its interval over draws where there are draws."""
        return Score(**{part: self._samples(f"{name}.{part}") for part in ("value", "low", "high")})


def influenced(found: SelfInfluence, place: int) -> InfluencedPrompt:
    """What a result over several prompts keeps of one, which is read in column `place`."""
    counts = found.n_replacements[found.n_replacements > 0]
    return InfluencedPrompt(
        tokens=found.tokens,
        ids=found.ids,
        start=place - found.position,
        position=found.position,
        target_token=found.target_token,
        against_token=found.against_token,
        fewest=int(counts.min()) if len(counts) else 0,
        most=int(counts.max()) if len(counts) else 0,
    )
