"""Influence over several prompts: each as it is alone, aligned at the output that is read."""

from __future__ import annotations

import dataclasses
import math
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.influence import one
from circuit_widgets.analysis.influence.columns import InfluencedPrompt, name_of, tokens_at
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
    """Effects prompt by prompt, each prompt's columns where the output that is read is in one."""

    def __init__(self, asked: Sequence[Readout], confidence: float) -> None:
        self._confidence = confidence
        self._place = max(at.position for at in asked)
        lengths = [len(at.ids) + at.generate for at in asked]
        after = max(n - at.position for n, at in zip(lengths, asked, strict=True))
        self._n = self._place + after
        self._n_prompt = self._place + max(at.n_prompt - at.position for at in asked)
        self._found: list[SelfInfluence] = []
        self._random: list[Float[Tensor, "change pos"]] = []

    def add(self, found: SelfInfluence, random: Float[Tensor, "change pos"] | None) -> None:
        """One prompt's result, and the KL of its random changes where these were asked for."""
        self._found.append(found)
        if random is not None:
            self._random.append(random)

    def result(self, made: Provenance) -> SelfInfluence:
        """The means over the prompts that are there."""
        first = self._found[0]
        prompts = tuple(self._prompt(each) for each in self._found)
        logp = self._stacked([each.logp.value for each in self._found])
        fields = {}
        if first.norm is not None:
            norm = self._stacked([each.norm for each in self._found if each.norm is not None])
            fields |= {"norm": mean_of_known(norm, self._confidence)[0], "norm_by_prompt": norm}
        if first.matrix is not None:
            pairs = torch.stack(
                [self._square(each, each.matrix) for each in self._found if each.matrix is not None]
            )
            deviation, n = deviation_of_known(pairs), pairs.isfinite().sum(0)
            matrix, *_ = mean_of_known(pairs, self._confidence)
            fields |= {"matrix": matrix, "matrix_sem": deviation / n.clamp(min=1).sqrt()}
        if first.generated_logp is not None:
            written = [each.generated_logp for each in self._found]
            fields["generated_logp"] = torch.stack([w for w in written if w is not None]).mean(0)
            fields |= {name: self._split(name) for name in ("own", "prompt")}
        counts = [each.n_replacements for each in self._found]
        fewest = self._stacked([c.float().where(c > 0, math.nan) for c in counts])
        deviation = deviation_of_known(logp)
        targets = {(each.target, each.target_token) for each in self._found}
        target, target_token = next(iter(targets)) if len(targets) == 1 else (-1, "")
        against = {each.against_token for each in self._found}
        return SelfInfluence(
            provenance=made,
            tokens=tuple(name_of(tokens_at(prompts, logp[:, at], at)) for at in range(self._n)),
            ids=tuple(self._shared_id(at) for at in range(self._n)),
            n_prompt=self._n_prompt,
            position=self._place,
            target=target,
            target_token=target_token,
            against_token=next(iter(against)) if len(against) == 1 else "",
            metric=first.metric,
            enumerated=first.enumerated,
            n_replacements=fewest.nan_to_num(math.inf).amin(0).nan_to_num(posinf=0).long(),
            logp=self._score("logp"),
            logp_sem=deviation / logp.isfinite().sum(0).clamp(min=1).sqrt(),
            logp_spread=deviation,
            kl=self._kl(),
            prompts=prompts,
            logp_by_prompt=self._by_prompt("logp"),
            kl_by_prompt=self._by_prompt("kl"),
            **fields,
        )

    def _start(self, found: SelfInfluence) -> int:
        return self._place - found.position

    def _stacked(self, values: Sequence[Float[Tensor, "*rest pos"]]) -> Float[Tensor, "prompt ..."]:
        """Of each prompt its values by position, in the common columns."""
        rows = []
        for found, of in zip(self._found, values, strict=True):
            row = torch.full((*of.shape[:-1], self._n), math.nan)
            start = self._start(found)
            row[..., start : start + of.shape[-1]] = of
            rows.append(row)
        return torch.stack(rows)

    def _square(self, found: SelfInfluence, matrix: Tensor) -> Float[Tensor, "source query"]:
        whole = torch.full((self._n, self._n), math.nan)
        start, n = self._start(found), len(matrix)
        whole[start : start + n, start : start + n] = matrix
        return whole

    def _score(self, name: str) -> Score:
        samples = self._stacked([getattr(each, name).value for each in self._found])
        return Score(*_parted(mean_of_known(samples, self._confidence)))

    def _kl(self) -> Score:
        score = self._score("kl")
        if not self._random:
            return score
        # The null of a mean over prompts is means over as many random changes: one of each prompt.
        random = self._stacked(self._random).nanmean(0)
        return dataclasses.replace(
            score, control=random.mean(0), control_low=random.amin(0), control_high=random.amax(0)
        )

    def _by_prompt(self, name: str) -> Score:
        """Each prompt's own, with its interval over draws where there are draws."""
        scores: list[Score] = [getattr(each, name) for each in self._found]
        parts = {
            part: self._stacked([score.tensors()[part] for score in scores])
            for part in ("value", "low", "high")
        }
        return Score(**parts)

    def _split(self, name: str) -> Score:
        scores: list[Score] = [getattr(each, name) for each in self._found]
        samples = torch.stack([score.value for score in scores])
        nulls = [score.control for score in scores if score.control is not None]
        score = Score(*_parted(mean_of_known(samples, self._confidence)))
        return dataclasses.replace(score, control=torch.stack(nulls).nanmean(0))

    def _shared_id(self, at: int) -> int:
        places = [(each, at - self._start(each)) for each in self._found]
        ids = {each.ids[p] if 0 <= p < len(each.ids) else -1 for each, p in places}
        return ids.pop() if len(ids) == 1 else -1

    def _prompt(self, found: SelfInfluence) -> InfluencedPrompt:
        counts = found.n_replacements[found.n_replacements > 0]
        return InfluencedPrompt(
            tokens=found.tokens,
            ids=found.ids,
            start=self._start(found),
            position=found.position,
            target_token=found.target_token,
            against_token=found.against_token,
            fewest=int(counts.min()) if len(counts) else 0,
            most=int(counts.max()) if len(counts) else 0,
        )


def _parted(interval: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, None, None, Tensor, Tensor]:
    value, low, high = interval
    return value, None, None, low, high
