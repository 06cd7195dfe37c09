"""Which heads look for what came before: induction heads, and the heads they are made with."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments, capture
from circuit_widgets.analysis.induction.ablation import RANDOM, add_ablation
from circuit_widgets.analysis.induction.copying import add_copying
from circuit_widgets.analysis.induction.in_context import add_text_losses, check_texts
from circuit_widgets.analysis.induction.pairs import add_pairs, n_paths
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.analysis.induction.scores import ABLATED
from circuit_widgets.attention.diagonals import SCORES, Diagonals
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.metrics import losses, second_copy_logp
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.models.pruned import layers_with, missing_heads
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.repeats import SHORTEST, Probe, batches
from circuit_widgets.prompts.tokens import show_tokens
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.statistics.intervals import SHARE, score_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `identify_induction_heads`, checked, as provenance keeps them.

    texts: how many there are.
    """

    n_sequences: int
    length: int
    batch: int
    seed: int
    confidence: float
    prepend_bos: bool | None
    loss: bool
    copying: bool
    ablation: int
    pairs: bool
    texts: int
    least_share: float = 0.1


@analysis("induction", uneven=True)
def identify_induction_heads(
    model: TransformerBridge,
    *,
    n_sequences: int = 16,
    length: int = 24,
    batch: int = 4,
    seed: int = 0,
    confidence: float = 0.95,
    prepend_bos: bool | None = None,
    loss: bool = True,
    copying: bool = True,
    ablation: int = 6,
    pairs: bool = True,
    least_share: float = 0.1,
    texts: str | Sequence[Any] | None = None,
    progress: bool = True,
) -> Iterator[InductionHeads | Progress]:
    """Score every head as an induction, previous token and duplicate token head.

    Random tokens that repeat, and as a control random tokens that do not, are run in one batch.
    Prefix matching is Olsson et al. 2022's: the attention from a token of the second copy to the
    one that followed its first copy.

    Args:
        model: A TransformerBridge with causal attention.
        n_sequences: Pairs of a repeating and a control sequence. Ablations and paths, which take
            many passes, are measured on the first 8.
        length: Tokens before the repeat: a sequence has 2 * length, and one more with a BOS token.
        batch: Pairs a forward pass; the first pass has one.
        seed: Of the sequences. The same on every device and for every `batch`.
        confidence: Of the intervals over sequences (Student's t).
        prepend_bos: Begin with the tokenizer's BOS token. None: if it has one, and unless the model
            is set not to.
        loss: Also the loss on the first and the second copy. False stops each pass before the
            unembedding.
        copying: Also how much each head copies, by its weights and on the tokens.
        ablation: How many heads, the highest by prefix matching, are ablated one by one and, those
            that are significant, together, with random heads as control. 0, or one sequence: none.
        pairs: Also which previous-token head each induction head is made with; needs two sequences.
        least_share: A pair is confirmed only if its path carries more than this share of the
            induction head's prefix matching.
        texts: Also the in-context-learning score on these, of more than 500 tokens each.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, or an unknown keyword.
        ValueError: A number out of range; a sequence longer than the context; a vocabulary with
            fewer than 2 * length usable tokens.

    >>> import circuit_widgets as cw
    >>> heads = cw.identify_induction_heads(cw.load_model(), n_sequences=4, progress=False)
    >>> str(heads.heads()[0]), str(heads.heads("previous_token")[0])
    ('1.2', '0.1')
    """
    settings = Settings(
        n_sequences=arguments.whole("n_sequences", n_sequences, 1),
        length=arguments.whole("length", length, SHORTEST),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
        prepend_bos=None if prepend_bos is None else arguments.flag("prepend_bos", prepend_bos),
        loss=arguments.flag("loss", loss),
        copying=arguments.flag("copying", copying),
        ablation=arguments.whole("ablation", ablation),
        pairs=arguments.flag("pairs", pairs),
        texts=0,
        least_share=arguments.share("least_share", least_share, ends=True),
    )
    probe = Probe(model, settings.length, settings.seed, settings.prepend_bos)
    long_texts = None if texts is None else check_texts(model, texts)
    settings = dataclasses.replace(settings, texts=0 if long_texts is None else len(long_texts))
    # A mean over other sequences takes two.
    several = settings.n_sequences > 1
    stages = {
        "copying": settings.copying,
        "ablation": settings.ablation > 0 and several,
        "pairs": settings.pairs and several,
        "in-context learning": long_texts is not None,
    }
    bos = "a BOS token, then " if probe.layout.before else ""
    drawn = f"{settings.length} distinct random tokens twice"
    provenance = begun(
        model,
        "identify_induction_heads",
        settings,
        method="means over diagonals of the attention pattern; Student's t over sequences, of "
        "shares on the logit scale",
        probe=f"{bos}{drawn}; control: {2 * settings.length} distinct ones",
        n_total=settings.n_sequences,
        unit="sequences",
        pending=tuple(name for name, wanted in stages.items() if wanted),
    )
    return _steps(model, probe, settings, long_texts, provenance)


