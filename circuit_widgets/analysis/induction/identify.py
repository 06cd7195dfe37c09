"""Which heads look for what came before: induction heads, and the heads they are made with."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.induction.further import Further
from circuit_widgets.analysis.induction.in_context import check_texts
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.attention.diagonals import SCORES, Diagonals
from circuit_widgets.causal.metrics import losses
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.repeats import Probe, batches
from circuit_widgets.prompts.tokens import show_token
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.statistics.intervals import score_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@analysis("induction")
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
    texts: str | Sequence[Any] | None = None,
    progress: bool = True,
) -> Iterator[InductionHeads]:
    """Score every head as an induction, previous token and duplicate token head.

    Random tokens that repeat go through the model beside random tokens that do not, in one batch
    (`_repeats.py` defines sequences and indices). Prefix matching after Olsson et al. 2022.

    Args:
        model: A TransformerBridge with causal attention.
        n_sequences: Pairs of a repeating and a control sequence.
        length: Tokens before the repeat: a sequence has 2 * length, and one more with a BOS token.
        batch: Pairs a forward pass; the first pass has one.
        seed: Of the sequences. The same on every device and for every `batch`.
        confidence: Of the intervals over sequences (Student's t).
        prepend_bos: Begin with the tokenizer's BOS token. None: if it has one, and unless the model
            is set not to.
        loss: Also the loss on the first and the second copy. False stops each pass before the
            unembedding.
        copying: Also how far each head copies, by its weights and on the tokens.
        ablation: How many heads, the highest by prefix matching, are ablated one by one and, those
            that are beyond doubt, together; beside random heads. 0, or one sequence: none.
        pairs: Also which previous-token head each induction head is made with; needs two sequences.
        texts: Also the in-context-learning score on these, of more than 500 tokens each.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, or an unknown keyword.
        ValueError: A number out of range; a sequence longer than the context; a vocabulary with
            fewer than 2 * length usable tokens.
    """
    numbers = {"n_sequences": (n_sequences, 1), "batch": (batch, 1), "ablation": (ablation, 0)}
    for name, (value, least) in numbers.items():
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} is {value!r}; accepted is a whole number from {least}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; accepted is between 0 and 1, like 0.95")
    probe = Probe(model, length, seed, prepend_bos)
    read = None if texts is None else check_texts(model, texts)
    bos = "a BOS token, then " if probe.layout.before else ""
    made = begun(
        model,
        "identify_induction_heads",
        method="means over diagonals of the attention pattern; Student's t over sequences",
        probe=f"{bos}{length} distinct random tokens twice; control: {2 * length} distinct ones",
        seed=seed,
        parameters={
            "n_sequences": n_sequences,
            "length": length,
            "batch": batch,
            "confidence": confidence,
            "prepend_bos": prepend_bos,
            "loss": loss,
            "copying": copying,
            "ablation": ablation,
            "pairs": pairs,
            "texts": 0 if read is None else len(read),
        },
        n_total=n_sequences,
        unit="sequences",
        pending=tuple(
            name
            for name, wanted in (
                ("copying", copying),
                # A mean over other sequences takes two.
                ("ablation", ablation and n_sequences > 1),
                ("pairs", pairs and n_sequences > 1),
                ("in-context learning", read is not None),
            )
            if wanted
        ),
    )
    return _results(model, probe, made, read)


def _results(
    model: TransformerBridge, probe: Probe, made: Provenance, texts: Prompts | None
) -> Iterator[InductionHeads]:
    started = time.perf_counter()
    result: InductionHeads | None = None
    sequences: list[Tensor] = []
    for result in _scored(model, probe, made, sequences):
        yield _stamped(result, started)
    assert result is not None
    further = Further(model, probe, sequences, made, texts)
    for name in made.pending:
        for more in further.steps[name](result):
            result = more
            yield _stamped(result, started)
        left = tuple(other for other in result.provenance.pending if other != name)
        done = dataclasses.replace(result.provenance, pending=left)
        result = dataclasses.replace(result, provenance=done)
        yield _stamped(result, started)


def _stamped(result: InductionHeads, started: float) -> InductionHeads:
    made = dataclasses.replace(result.provenance, seconds=time.perf_counter() - started)
    return dataclasses.replace(result, provenance=made)


def _scored(
    model: TransformerBridge, probe: Probe, made: Provenance, sequences: list[Tensor]
) -> Iterator[InductionHeads]:
    """The scores of attention, pair after pair; `sequences` gets those that repeat."""
    scores: list[Float[Tensor, "score side sample layer head"]] = []
    lost: list[Float[Tensor, "half side sample"]] = []
    loss, warned = made.parameters["loss"], False
    for n in batches(made.n_total, made.parameters["batch"]):
        tokens = probe.pairs(n)
        sequences.append(tokens[:n])
        reducer = Diagonals(probe.layout, tuple(SCORES), model.cfg.n_layers)
        logits = capture.run(model, tokens, [reducer], logits=loss)
        # Repeating sequences come first, then their controls.
        scores.append(reducer.means().unflatten(1, (2, n)))
        if logits is not None:
            lost.append(torch.stack(losses(logits, tokens, probe.layout)).unflatten(1, (2, n)))
        # Not to be held until the next pass: by far the largest tensor here.
        del logits
        warned = warned or _warn_of_missing(scores[-1])
        made = dataclasses.replace(made, n_done=made.n_done + n)
        result = _result(made, probe, torch.cat(scores, 2), torch.cat(lost, 2) if lost else None)
        example = tuple(sequences[0][0].tolist())
        shown = tuple(show_token(model, id) for id in example)
        yield dataclasses.replace(result, example=example, example_tokens=shown)


def _result(
    made: Provenance,
    probe: Probe,
    scores: Float[Tensor, "score side sample layer head"],
    lost: Float[Tensor, "half side sample"] | None,
) -> InductionHeads:
    confidence = made.parameters["confidence"]
    fields: dict[str, Any] = {}
    for name, (repeat, control) in zip(SCORES, scores, strict=True):
        fields[name] = score_of(repeat, control, confidence, probe.layout.chance(name))
    if lost is not None:
        # In the first half the two sequences of a pair are the same.
        fields["loss_first"] = score_of(lost[0, 0], None, confidence)
        fields["loss_second"] = score_of(lost[1, 0], lost[1, 1], confidence)
        learned = lost[1] - lost[0]
        fields["in_context"] = score_of(learned[0], learned[1], confidence)
    return InductionHeads(provenance=made, **fields)


def _warn_of_missing(scores: Float[Tensor, "score side sample layer head"]) -> bool:
    """Say which layers gave values that are not numbers; they stay missing."""
    layers = scores.isnan().flatten(0, 2).any(0).any(-1).nonzero().flatten().tolist()
    if layers:
        named = ", ".join(map(str, layers))
        warnings.warn(
            f"attention has values that are not numbers in layer {named} (first in {layers[0]}): "
            "the scores they make are missing (NaN)",
            RuntimeWarning,
            stacklevel=2,
        )
    return bool(layers)
