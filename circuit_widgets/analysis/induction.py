"""Which heads look for what came before: induction heads, and the heads they are made with."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture, models
from circuit_widgets.analysis._analysis import analysis
from circuit_widgets.analysis._interval import score_of
from circuit_widgets.analysis._job import check_stop
from circuit_widgets.analysis._repeats import Diagonals, Probe, batches, losses
from circuit_widgets.heads import Head
from circuit_widgets.result import About, Provenance, Result, Score, versions

if TYPE_CHECKING:
    import pandas as pd
    from transformer_lens.model_bridge import TransformerBridge

_OLSSON = "Olsson et al. 2022, In-context Learning and Induction Heads"
# In the order in which they are shown.
SCORES: dict[str, About] = {
    about.name: about
    for about in (
        About(
            "prefix_matching",
            "Prefix matching",
            "Random tokens, twice: mean attention from each token of the second copy to the token "
            "after its first copy. An induction head scores near 1.",
            _OLSSON,
        ),
        About(
            "previous_token",
            "Previous token",
            "Mean attention from each token to the one before it. Induction is built on such a "
            "head in an earlier layer.",
            "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
            null="chance",
        ),
        About(
            "duplicate_token",
            "Duplicate token",
            "Random tokens, twice: mean attention from each token of the second copy to the same "
            "token in the first.",
            "Wang et al. 2022, Interpretability in the Wild",
        ),
    )
}
# A habit of the field (0.3 to 0.5), not a law: a claim rests on the control and the interval.
ABOVE = 0.4


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class InductionHeads(Result, topic="induction"):
    """Attention scores of every head on random tokens that repeat.

    Each score's `value` is on the repeating sequences, `control` at the same queries of sequences
    that do not repeat, `chance` what uniform attention would score. Shapes [layer, head].
    Losses: what the model makes of the repeat, in nats, shape []; None if not asked for.
    `loss_second.control` is the loss of the control's second half.
    """

    prefix_matching: Score
    previous_token: Score
    duplicate_token: Score
    loss_first: Score | None = None
    loss_second: Score | None = None

    def __post_init__(self) -> None:
        for name in SCORES:
            score = getattr(self, name)
            if not isinstance(score, Score):
                raise ValueError(f"{name} has to be a score, it is {type(score).__name__}")
            missing = {f.name for f in dataclasses.fields(Score)} - set(score.tensors())
            if missing or score.value.ndim != 2 or score.value.shape != self.shape:
                raise ValueError(
                    f"{name} has shape {list(score.value.shape)} and lacks {sorted(missing)}; "
                    "accepted is [layer, head], the same for all, with nothing missing"
                )

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads."""
        n_layers, n_heads = self.prefix_matching.value.shape
        return n_layers, n_heads

    def score(self, name: str) -> Score:
        """One of the scores by name."""
        if name not in SCORES:
            raise ValueError(f"there is no score {name!r}; scores are {', '.join(SCORES)}")
        return getattr(self, name)

    def heads(self, score: str = "prefix_matching", above: float = ABOVE) -> list[Head]:
        """Heads whose score is beyond doubt, the highest first.

        A head is in the list if the low end of its interval is above `above` and above its null:
        the high end of its control's interval, or for `previous_token`, which is there without
        repeats too, chance. Where there is no interval (one sequence), the means themselves are
        compared. A head whose score is missing is not in the list.
        """
        of = self.score(score)
        assert of.low is not None and of.control is not None and of.control_high is not None
        low = torch.where(of.low.isnan(), of.value, of.low)
        bar = torch.where(of.control_high.isnan(), of.control, of.control_high)
        if SCORES[score].null == "chance":
            assert of.chance is not None
            bar = of.chance
        found = ((low > above) & (low > bar)).nonzero().tolist()
        return [
            Head(layer, head)
            for layer, head in sorted(found, key=lambda at: (-float(of.value[tuple(at)]), at))
        ]

    def to_frame(self) -> pd.DataFrame:
        """One row per score, layer and head; `df.attrs` has the provenance."""
        import pandas as pd

        n_layers, n_heads = self.shape
        at = [Head(layer, head) for layer in range(n_layers) for head in range(n_heads)]
        where = {
            "layer": [head.layer for head in at],
            "head": [head.index for head in at],
            "name": [str(head) for head in at],
        }
        made = self.provenance
        parts = [
            pd.DataFrame({"score": name, **where, **self.score(name).columns()}) for name in SCORES
        ]
        frame = pd.concat(parts, ignore_index=True).assign(n=made.n_done, complete=made.complete)
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def _lines(self) -> list[str]:
        lines = []
        for name, about in SCORES.items():
            score = self.score(name)
            line = f"{about.label.lower() + ':':17}{_best(score)}"
            found = self.heads(name)
            if found:
                shown = ", ".join(map(str, found[:8])) + (", ..." if len(found) > 8 else "")
                line += f"; above {ABOVE} and {about.null}: {shown}"
            lines.append(line)
        if self.loss_first is not None and self.loss_second is not None:
            loss = {"first": self.loss_first.value, **self.loss_second.tensors()}
            lines.append(
                "loss:            first copy {first:.2f}, second {value:.2f} nats "
                "(control {control:.2f})".format_map(loss)
            )
        return lines


