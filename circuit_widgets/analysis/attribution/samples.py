"""Shares prompt by prompt, and the result that they make so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.attribution.chance import raised
from circuit_widgets.analysis.attribution.results import LogitAttribution
from circuit_widgets.causal.direct import Direct
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.targets import Target
from circuit_widgets.prompts.tokens import show_token_after
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import all_within, mean_interval, middle_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Samples:
    """One share for each part and prompt, and the null's sums over prompts, draw by draw.

    The null of a mean over prompts is a mean over random tokens: one for each target, the same one
    in all prompts that have that target.
    """

    def __init__(
        self, prompts: Prompts, places: Sequence[int], paired: bool, settings: Any, n_vocab: int
    ) -> None:
        self._prompts, self._places, self._paired = prompts, places, paired
        self._confidence, self._seed, self._n_vocab = settings.confidence, settings.seed, n_vocab
        self._values: dict[str, list[Float[Tensor, batch * part]]] = {}
        self._nulls: dict[str, Float[Tensor, "*part draw"]] = {}
        # The same, but of the likeliest token where that is the target.
        self._raised: dict[str, Float[Tensor, "*part draw"]] = {}
        self._n_likeliest = 0
        self._logp: list[Float[Tensor, " batch"]] = []
        self._targets: dict[int, Target] = {}
        self._missing, self._capped = "", False

    def add(
        self,
        chosen: Sequence[int],
        targets: Sequence[Target],
        found: Direct,
        logp: Float[Tensor, "batch 1"],
        likeliest: Sequence[bool],
    ) -> None:
        """What one pass brought: of each row the target's shares first, then those of the draws.

        likeliest: whether the target was taken because it is the model's likeliest token.
        """
        self._targets |= dict(zip(chosen, targets, strict=True))
        self._missing, self._capped = found.missing, found.capped
        self._logp.append(logp[:, 0].cpu())
        # (A layer has all of its heads' shares or none; a pruned one has fewer heads than others.)
        known = found.heads.isfinite().all(-1).any(-1)
        # [batch, layer, token]: what attention adds besides its heads; nothing where those are not.
        beside = found.attention - found.heads.nansum(2)
        beside = beside.masked_fill(~known[..., None], 0)
        parts = {
            "heads": found.heads,
            "attention": found.attention,
            "mlps": found.mlp,
            "embedding": found.embedding,
            "biases": found.constant + (beside + found.other).sum(1),
            "logit": found.logit,
        }
        if self._paired:
            half = found.logit.shape[-1] // 2
            parts = {name: part[..., :half] - part[..., half:] for name, part in parts.items()}
        self._n_likeliest += sum(likeliest)
        null = {name: part[..., 1:] for name, part in parts.items()}
        high = raised(null, null["logit"], torch.tensor([*likeliest]), self._n_vocab, self._seed)
        for name, part in parts.items():
            self._values.setdefault(name, []).append(part[..., 0])
            self._nulls[name] = self._nulls.get(name, 0) + null[name].sum(0)
            self._raised[name] = self._raised.get(name, 0) + high[name].sum(0)

    def result(self, model: TransformerBridge, made: Provenance) -> LogitAttribution:
        order = sorted(self._targets)
        targets = [self._targets[at] for at in order]

        def shown(at: int, id: int) -> str:
            read = self._prompts.tokens[at].ids[0, : self._places[at] + 1]
            return show_token_after(model, read.tolist(), id)

        first = self._prompts.tokens[order[0]]
        return LogitAttribution(
            provenance=made,
            tokens=first.strings,
            ids=tuple(first.ids[0].tolist()),
            position=self._places[order[0]],
            targets=tuple(shown(at, target.id) for at, target in zip(order, targets, strict=True)),
            against=tuple(
                shown(at, target.against)
                for at, target in zip(order, targets, strict=True)
                if target.against is not None
            ),
            n_prompts=len(order),
            n_likeliest=self._n_likeliest,
            capped=self._capped,
            missing=self._missing,
            logp=torch.cat(self._logp).mean(),
            target_ids=tuple(targets),
            **self._scores(),
        )

    def _scores(self) -> dict[str, Score]:
        extremes = self._extremes()
        found = {}
        for name, values in self._values.items():
            samples = torch.cat(values)
            value, low, high = mean_interval(samples, self._confidence)
            null = middle_of(self._nulls[name] / len(samples), self._confidence)
            control, control_low, control_high = null
            ends = (low, high, control_low, control_high, *extremes.get(name, (None, None)))
            found[name] = Score(value, None, control, *ends)
        return found

    def _extremes(self) -> dict[str, tuple[Tensor, Tensor]]:
        """Between what all parts are at once; of heads, or where they are missing of attention."""
        n = sum(map(len, self._values["logit"]))
        means = {name: self._raised[name] / n for name in self._raised if name != "logit"}
        flat = {name: part.reshape(-1, part.shape[-1]) for name, part in means.items()}
        by_head = means["heads"].isfinite().all(-1)
        there = {name: torch.ones(len(part), dtype=torch.bool) for name, part in flat.items()}
        there |= {"heads": by_head.flatten(), "attention": ~by_head.any(-1)}
        low, high = all_within(
            torch.cat([flat[name][there[name]] for name in flat]), self._confidence
        )
        found, start = {}, 0
        for name, part in means.items():
            ends = []
            n_here = int(there[name].sum())
            for end in (low, high):
                whole = torch.full((len(flat[name]),), math.nan)
                whole[there[name]] = end[start : start + n_here]
                ends.append(whole.view(part.shape[:-1]))
            start += n_here
            found[name] = (ends[0], ends[1])
        return found
