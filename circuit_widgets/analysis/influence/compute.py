"""Which tokens of a prompt, or of many, an output depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.influence import one, several
from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.analysis.influence.settings import Settings, SettingsOfSeveral
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.batches import Prompts, are_several
from circuit_widgets.prompts.readout import Readout, once_each, readout, readouts
from circuit_widgets.prompts.replacements import MOST_ENUMERATED, draw_replacements, weights_of
from circuit_widgets.prompts.targets import Target
from circuit_widgets.results.provenance import begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Where a text has too many different tokens to take all of them.
_DRAWS = 8


@analysis("influence", uneven=True)
def compute_self_influence(
    model: TransformerBridge,
    tokens: str | Sequence[Any] | Tensor,
    position: int | Sequence[int] | None = None,
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
) -> Iterator[SelfInfluence | Progress]:
    """Replace each token of a text by others, and read what that does to a later output.

    The replacements are the text's own other tokens, each as often as it occurs in it (special
    tokens left out, never the token that is there), so that what is read is a change of content and
    not of register. A text of at most 64 different tokens has all of them put at each position:
    the means are exact for this text and have no interval. In a longer one 8 are drawn for each
    position. With `generate` the model first continues the text: the influence of its own earlier
    outputs on its later ones is its self-influence.

    Of several prompts the effects are means over prompts, with an interval over prompts (Student's
    t), which holds for further prompts of the same kind. Prompts are aligned at the output that is
    read: what is averaged is tokens that stand equally far before it. Where all outputs are read at
    the same position these are the same positions; else a mean is one by distance, and the
    prompts that are long enough are in it (`SelfInfluence.n_at`). A prompt that is given twice
    counts once.

    There is no faster estimate, because none was found that ranks the positions well. A few
    `draws` do it better than slopes at the embeddings, or than a linear fit to random subsets as in
    ContextCite (Cohen-Wang et al. 2024), do in the same time (`benchmarks/influence.py`).

    Args:
        model: A TransformerBridge with causal attention.
        tokens: A text, or ids; or a list of texts or of ids, [prompt, pos] if it is a tensor.
        position: Whose output is read, negative from the end; None is the last. Of several prompts
            also a list with one for each.
        target: Whose probability is read: an id, or a text of one token; or two of them, of which
            the first is held against the second, `(" Mary", " John")`: then "logp" is of the
            difference of both, the logit difference, and not with all_pairs. None: the token that
            follows in the text; at the last position the model's own likeliest token. Of several
            prompts also a list with one of these for each.
        metric: What ranks the positions. "logp" and "kl" are both measured whichever is asked for.
            A KL divergence is never below 0, so "kl" also measures what random changes of the
            embedding do that are as large as the change to another token (19 at each position
            with a confidence of 0.95): a position counts if its KL is above all of theirs.
            "norm" is the L2 norm of the change of the logits for one token drawn uniformly from the
            vocabulary: one draw, so no intervals over draws.
        draws: Replacements drawn for each position; None: all there are where these are at most 64
            (in every prompt), else 8.
        generate: How many tokens the model adds first, each its likeliest. Then all pairs are
            read, up to the last token that was added.
        distribution: Weights of replacements, one for each id, instead of the text's own.
        all_pairs: Also the effect on the token after every other position, from the same passes.
        batch: Rows a forward pass, at most.
        seed: Of the draws and of random changes. The same on every device and for every `batch`.
            Several prompts have independent draws, whatever their order.
        confidence: Of the intervals (Student's t) over draws, of several prompts over prompts, and
            of "above all random changes".
        progress: Show a progress bar.

    Raises:
        TypeError: Neither text nor ids nor a list of them, or an unknown keyword.
        ValueError: An argument out of range; several draws beside "norm"; nothing before
            `position`; a target that is no single token; a text that gets longer than the context;
            not as many positions or targets as prompts.
        RuntimeError: The model is not causal.

    >>> import circuit_widgets as cw
    >>> text = "blue dog seven blue dog"
    >>> result = cw.compute_self_influence(cw.load_model(), text, progress=False)
    >>> result.tokens[int(result.logp.value.nan_to_num().argmax())], result.replaced_by
    ('seven', 'all other tokens of the text (2 at each position)')
    >>> texts = [text, "cat river stone cat river", "two red green two red"]
    >>> result = cw.compute_self_influence(cw.load_model(), texts, progress=False)
    >>> result.n_prompts, result.interval, result.sources(1)[0][0]
    (3, '95 % interval over prompts', 3)
    """
    asked = _asked(model, tokens, position, target, generate, pair=not all_pairs)
    metric_name = arguments.choice("metric", metric, ("logp", "kl", "norm"))
    seed = arguments.seed(seed)
    uniform = metric_name == "norm"
    weights = [weights_of(model, at.ids, distribution, uniform=uniform) for at in asked]
    draws = _draws(draws, metric_name, weights)
    settings = Settings(
        position=position,
        target=target,
        metric=metric_name,
        draws=draws,
        seed=seed,
        generate=asked[0].generate,
        all_pairs=arguments.flag("all_pairs", all_pairs) or asked[0].generate > 0,
        batch=arguments.whole("batch", batch, 1),
        confidence=arguments.share("confidence", confidence),
    )
    if not generate:
        _refuse_what_cannot_be_drawn(asked, weights)
    by = "mean over all replacements" if draws is None else "Student's t over draws"
    made = begun(
        model,
        "compute_self_influence",
        settings if len(asked) == 1 else _of_several(settings, asked),
        method=f"tokens replaced one position at a time; {by}",
        probe=_drawn_from(settings, distribution is not None, len(asked)),
        n_total=0,
        unit="positions",
    )
    if len(asked) == 1:
        return (found for found, _ in one.steps(model, asked[0], weights[0], settings, made))
    by = "mean over all replacements" if draws is None else f"mean of {draws} draws"
    made = dataclasses.replace(
        made,
        method=f"tokens replaced one position at a time; {by}; Student's t over prompts",
        n_total=len(asked),
        unit="prompts",
    )
    return several.steps(model, asked, weights, settings, made)


def _asked(
    model: TransformerBridge, tokens: Any, position: Any, target: Any, generate: int, pair: bool
) -> list[Readout]:
    """What is read in which prompt, each once."""
    if not are_several(tokens):
        return [readout(model, tokens, position, target, generate, pair=pair)]
    prompts = Prompts(model, tokens)
    return once_each(readouts(model, prompts, position, target, generate, pair=pair))


def _draws(draws: int | None, metric: str, weights: Sequence[Tensor]) -> int | None:
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
    most = max(int((each > 0).sum()) for each in weights)
    return None if most <= MOST_ENUMERATED else _DRAWS


def _refuse_what_cannot_be_drawn(asked: Sequence[Readout], weights: Sequence[Tensor]) -> None:
    """It is said here, where the user made the call."""
    for at, (one_of, weight) in enumerate(zip(asked, weights, strict=True)):
        try:
            draw_replacements(one_of.read, weight, 1, torch.Generator(), one_of.first)
        except ValueError as error:
            where = f"prompt {at}: " if len(asked) > 1 else ""
            raise ValueError(f"{where}{error}") from None


def _drawn_from(settings: Settings, given: bool, n_prompts: int) -> str:
    if given:
        return "the weights given"
    if settings.metric == "norm":
        return "uniform over the vocabulary"
    return "tokens of the text" if n_prompts == 1 else "tokens of each text"


def _of_several(settings: Settings, asked: Sequence[Readout]) -> SettingsOfSeveral:
    given = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    return SettingsOfSeveral(
        **given
        | {
            "position": tuple(at.position for at in asked),
            "target": tuple(
                None if at.given is None else Target(at.given, at.against) for at in asked
            ),
            "prompts": tuple(tuple(at.ids.tolist()) for at in asked),
        }
    )
