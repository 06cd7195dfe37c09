"""The influence in one prompt, as the passes bring it in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from circuit_widgets.analysis.influence.effects import Effects
from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.analysis.influence.settings import Settings
from circuit_widgets.causal.random_changes import RandomChanges, enough
from circuit_widgets.causal.replacement import Corruption, greedy
from circuit_widgets.prompts.readout import Readout
from circuit_widgets.prompts.replacements import (
    Replacements,
    all_replacements,
    draw_replacements,
    drawn_replacements,
)
from circuit_widgets.prompts.tokens import show_token_after
from circuit_widgets.results.provenance import Provenance

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def steps(
    model: TransformerBridge, asked: Readout, weights: Tensor, settings: Settings, made: Provenance
) -> Iterator[tuple[SelfInfluence, Effects]]:
    """Results of one prompt, each more complete than the one before, and what they are made of."""
    if asked.generate:
        asked = asked.continued(greedy(model, asked.ids, asked.generate))
    put = _replacements(asked, weights, settings)
    n_random = enough(settings.confidence) if settings.metric == "kl" else 0
    effects = Effects(len(asked.ids), put, settings.all_pairs, settings.confidence, n_random)
    strings = asked.strings(model)
    corruption = Corruption(
        model,
        asked.read,
        asked.given,
        put.put,
        pairs=settings.all_pairs,
        batch=settings.batch,
        against=asked.against,
    )
    effects.clean = corruption.clean
    random = _random_changes(model, asked, put, settings, n_random) if n_random else None
    made = dataclasses.replace(made, n_total=len(asked.sources))
    for positions, found in corruption.passes(asked.sources):
        effects.add(positions, found)
        if random is not None and effects.random is not None:
            for at, kl in corruption.random_changes(positions, random, n_random):
                effects.random[:, at] = kl.T
        made = dataclasses.replace(made, n_done=made.n_done + len(positions))
        found = _result(model, asked, corruption.target, strings, effects, put, settings, made)
        yield found, effects


def _replacements(asked: Readout, weights: Tensor, settings: Settings) -> Replacements:
    if settings.draws is None:
        return all_replacements(asked.read, weights, asked.first)
    generator = torch.Generator().manual_seed(settings.seed)
    put = draw_replacements(asked.read, weights, settings.draws, generator, asked.first)
    return drawn_replacements(put, asked.first)


def _random_changes(
    model: TransformerBridge, asked: Readout, put: Replacements, settings: Settings, n: int
) -> RandomChanges:
    """As large as the changes to some of the replacements, chosen by their shares."""
    generator = torch.Generator().manual_seed(settings.seed)
    # What is not replaced has no shares, and is changed by nothing.
    share = put.share.where(put.share.sum(1, keepdim=True) > 0, 1.0)
    chosen = torch.multinomial(share, n, replacement=True, generator=generator)
    return RandomChanges(model, asked.read, put.put.gather(1, chosen), settings.seed)


def _result(
    model: TransformerBridge,
    asked: Readout,
    target: int,
    strings: tuple[str, ...],
    effects: Effects,
    put: Replacements,
    settings: Settings,
    made: Provenance,
) -> SelfInfluence:
    fields: dict[str, Any] = {}
    if settings.metric == "norm":
        fields["norm"] = effects.samples["norm"][0].clone()
    if effects.matrix is not None and effects.sem is not None:
        fields |= {"matrix": effects.matrix.clone(), "matrix_sem": effects.sem.clone()}
    if asked.generate:
        n = asked.n_prompt
        # A generated token is read at the position before it, and that one's own token is left out.
        queries = range(n - 1, len(asked.ids) - 1)
        fields["own"] = effects.influence(queries, [range(n, query) for query in queries])
        given = [range(asked.first, min(n, query)) for query in queries]
        fields["prompt"] = effects.influence(queries, given)
        fields["generated_logp"] = effects.clean[n - 1 :].clone()
    counts = torch.zeros(len(asked.ids), dtype=torch.long)
    counts[: len(put.put)] = put.counts
    return SelfInfluence(
        provenance=made,
        tokens=strings,
        ids=tuple(asked.ids.tolist()),
        n_prompt=asked.n_prompt,
        position=asked.position,
        target=target,
        target_token=show_token_after(model, asked.read.tolist(), target),
        against_token=None
        if asked.against is None
        else show_token_after(model, asked.read.tolist(), asked.against),
        metric=settings.metric,
        enumerated=put.every,
        n_replacements=counts,
        logp=effects.score("logp"),
        logp_sem=effects.standard_error("logp"),
        logp_spread=effects.spread("logp"),
        kl=effects.score("kl"),
        **fields,
    )
