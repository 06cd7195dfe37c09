"""Shares prompt by prompt, and the result that they make so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.attribution.results import LogitAttribution
from circuit_widgets.causal.direct import Direct
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.targets import Target
from circuit_widgets.prompts.tokens import show_token
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import mean_interval, middle_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


class Samples:
    """One share for each part and prompt, and the null's sums over prompts, draw by draw.

    The null of a mean over prompts is a mean over as many random tokens: one for each prompt.
    """

    def __init__(
        self, prompts: Prompts, places: Sequence[int], paired: bool, confidence: float
    ) -> None:
        self._prompts, self._places, self._paired = prompts, places, paired
        self._confidence = confidence
        self._values: dict[str, list[Float[Tensor, batch * part]]] = {}
        self._nulls: dict[str, Float[Tensor, "*part draw"]] = {}
        self._logp: list[Float[Tensor, " batch"]] = []
        self._targets: dict[int, Target] = {}
        self._missing, self._capped = "", False

    def add(
        self,
        chosen: Sequence[int],
        targets: Sequence[Target],
        found: Direct,
        logp: Float[Tensor, "batch 1"],
    ) -> None:
        """What one pass brought: of each row the target's shares first, then those of the draws."""
        self._targets |= dict(zip(chosen, targets, strict=True))
        self._missing, self._capped = found.missing, found.capped
        self._logp.append(logp[:, 0].cpu())
        known = found.heads.isfinite().all(-1).all(-1)
        # [batch, layer, token]: what attention adds besides its heads; nothing where those are not.
        beside = found.attention - found.heads.sum(2)
        beside = beside.masked_fill(~known[..., None], 0)
        parts = {
            "heads": found.heads,
            "attention": found.attention,
            "mlps": found.mlp,
            "embedding": found.embedding,
            "biases": found.constant + (beside + found.other).sum(1),
            "logit": found.logit,
        }
        for name, part in parts.items():
            if self._paired:
                half = part.shape[-1] // 2
                part = part[..., :half] - part[..., half:]
            self._values.setdefault(name, []).append(part[..., 0])
            self._nulls[name] = self._nulls.get(name, 0) + part[..., 1:].sum(0)

    def result(self, model: TransformerBridge, made: Provenance) -> LogitAttribution:
        order = sorted(self._targets)
        targets = [self._targets[at] for at in order]
        others = [target.against for target in targets if target.against is not None]
        first = self._prompts.tokens[order[0]]
        return LogitAttribution(
            provenance=made,
            tokens=first.strings,
            ids=tuple(first.ids[0].tolist()),
            position=self._places[order[0]],
            targets=tuple(show_token(model, target.id) for target in targets),
            against=tuple(show_token(model, id) for id in others),
            n_prompts=len(order),
            capped=self._capped,
            missing=self._missing,
            logp=torch.cat(self._logp).mean(),
            target_ids=tuple(targets),
            **{name: self._score(name) for name in self._values},
        )

    def _score(self, name: str) -> Score:
        samples = torch.cat(self._values[name])
        value, low, high = mean_interval(samples, self._confidence)
        control, control_low, control_high = middle_of(
            self._nulls[name] / len(samples), self._confidence
        )
        return Score(value, None, control, low, high, control_low, control_high)
