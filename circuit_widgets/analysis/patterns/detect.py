"""What attention looks like: several scores for every head, and the classes they make."""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import arguments, capture
from circuit_widgets.analysis.patterns.classes import (
    ATTENTION_PATTERNS,
    PatternClass,
    with_thresholds,
)
from circuit_widgets.analysis.patterns.results import PROBED, AttentionPatterns
from circuit_widgets.attention.diagonals import Diagonals
from circuit_widgets.attention.shapes import PatternScores, bins, chances
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.repeats import SHORTEST, Probe, batches
from circuit_widgets.prompts.tokens import Tokens, tokenize
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.statistics.intervals import mean_interval

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_Plane = tuple[Tensor, Tensor, Tensor]


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


@analysis("patterns")
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
    """Score every head's attention by several shapes, and name the classes that hold beyond doubt.

    Shapes are scored on the prompts, one pass each, with an interval over prompts; prompts of one
    length go together and nothing is padded. What repeats (`prefix_matching`, `duplicate_token`) is
    scored on random tokens that repeat, beside a control that does not.

    Args:
        model: A TransformerBridge with causal attention.
        prompts: A text, several, ids, or several lists of ids, of two tokens or more. None: the
            random tokens that repeat.
        thresholds: By class, instead of its own: {"diagonal": 0.8}.
        n_sequences: Random sequences that repeat.
        length: Tokens before they repeat.
        batch: Prompts a pass.
        thumbnail: Side of the small picture of each head, on the first prompt; 0 for none.
        seed: Of the random sequences.
        confidence: Of the intervals.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not prompts, or an unknown keyword.
        ValueError: A prompt that cannot be read, or of one token; an unknown class; a threshold or
            a number out of range.
    """
    settings = Settings(
        thresholds=dict(thresholds or {}),
        n_sequences=arguments.whole("n_sequences", n_sequences, 1),
        length=arguments.whole("length", length, SHORTEST),
        batch=arguments.whole("batch", batch, 1),
        thumbnail=arguments.whole("thumbnail", thumbnail),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
    )
    kinds = with_thresholds(thresholds)
    probe = _probe(model, settings, needed=prompts is None)
    if prompts is None:
        # Drawn a second time, for what repeats: one seed, one set of sequences.
        drawn = Probe(model, settings.length, settings.seed, None)
        prompts = [drawn.pairs(1)[0].tolist() for _ in range(settings.n_sequences)]
    read = Prompts(model, prompts)
    made = begun(
        model,
        "detect_attention_patterns",
        settings,
        method="scores of the attention pattern; Student's t over prompts",
        probe=_named(read.tokens),
        n_total=len(read) + (settings.n_sequences if probe is not None else 0),
        unit="prompts",
    )
    return _results(model, read, probe, kinds, settings, made)


def _results(
    model: TransformerBridge,
    read: Prompts,
    probe: Probe | None,
    kinds: list[PatternClass],
    settings: Settings,
    made: Provenance,
) -> Iterator[AttentionPatterns]:
    registered = [kind for kind in kinds if kind.compute is not None]
    shape = (model.cfg.n_layers, model.cfg.n_heads)
    found = _Found(shape, kinds, registered, settings.confidence, read.tokens[0])
    done = 0
    for chosen, tokens in read.batches(settings.batch):
        side = settings.thumbnail if 0 in chosen else 0
        reducer = PatternScores(tokens, *shape, registered, side)
        capture.run(model, tokens, [reducer], logits=False)
        found.add(chosen, tokens, reducer)
        done += len(chosen)
        yield found.result(dataclasses.replace(made, n_done=done))
    if probe is None:
        return
    for n in batches(settings.n_sequences, settings.batch):
        tokens = probe.pairs(n)
        diagonals = Diagonals(probe.layout, tuple(PROBED), shape[0])
        capture.run(model, tokens, [diagonals], logits=False)
        found.add_repeats(diagonals.means().unflatten(1, (2, n)), probe)
        done += n
        yield found.result(dataclasses.replace(made, n_done=done))


