"""What attention looks like: several scores for every head, and the classes they make."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from circuit_widgets import arguments, capture
from circuit_widgets.analysis.patterns.classes import (
    ATTENTION_PATTERNS,
    PatternClass,
    thresholds_by_name,
    with_thresholds,
)
from circuit_widgets.analysis.patterns.nulls import highest_on_prompts
from circuit_widgets.analysis.patterns.results import OTHER, PROBED, AttentionPatterns
from circuit_widgets.analysis.patterns.samples import Samples
from circuit_widgets.attention.diagonals import Diagonals
from circuit_widgets.attention.preferences import preferences
from circuit_widgets.attention.shapes import PatternScores, Pictures
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.models.pruned import check_there, missing_heads
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.repeats import SHORTEST, Probe, batches
from circuit_widgets.prompts.tokens import Tokens, tokenize
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


# Of the null of a quick look.
_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `detect_attention_patterns`, checked, as provenance keeps them."""

    thresholds: Mapping[str, float]
    n_sequences: int
    length: int
    batch: int
    thumbnail: int
    seed: int
    confidence: float


@analysis("patterns", uneven=True)
def detect_attention_patterns(
    model: TransformerBridge,
    prompts: Any = None,
    *,
    thresholds: Mapping[str, float] | None = None,
    n_sequences: int = 8,
    length: int = 24,
    batch: int = 8,
    thumbnail: int = 16,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[AttentionPatterns]:
    """Score every head's attention by several measures, and name the classes that hold.

    A class holds for a head if the interval of its score is above the threshold and above what the
    highest of as many random heads would score, so that an untrained model has no class: where an
    architecture's heads prefer near tokens by themselves (ALiBi), random heads do too. It takes two
    prompts or more: with one a head is "unsure".

    Shapes are scored on the prompts, one pass each, with an interval over prompts; prompts of one
    length go together and nothing is padded. What repeats (`prefix_matching`, `duplicate_token`) is
    scored on random tokens that repeat, with a control of tokens that do not.

    Args:
        model: A TransformerBridge with causal attention.
        prompts: A text, several, ids, or several lists of ids, of two tokens or more. None: the
            random tokens that repeat.
        thresholds: By class, instead of its own: {"diagonal": 0.8}. A class goes by its name
            ("hierarchical") or its label ("Multi-scale (hierarchical)").
        n_sequences: Random sequences that repeat.
        length: Tokens before they repeat.
        batch: Prompts a pass.
        thumbnail: Side of the small pictures of each head, on the first prompt and on the first of
            the random sequences; 0 for none.
        seed: Of the random sequences.
        confidence: Of the intervals.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not prompts, or an unknown keyword.
        ValueError: A prompt that cannot be read, or of one token; an unknown class; a threshold or
            a number out of range.

    >>> import circuit_widgets as cw
    >>> patterns = cw.detect_attention_patterns(cw.load_model(), ["blue dog seven", "two dog sky"])
    >>> patterns.labels()["0.1"]
    'diagonal'
    >>> patterns.to_frame().query("name == '0.1' and score == 'diagonal'")["value"].round(2).item()
    1.0
    """
    settings = Settings(
        thresholds=thresholds_by_name(thresholds, ATTENTION_PATTERNS.values()),
        n_sequences=arguments.whole("n_sequences", n_sequences, 1),
        length=arguments.whole("length", length, SHORTEST),
        batch=arguments.whole("batch", batch, 1),
        thumbnail=arguments.whole("thumbnail", thumbnail),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
    )
    kinds = with_thresholds(settings.thresholds)
    probe = _probe(model, settings, needed=prompts is None)
    if prompts is None:
        # Drawn a second time, for what repeats: one seed, one set of sequences.
        drawn = Probe(model, settings.length, settings.seed, None)
        prompts = [drawn.pairs(1)[0].tolist() for _ in range(settings.n_sequences)]
    listed = Prompts(model, prompts)
    n_probed = settings.n_sequences if probe is not None else 0
    made = begun(
        model,
        "detect_attention_patterns",
        settings,
        method="scores of the attention pattern; Student's t on the logit scale over prompts",
        probe=_named(listed.tokens),
        n_total=len(listed) + n_probed,
        unit=_unit(len(listed), n_probed),
    )
    return _results(model, listed, probe, kinds, settings, made)


def _results(
    model: TransformerBridge,
    prompts: Prompts,
    probe: Probe | None,
    kinds: list[PatternClass],
    settings: Settings,
    made: Provenance,
) -> Iterator[AttentionPatterns]:
    shape = (model.cfg.n_layers, model.cfg.n_heads)
    preferred = functools.partial(preferences, model)
    missing = missing_heads(model)
    samples = Samples(shape, kinds, settings.confidence, prompts.tokens[0], missing, preferred)
    done = 0
    for chosen, tokens in prompts.batches(settings.batch):
        scores = PatternScores(tokens, *shape, samples.registered)
        # The first of its batch: prompts keep their order within a length.
        pictures = _pictures(tokens, shape, settings.thumbnail if 0 in chosen else 0)
        capture.run(model, tokens, [scores, *pictures], logits=False)
        samples.add_prompts(chosen, tokens, scores)
        samples.add_pictures(pictures)
        done += len(chosen)
        yield samples.result(dataclasses.replace(made, n_done=done))
    if probe is None:
        return
    for n in batches(settings.n_sequences, settings.batch):
        tokens = probe.pairs(n)
        diagonals = Diagonals(probe.layout, tuple(PROBED), shape[0])
        pictures = _pictures(tokens, shape, 0 if samples.repeats else settings.thumbnail)
        capture.run(model, tokens, [diagonals, *pictures], logits=False)
        samples.add_repeats(diagonals.means().unflatten(1, (2, n)), probe.layout)
        samples.add_pictures(pictures, repeats=True)
        done += n
        yield samples.result(dataclasses.replace(made, n_done=done))


def _pictures(tokens: Tensor, shape: tuple[int, int], side: int) -> list[Pictures]:
    """The reducer for small pictures, where a batch has one to give."""
    return [Pictures(tokens.shape[1], *shape, side)] if side else []


def _probe(model: TransformerBridge, settings: Settings, *, needed: bool) -> Probe | None:
    """The random tokens, or None where there is no room for them and they are not needed."""
    try:
        return Probe(model, settings.length, settings.seed, None)
    except ValueError as error:
        if needed:
            raise
        warnings.warn(
            f"nothing is scored on random tokens that repeat: {error}", RuntimeWarning, stacklevel=4
        )
        return None


def _unit(n_prompts: int, n_probed: int) -> str:
    """What is counted: `sequences (9 prompts and 8 of random tokens)`."""
    if not n_probed:
        return "prompts"
    prompts = f"{n_prompts} prompt" if n_prompts == 1 else f"{n_prompts} prompts"
    return f"sequences ({prompts} and {n_probed} of random tokens)"


def _named(tokens: Sequence[Tokens]) -> str:
    first = tokens[0].text
    more = f" and {len(tokens) - 1} more" if len(tokens) > 1 else ""
    return first + more


def detect_attention_pattern(
    model: TransformerBridge, layer: int, head: int, tokens: str | Sequence[int] | Tensor
) -> dict[str, Any]:
    """One head on one prompt, by its values: without an interval, so it is no finding.

    A quick look. A pattern is named if its score is above the threshold and above what the highest
    of as many random heads as the model has would score. `detect_attention_patterns` says more:
    other scores, intervals, and a null for each.

    Args:
        model: A TransformerBridge with causal attention.
        layer: From 0.
        head: From 0.
        tokens: A text, or ids.

    Returns:
        {"pattern": "diagonal", "uniform", "hierarchical" or "other", in this order;
        "scores": the three; "nulls": what the highest of random heads would score}.

    Raises:
        TypeError, ValueError: No such head; a prompt that cannot be read, or of one token.

    >>> import circuit_widgets as cw
    >>> cw.detect_attention_pattern(cw.load_model(), 0, 1, "blue dog seven river")["pattern"]
    'diagonal'
    """
    at = Head.parse((layer, head), model.cfg.n_layers, model.cfg.n_heads)
    missing = missing_heads(model)
    check_there([at], missing)
    text = Prompts(model, [tokenize(model, tokens).ids[0].tolist()]).tokens[0]
    pattern = capture.Keep("pattern", {at.layer})
    capture.run(model, text.ids, [pattern], logits=False)
    reducer = PatternScores(text.ids, model.cfg.n_layers, model.cfg.n_heads)
    reducer.see(at.layer, pattern.tensors[at.layer])
    names = ("diagonal", "uniform", "hierarchical")
    scores = {
        name: float(reducer.values[reducer.names.index(name), 0, at.layer, at.index])
        for name in names
    }
    n_heads = model.cfg.n_layers * model.cfg.n_heads - len(missing)
    preferred = preferences(model, text.ids.shape[1])
    bounds = highest_on_prompts(text.ids, n_heads, _CONFIDENCE, {}, preferred)
    nulls = {name: bounds[name] for name in names}
    holding = [
        name
        for name in names
        if scores[name] > max(nulls[name], ATTENTION_PATTERNS[name].threshold)
    ]
    return {"pattern": holding[0] if holding else OTHER, "scores": scores, "nulls": nulls}
