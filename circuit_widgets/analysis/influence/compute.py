"""Which tokens of a prompt an output depends on, and along which routes it got there."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.influence.effects import Effects, rank_correlation
from circuit_widgets.analysis.influence.results import SelfInfluence, Settings
from circuit_widgets.causal.first_order import screen
from circuit_widgets.causal.replacement import Corruption, greedy
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.readout import Readout, readout
from circuit_widgets.prompts.replacements import draw_replacements, weights_of
from circuit_widgets.prompts.tokens import show_token
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Positions whose exact effect a screen is compared with.
_CHECKED = 12
_METHODS = {
    "exact": "tokens replaced one position at a time; Student's t over draws",
    "fast": "change of the embedding times the gradient at the midpoint; Student's t over draws",
}


@analysis("influence")
def compute_self_influence(
    model: TransformerBridge,
    tokens: str | Sequence[int] | Tensor,
    position: int | None = None,
    *,
    target: int | str | None = None,
    metric: Literal["logp", "kl", "norm"] = "logp",
    mode: Literal["exact", "fast"] = "exact",
    draws: int = 8,
    generate: int = 0,
    distribution: Float[Tensor, " vocab"] | Sequence[float] | None = None,
    all_pairs: bool = False,
    batch: int = 64,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[SelfInfluence]:
    """Replace each token of a text by others, and read what that does to a later output.

    Each replacement is drawn from the text's own tokens, as often as they occur in it (special
    tokens left out, never the token that is there), so that what is read is a change of content and
    not of register. With `generate` the model first continues the text: the influence of its own
    earlier outputs on its later ones is its self-influence.

    Args:
        model: A TransformerBridge with causal attention.
        tokens: A text, or ids.
        position: Whose output is read, negative from the end; None is the last.
        target: Whose probability is read: an id, or a text of one token. None: the token that
            follows in the text; at the last position the model's own likeliest token.
        metric: What ranks the positions. "logp" and "kl" are both measured whichever is asked for.
            "norm" is the L2 norm of the change of the logits for one token drawn uniformly from the
            vocabulary: one draw, so no intervals.
        mode: "exact" runs each replacement. "fast" estimates them from slopes at the
            embeddings (first order, and poor for tokens that matter much), and compares the
            estimates with exact effects at 12 positions.
        draws: Replacements for each position.
        generate: How many tokens the model adds first, each its likeliest. Then all pairs are
            read, up to the last token that was added.
        distribution: Weights to draw replacements by, one for each id, instead of the text's own.
        all_pairs: Also the effect on the token after every other position, from the same passes.
        batch: Rows a forward pass, at most.
        seed: Of the draws. The same on every device and for every `batch`.
        confidence: Of the intervals over draws (Student's t).
        progress: Show a progress bar.

    Raises:
        TypeError: Neither text nor ids, or an unknown keyword.
        ValueError: An argument out of range; nothing before `position`; a target that is no single
            token; a text that gets longer than the context.
        RuntimeError: The model is not causal.

    >>> import circuit_widgets as cw
    >>> text = "blue dog seven blue dog"
    >>> result = cw.compute_self_influence(cw.load_model(), text, draws=4, progress=False)
    >>> result.tokens[int(result.logp.value.nan_to_num().argmax())]
    'seven'
    """
    asked = readout(model, tokens, position, target, generate)
    metric_name = arguments.choice("metric", metric, ("logp", "kl", "norm"))
    settings = Settings(
        position=position,
        target=target,
        metric=metric_name,
        mode=arguments.choice("mode", mode, _METHODS),
        # One uniform draw has no second one to be compared with.
        draws=arguments.whole("draws", draws, 1 if metric_name == "norm" else 2),
        seed=arguments.seed(seed),
        generate=asked.generate,
        all_pairs=arguments.flag("all_pairs", all_pairs) or asked.generate > 0,
        batch=arguments.whole("batch", batch, 1),
        confidence=arguments.share("confidence", confidence),
    )
    if settings.metric == "norm":
        settings = dataclasses.replace(settings, draws=1)
    if settings.mode == "fast" and (settings.metric != "logp" or settings.all_pairs):
        raise ValueError(
            "mode 'fast' estimates the log probability of one token; for metric 'kl' or 'norm', "
            "all_pairs or generate take mode 'exact'"
        )
    weights = weights_of(model, asked.ids, distribution, uniform=metric == "norm")
    if not generate:
        # What cannot be drawn is said here, where the user made the call.
        draw_replacements(asked.read, weights, 1, torch.Generator(), asked.first)
    made = begun(
        model,
        "compute_self_influence",
        settings,
        method=_METHODS[settings.mode],
        probe=_drawn_from(settings, given=distribution is not None),
        n_total=0,
        unit="positions",
    )
    return _steps(model, asked, weights, settings, made)


def _drawn_from(settings: Settings, *, given: bool) -> str:
    if given:
        return "the weights given"
    return "uniform over the vocabulary" if settings.metric == "norm" else "the text's own tokens"


def _steps(
    model: TransformerBridge, asked: Readout, weights: Tensor, settings: Settings, made: Provenance
) -> Iterator[SelfInfluence]:
    if asked.generate:
        asked = asked.continued(greedy(model, asked.ids, asked.generate))
    generator = torch.Generator().manual_seed(settings.seed)
    put = draw_replacements(asked.read, weights, settings.draws, generator, asked.first)
    effects = Effects(len(asked.ids), settings.draws, settings.all_pairs, settings.confidence)
    strings = asked.strings(model)
    sources, estimates, target = asked.sources, None, asked.given
    made = dataclasses.replace(made, n_total=len(sources))

    def result(rho: Tensor | None = None) -> SelfInfluence:
        return _result(model, asked, target, strings, effects, rho, settings, made)

    if settings.mode == "fast":
        estimates, target = screen(model, asked.read, asked.given, put)
        effects.samples["logp"][:, sources] = estimates[:, sources]
        sample = torch.randperm(len(sources), generator=generator)[:_CHECKED].tolist()
        n_done, sources = len(sources), [sources[at] for at in sample]
        made = dataclasses.replace(made, n_done=n_done, n_total=n_done + len(sources))
        yield result(torch.tensor(math.nan))
    corruption = Corruption(
        model,
        asked.read,
        target,
        put,
        pairs=settings.all_pairs,
        batch=settings.batch,
    )
    target = corruption.target
    exact = torch.full((len(asked.read),), math.nan)
    for positions, found in corruption.passes(sources):
        made = dataclasses.replace(made, n_done=made.n_done + len(positions))
        if estimates is None:
            effects.add(positions, found)
            effects.clean = corruption.clean
            yield result()
            continue
        exact[positions] = found["logp"].mean(1)
        effects.samples["kl"][:, positions] = found["kl"].T
        known = exact.isfinite()
        yield result(rank_correlation(estimates.mean(0)[known], exact[known]))


def _result(
    model: TransformerBridge,
    asked: Readout,
    target: int | None,
    strings: tuple[str, ...],
    effects: Effects,
    rho: Tensor | None,
    settings: Settings,
    made: Provenance,
) -> SelfInfluence:
    assert target is not None
    fields: dict[str, Any] = {}
    if settings.metric == "norm":
        fields["norm"] = effects.samples["norm"][0].clone()
    if effects.matrix is not None and effects.sem is not None:
        fields |= {"matrix": effects.matrix.clone(), "matrix_sem": effects.sem.clone()}
    if asked.generate:
        n = asked.n_prompt
        # A generated token is read at the position before it.
        queries = range(n - 1, len(asked.ids) - 1)
        fields["own"] = effects.influence(queries, [range(n, query + 1) for query in queries])
        fields["prompt"] = effects.influence(queries, [range(asked.first, n) for _ in queries])
        fields["generated_logp"] = effects.clean[n - 1 :].clone()
    return SelfInfluence(
        provenance=made,
        tokens=strings,
        ids=tuple(asked.ids.tolist()),
        n_prompt=asked.n_prompt,
        position=asked.position,
        target=target,
        target_token=show_token(model, target),
        metric=settings.metric,
        mode=settings.mode,
        logp=effects.score("logp"),
        logp_sem=effects.standard_error("logp"),
        kl=effects.score("kl"),
        screen_rho=rho,
        **fields,
    )
