"""Which tokens of a prompt an output depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.influence.effects import Effects
from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.causal.random_changes import RandomChanges, enough
from circuit_widgets.causal.replacement import Corruption, greedy
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.readout import Readout, readout
from circuit_widgets.prompts.replacements import (
    MOST_ENUMERATED,
    Replacements,
    all_replacements,
    draw_replacements,
    drawn_replacements,
    weights_of,
)
from circuit_widgets.prompts.tokens import show_token
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Where a text has too many different tokens to take all of them.
_DRAWS = 8


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `compute_self_influence`, checked, as provenance keeps them.

    `draws` is how many there are at each position; None: all that can stand there.
    """

    position: int | None
    target: Any
    metric: str
    draws: int | None
    seed: int
    generate: int
    all_pairs: bool
    batch: int
    confidence: float


@analysis("influence")
def compute_self_influence(
    model: TransformerBridge,
    tokens: str | Sequence[int] | Tensor,
    position: int | None = None,
    *,
    target: Any = None,
    metric: Literal["logp", "kl", "norm"] = "logp",
    draws: int | None = None,
    generate: int = 0,
    distribution: Float[Tensor, " vocab"] | Sequence[float] | None = None,
    all_pairs: bool = False,
    batch: int = 512,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[SelfInfluence]:
    """Replace each token of a text by others, and read what that does to a later output.

    The replacements are the text's own other tokens, each as often as it occurs in it (special
    tokens left out, never the token that is there), so that what is read is a change of content and
    not of register. A text of at most 64 different tokens has all of them put at each position:
    the means are exact for this text and have no interval. In a longer one 8 are drawn for each
    position. With `generate` the model first continues the text: the influence of its own earlier
    outputs on its later ones is its self-influence.

    There is no faster estimate, because none was found that ranks the positions well. A few
    `draws` do it better than slopes at the embeddings, or than a linear fit to random subsets as in
    ContextCite (Cohen-Wang et al. 2024), do in the same time (`benchmarks/influence.py`).

    Args:
        model: A TransformerBridge with causal attention.
        tokens: A text, or ids.
        position: Whose output is read, negative from the end; None is the last.
        target: Whose probability is read: an id, or a text of one token; or two of them, of which
            the first is held against the second, `(" Mary", " John")`: then "logp" is of the
            difference of both, the logit difference, and not with all_pairs. None: the token that
            follows in the text; at the last position the model's own likeliest token.
        metric: What ranks the positions. "logp" and "kl" are both measured whichever is asked for.
            A KL divergence is never below 0, so "kl" also measures what random changes of the
            embedding do that are as large as the change to another token (19 at each position
            with a confidence of 0.95): a position counts if its KL is above all of theirs.
            "norm" is the L2 norm of the change of the logits for one token drawn uniformly from the
            vocabulary: one draw, so no intervals.
        draws: Replacements drawn for each position; None: all there are where these are at most 64,
            else 8.
        generate: How many tokens the model adds first, each its likeliest. Then all pairs are
            read, up to the last token that was added.
        distribution: Weights of replacements, one for each id, instead of the text's own.
        all_pairs: Also the effect on the token after every other position, from the same passes.
        batch: Rows a forward pass, at most.
        seed: Of the draws and of random changes. The same on every device and for every `batch`.
        confidence: Of the intervals over draws (Student's t), and of "above all random changes".
        progress: Show a progress bar.

    Raises:
        TypeError: Neither text nor ids, or an unknown keyword.
        ValueError: An argument out of range; several draws beside "norm"; nothing before
            `position`; a target that is no single token; a text that gets longer than the context.
        RuntimeError: The model is not causal.

    >>> import circuit_widgets as cw
    >>> text = "blue dog seven blue dog"
    >>> result = cw.compute_self_influence(cw.load_model(), text, progress=False)
    >>> result.tokens[int(result.logp.value.nan_to_num().argmax())], result.replaced_by
    ('seven', 'all other tokens of the text (2 at each position)')
    """
    asked = readout(model, tokens, position, target, generate, pair=not all_pairs)
    metric_name = arguments.choice("metric", metric, ("logp", "kl", "norm"))
    seed = arguments.seed(seed)
    weights = weights_of(model, asked.ids, distribution, uniform=metric_name == "norm")
    draws = _draws(draws, metric_name, weights)
    settings = Settings(
        position=position,
        target=target,
        metric=metric_name,
        draws=draws,
        seed=seed,
        generate=asked.generate,
        all_pairs=arguments.flag("all_pairs", all_pairs) or asked.generate > 0,
        batch=arguments.whole("batch", batch, 1),
        confidence=arguments.share("confidence", confidence),
    )
    if not generate:
        # What cannot be drawn is said here, where the user made the call.
        draw_replacements(asked.read, weights, 1, torch.Generator(), asked.first)
    made = begun(
        model,
        "compute_self_influence",
        settings,
        method="tokens replaced one position at a time; "
        + ("mean over all replacements" if draws is None else "Student's t over draws"),
        probe=_drawn_from(settings, given=distribution is not None),
        n_total=0,
        unit="positions",
    )
    return _steps(model, asked, weights, settings, made)


def _draws(draws: int | None, metric: str, weights: Tensor) -> int | None:
    """How many draws there are; None: every replacement."""
    if metric == "norm":
        if draws is not None and arguments.whole("draws", draws, 1) != 1:
            raise ValueError(
                f"draws is {draws}, and metric 'norm' is the change for one random token; leave "
                "out draws, or take metric 'kl' or 'logp', which average over them"
            )
        return 1
    if draws is not None:
        # One draw has no second one to be compared with.
        return arguments.whole("draws", draws, 2)
    return None if int((weights > 0).sum()) <= MOST_ENUMERATED else _DRAWS


def _drawn_from(settings: Settings, *, given: bool) -> str:
    if given:
        return "the weights given"
    if settings.metric == "norm":
        return "uniform over the vocabulary"
    return "tokens of the text"


def _steps(
    model: TransformerBridge, asked: Readout, weights: Tensor, settings: Settings, made: Provenance
) -> Iterator[SelfInfluence]:
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
        yield _result(model, asked, corruption.target, strings, effects, put, settings, made)


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
        target_token=show_token(model, target),
        against_token=None if asked.against is None else show_token(model, asked.against),
        metric=settings.metric,
        enumerated=put.every,
        n_replacements=counts,
        logp=effects.score("logp"),
        logp_sem=effects.standard_error("logp"),
        logp_spread=effects.spread("logp"),
        kl=effects.score("kl"),
        **fields,
    )