def _steps(
    model: TransformerBridge,
    probe: Probe,
    settings: Settings,
    texts: Prompts | None,
    provenance: Provenance,
) -> Iterator[InductionHeads | Progress]:
    """The scores of attention, then the stages that are pending, each with the result so far."""
    sizes = list(batches(settings.n_sequences, settings.batch))
    work = _work(len(sizes), settings, provenance)
    sequences: list[Tensor] = []
    result: InductionHeads | None = None
    for result in _scored(model, probe, sizes, settings, provenance, sequences):
        yield work.did("attention")
        yield result
    assert result is not None
    if "pairs" in provenance.pending:
        work.plan("pairs", n_paths(result))

    @functools.cache
    def runs() -> Ablation:
        some = torch.cat(sequences)[:ABLATED].split(2 * settings.batch)
        return Ablation(model, some, second_copy_logp(probe.layout))

    def stage(name: str, now: InductionHeads) -> Iterator[InductionHeads | None]:
        how: dict[str, Any] = {"confidence": settings.confidence, "seed": settings.seed}
        if name == "copying":
            return add_copying(now, model, sequences, probe.layout, **how)
        if name == "ablation":
            return add_ablation(now, runs(), settings.ablation, missing_heads(model), **how)
        if name == "pairs":
            how["least_share"] = settings.least_share
            return add_pairs(now, model, runs, probe.layout, **how)
        assert texts is not None
        return add_text_losses(now, model, texts, **how)

    for name in provenance.pending:
        for more in stage(name, result):
            yield work.did(name)
            if more is not None:
                result = more
                yield result
        left = tuple(other for other in result.provenance.pending if other != name)
        done = dataclasses.replace(result.provenance, pending=left)
        result = dataclasses.replace(result, provenance=done)
        yield work.end(name)
        yield result


def _work(n_batches: int, settings: Settings, provenance: Provenance) -> Work:
    """About how many passes each stage takes, before anything is known of the model."""
    steps = {
        "copying": 1 + n_batches,
        "ablation": 2 * RANDOM + settings.ablation + 1,
        "pairs": 1,
        "in-context learning": settings.texts,
    }
    return Work({"attention": n_batches, **{name: steps[name] for name in provenance.pending}})


def _scored(
    model: TransformerBridge,
    probe: Probe,
    sizes: Sequence[int],
    settings: Settings,
    provenance: Provenance,
    sequences: list[Tensor],
) -> Iterator[InductionHeads]:
    """The scores of attention, pair after pair; `sequences` gets those that repeat."""
    scores: list[Float[Tensor, "score side sample layer head"]] = []
    lost: list[Float[Tensor, "half side sample"]] = []
    warned, missing = False, missing_heads(model)
    for n in sizes:
        tokens = probe.pairs(n)
        sequences.append(tokens[:n])
        reducer = Diagonals(probe.layout, tuple(SCORES), model.cfg.n_layers)
        logits = capture.run(model, tokens, [reducer], logits=settings.loss)
        # Repeating sequences come first, then their controls.
        scores.append(reducer.means().unflatten(1, (2, n)))
        if logits is not None:
            lost.append(torch.stack(losses(logits, tokens, probe.layout)).unflatten(1, (2, n)))
        # Not to be held until the next pass: by far the largest tensor here.
        del logits
        warned = warned or _warn_of_missing(scores[-1], missing)
        provenance = dataclasses.replace(provenance, n_done=provenance.n_done + n)
        halves = torch.cat(lost, 2) if lost else None
        result = _result(provenance, probe, settings.confidence, torch.cat(scores, 2), halves)
        example = tuple(sequences[0][0].tolist())
        shown = show_tokens(model, example)
        yield dataclasses.replace(result, example=example, example_tokens=shown)


def _result(
    provenance: Provenance,
    probe: Probe,
    confidence: float,
    scores: Float[Tensor, "score side sample layer head"],
    lost: Float[Tensor, "half side sample"] | None,
) -> InductionHeads:
    fields: dict[str, Any] = {}
    for name, (repeat, control) in zip(SCORES, scores, strict=True):
        chance = probe.layout.chance(name)
        fields[name] = score_of(repeat, control, confidence, chance, bounds=SHARE)
    if lost is not None:
        # In the first half the two sequences of a pair are the same.
        fields["loss_first"] = score_of(lost[0, 0], None, confidence)
        fields["loss_second"] = score_of(lost[1, 0], lost[1, 1], confidence)
        learned = lost[1] - lost[0]
        fields["in_context"] = score_of(learned[0], learned[1], confidence)
    return InductionHeads(provenance=provenance, **fields)


def _warn_of_missing(
    scores: Float[Tensor, "score side sample layer head"], missing: Sequence[Head]
) -> bool:
    """Say which layers gave values that are not numbers; they stay missing."""
    layers = layers_with(scores.isnan().flatten(0, 2).any(0), missing)
    if layers:
        named = ", ".join(map(str, layers))
        warnings.warn(
            f"attention has values that are not numbers in layer {named} (first in {layers[0]}): "
            "the scores they make are missing (NaN)",
            RuntimeWarning,
            stacklevel=2,
        )
    return bool(layers)