def _best(score: Score) -> str:
    """The highest head, its interval and its nulls, in words."""
    missing = int(score.value.isnan().sum())
    note = f" ({missing} of {score.value.numel()} heads missing)" if missing else ""
    if missing == score.value.numel():
        return f"not computable{note}"
    at = int(score.value.nan_to_num(-torch.inf).argmax())
    head = Head(*divmod(at, score.value.shape[1]))
    value, low, high, control = (
        float(tensor.flatten()[at])
        for tensor in (score.value, score.low, score.high, score.control)
        if tensor is not None
    )
    span = "" if low != low else f" ({low:.2f} to {high:.2f})"
    assert score.chance is not None
    return (
        f"highest {head} {value:.2f}{span}, control {control:.2f}, "
        f"by chance {float(score.chance):.2f}{note}"
    )


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
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, or an unknown keyword.
        ValueError: A number out of range; a sequence longer than the context; a vocabulary with
            fewer than 2 * length usable tokens.
    """
    for name, value in {"n_sequences": n_sequences, "batch": batch}.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}; accepted is a whole number from 1")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; accepted is between 0 and 1, like 0.95")
    probe = Probe(model, length, seed, prepend_bos)
    bos = "a BOS token, then " if probe.layout.before else ""
    made = Provenance(
        analysis="identify_induction_heads",
        model=models.name_of(model),
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
        },
        n_done=0,
        n_total=n_sequences,
        unit="sequences",
        device=str(model.cfg.device),
        dtype=str(model.cfg.dtype).removeprefix("torch."),
        versions=versions(),
        seconds=0.0,
    )
    return _results(model, probe, made, loss)


def _results(
    model: TransformerBridge, probe: Probe, made: Provenance, loss: bool
) -> Iterator[InductionHeads]:
    started = time.perf_counter()
    scores: list[Float[Tensor, "score side sample layer head"]] = []
    lost: list[Float[Tensor, "half side sample"]] = []
    warned = False
    for n in batches(made.n_total, made.parameters["batch"]):
        tokens = probe.pairs(n)
        reducer = Diagonals(probe.layout, tuple(SCORES), model.cfg.n_layers)
        logits = capture.run(model, tokens, [reducer], logits=loss, on_layer=check_stop)
        # Repeating sequences come first, then their controls.
        scores.append(reducer.means().unflatten(1, (2, n)))
        if logits is not None:
            lost.append(torch.stack(losses(logits, tokens, probe.layout)).unflatten(1, (2, n)))
        # Not to be held until the next pass: by far the largest tensor here.
        del logits
        warned = warned or _warn_of_missing(scores[-1])
        made = dataclasses.replace(
            made, n_done=made.n_done + n, seconds=time.perf_counter() - started
        )
        yield _result(made, probe, torch.cat(scores, 2), torch.cat(lost, 2) if lost else None)


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