class _Found:
    """What has been seen so far."""

    def __init__(
        self,
        shape: tuple[int, int],
        kinds: list[PatternClass],
        registered: list[PatternClass],
        confidence: float,
        first: Tokens,
    ) -> None:
        self._shape, self._kinds, self._registered = shape, kinds, registered
        self._confidence, self._first = confidence, first
        self._names: list[str] = []
        self._values: list[Float[Tensor, "score prompt layer head"]] = []
        self._by_position: list[Float[Tensor, "prompt layer head bin"]] = []
        self._chances: list[tuple[int, list[float]]] = []
        self._repeats: list[Float[Tensor, "score side prompt layer head"]] = []
        self._repeat_chance: list[float] = [math.nan] * len(PROBED)
        self._pictures = torch.zeros(*shape, 0, 0)

    def add(self, chosen: list[int], tokens: Tensor, reducer: PatternScores) -> None:
        self._names = reducer.names
        self._values.append(reducer.values)
        self._by_position.append(reducer.by_position)
        self._chances.append((len(chosen), chances(tokens, self._registered)))
        if 0 in chosen:
            # The first of its batch: prompts keep their order within a length.
            self._pictures = reducer.pictures
        layers = reducer.values.isnan().all(0).any(0).any(-1).nonzero().flatten().tolist()
        if layers:
            warnings.warn(
                f"attention has values that are not numbers in layer {', '.join(map(str, layers))}"
                ": the scores they make are missing (NaN)",
                RuntimeWarning,
                stacklevel=2,
            )

    def add_repeats(self, means: Float[Tensor, "score side n layer head"], probe: Probe) -> None:
        self._repeats.append(means)
        self._repeat_chance = [probe.layout.chance(name) for name in PROBED]

    def result(self, made: Provenance) -> AttentionPatterns:
        total = sum(n for n, _ in self._chances)
        chance = [
            sum(n * of[i] for n, of in self._chances) / total for i in range(len(self._names))
        ]
        missing = torch.full(self._shape, math.nan)
        values = torch.cat(self._values, 1)
        planes: list[_Plane] = [mean_interval(of, self._confidence) for of in values]
        controls: list[_Plane] = [(missing, missing, missing) for _ in planes]
        for i, _ in enumerate(PROBED):
            if not self._repeats:
                planes.append((missing, missing, missing))
                controls.append((missing, missing, missing))
                continue
            repeat, control = torch.cat(self._repeats, 2)[i]
            planes.append(mean_interval(repeat, self._confidence))
            controls.append(mean_interval(control, self._confidence))
        value, low, high = (torch.stack([plane[k] for plane in planes]) for k in range(3))
        control, control_low, control_high = (
            torch.stack([plane[k] for plane in controls]) for k in range(3)
        )
        scale = self._pictures.flatten(2).amax(2) if self._pictures.numel() else missing
        pictures = self._pictures / scale.clamp(min=1e-12)[..., None, None]
        return AttentionPatterns(
            provenance=made,
            names=(*self._names, *PROBED),
            values=value,
            low=low,
            high=high,
            control=control,
            control_low=control_low,
            control_high=control_high,
            chance=torch.tensor([*chance, *self._repeat_chance]),
            entropy_by_position=torch.cat(self._by_position).nanmean(0),
            bins=bins(),
            thumbnails=(pictures * 255).round().nan_to_num(0).to(torch.uint8),
            thumbnail_scale=scale,
            thumbnail_tokens=self._first.strings,
            thumbnail_ids=tuple(self._first.ids[0].tolist()),
            classes=tuple(kind.plain() for kind in self._kinds),
        )


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


def _named(tokens: Sequence[Tokens]) -> str:
    first = tokens[0].text
    more = f" and {len(tokens) - 1} more" if len(tokens) > 1 else ""
    return first + more


def detect_attention_pattern(
    model: TransformerBridge, layer: int, head: int, tokens: str | Sequence[int] | Tensor
) -> dict[str, Any]:
    """One head on one prompt, as the user's source has it (section 5.2): thresholds and no nulls.

    `detect_attention_patterns` does better: more scores, intervals, and a null for each.

    Returns:
        {"pattern": "diagonal", "uniform", "hierarchical" or "other", in this order;
        "scores": the three}.

    Raises:
        TypeError, ValueError: No such head; a prompt that cannot be read, or of one token.
    """
    at = Head.parse((layer, head), model.cfg.n_layers, model.cfg.n_heads)
    read = Prompts(model, [tokenize(model, tokens).ids[0].tolist()]).tokens[0]
    kept = capture.Keep("pattern", {at.layer})
    capture.run(model, read.ids, [kept], logits=False)
    reducer = PatternScores(read.ids, model.cfg.n_layers, model.cfg.n_heads)
    reducer.see(at.layer, kept.tensors[at.layer])
    names = ("diagonal", "uniform", "hierarchical")
    scores = {
        name: float(reducer.values[reducer.names.index(name), 0, at.layer, at.index])
        for name in names
    }
    holding = [name for name in names if scores[name] > ATTENTION_PATTERNS[name].threshold]
    return {"pattern": holding[0] if holding else "other", "scores": scores}
