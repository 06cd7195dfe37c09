"""Induction on one prompt: what `trace_induction` finds at each token that repeats."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from circuit_widgets import arguments, models
from circuit_widgets.analysis.induction.hops import Hops, earlier_positions, hops
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.analysis.induction.trace_results import (
    BY_POSITION,
    OVER_PROMPTS,
    InductionTrace,
)
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.batches import Prompts, are_several
from circuit_widgets.prompts.tokens import tokenize
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# The probe for heads that are not given: enough for an interval.
PROBED, LENGTH = 8, 24


# Prompts of one length that go through the model together.
_BATCH = 16


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `trace_induction`, checked, as provenance keeps them."""

    heads: tuple[str, ...] | None
    previous: tuple[str, ...] | None
    seed: int


@dataclasses.dataclass(frozen=True)
class SettingsOfSeveral(Settings):
    """The same of several prompts, with their ids."""

    prompts: tuple[tuple[int, ...], ...]
    confidence: float


@analysis("induction", uneven=True)
def trace_induction(
    model: TransformerBridge,
    prompt: str | Sequence[Any] | Tensor,
    *,
    heads: InductionHeads | Iterable[Head | str | tuple[int, int]] | None = None,
    previous: Iterable[Head | str | tuple[int, int]] | None = None,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[InductionTrace | Progress]:
    """Follow induction through a prompt: which heads make it at each repeated token, and how.

    At a repeated token it gives each induction head's attention to what followed the token before,
    and what the head adds to the logit of that. It takes one pass over the prompt (Elhage et al.
    2021, two-layer induction; direct logit attribution of the heads with the final norm's scale
    held as it was).

    Of several prompts, of any lengths, `InductionTrace.mean` has each head's mean over prompts at
    both hops, with an interval over prompts (Student's t), which holds for further prompts of the
    same kind: in a prompt the mean is over its repeated tokens, and each prompt counts as much as
    the others. A prompt that is given twice counts once. `InductionTrace.of` is one prompt alone.

    Args:
        model: A TransformerBridge with causal attention.
        prompt: A text or token ids in which a token repeats; or a list of texts or of ids,
            [prompt, pos] if it is a tensor.
        heads: The induction heads: a result of `identify_induction_heads`, whose significant heads
            are taken, or heads. None: the significant heads of a short probe.
        previous: The previous-token heads of the first hop. None: those of the result or probe.
        seed: Of the probe.
        confidence: Of the intervals over prompts.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not a prompt, or an unknown keyword.
        ValueError: No token of the prompt, or of one of the prompts, repeats; no induction heads
            are known; a head that the model does not have.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> trace = cw.trace_induction(model, "blue dog seven blue dog", progress=False)
    >>> [trace.tokens[q] for q in trace.repeats()]
    ['blue', 'dog']
    >>> texts = ["blue dog seven blue dog", "two red cat green two"]
    >>> traces = cw.trace_induction(model, texts, heads=["1.2"], previous=["0.1"], progress=False)
    >>> traces.n_prompts, bool(traces.mean("first_hop").value > 0.5)
    (2, True)
    """
    if are_several(prompt):
        listed = _different(Prompts(model, prompt))
    else:
        listed = Prompts.of([tokenize(model, prompt)])
    earlier = [_earlier(listed, at) for at in range(len(listed))]
    given = None if isinstance(heads, InductionHeads) else _parsed(model, heads)
    given_previous = _parsed(model, previous)
    probed = heads if isinstance(heads, InductionHeads) else None
    if probed is not None and probed.shape != (model.cfg.n_layers, model.cfg.n_heads):
        raise ValueError(
            f"heads are of a model with {probed.shape[0]} x {probed.shape[1]} heads, and this one "
            f"has {model.cfg.n_layers} x {model.cfg.n_heads}"
        )
    settings = Settings(
        heads=None if given is None else tuple(map(str, given)),
        previous=None if given_previous is None else tuple(map(str, given_previous)),
        seed=arguments.seed(seed),
    )
    confidence = arguments.share("confidence", confidence)
    method, unit = "attention at both hops; direct logit attribution", "prompt"
    if len(listed) > 1:
        method, unit = method + OVER_PROMPTS, "prompts"
        asked = dataclasses.asdict(settings)
        settings = SettingsOfSeveral(**asked, prompts=listed.ids, confidence=confidence)
    provenance = begun(
        model,
        "trace_induction",
        settings,
        method=method,
        probe=listed.described(),
        n_total=len(listed),
        unit=unit,
    )
    return _steps(model, listed, earlier, provenance, probed, given, given_previous)


def _different(prompts: Prompts) -> Prompts:
    different = prompts.different()
    n, left = len(prompts), len(different)
    if left < n:
        alone = ": one prompt is left, which has no interval over prompts" if left == 1 else ""
        warnings.warn(
            f"{n - left} of {n} prompts are copies of others; each counts once, because a copy "
            f"says nothing new{alone}",
            UserWarning,
            stacklevel=4,
        )
    return different


def _earlier(prompts: Prompts, at: int) -> list[int]:
    """Where the token of each position of a prompt was before."""
    tokens = prompts.tokens[at]
    ids: list[int] = tokens.ids[0].tolist()
    earlier = earlier_positions(ids, int(tokens.has_bos))
    if max(earlier) < 0:
        which = "this prompt" if len(prompts) == 1 else f"prompt {at}"
        raise ValueError(
            f"no token of {which} ({len(ids)} tokens) repeats an earlier one that is not right "
            "before it, so induction has nothing to continue"
        )
    return earlier


def _steps(
    model: TransformerBridge,
    listed: Prompts,
    earlier: list[list[int]],
    provenance: Provenance,
    probed: InductionHeads | None,
    heads: list[Head] | None,
    previous: list[Head] | None,
) -> Iterator[InductionTrace | Progress]:
    """The trace, prompt by prompt; before it the steps of a probe for heads not given."""
    batches = [*listed.batches(_BATCH)]
    before = 0
    if probed is None and (heads is None or previous is None):
        for step in _probe(model, provenance.seed or 0):
            if isinstance(step, InductionHeads):
                probed = step
            else:
                before = step.total
                yield Progress(step.done, before + len(batches), "probe for induction heads")
    if heads is None:
        assert probed is not None
        heads = probed.heads()
    if not heads:
        raise ValueError(
            "no head of this model is a significant induction head; pass heads=, such as "
            "heads=['5.1'], to trace other heads"
        )
    if previous is None:
        assert probed is not None
        previous = probed.heads("previous_token")
    found: dict[int, Hops] = {}
    total = before + len(batches)
    for done, (chosen, ids) in enumerate(batches, before + 1):
        traced = hops(model, ids, [earlier[at] for at in chosen], heads, previous)
        found |= dict(zip(chosen, traced, strict=True))
        yield Progress(done, total, "" if done == total else "prompts")
        made = dataclasses.replace(provenance, n_done=len(found))
        yield _result(model, listed, found, made, heads, previous)


def _result(
    model: TransformerBridge,
    listed: Prompts,
    found: dict[int, Hops],
    made: Provenance,
    heads: list[Head],
    previous: list[Head],
) -> InductionTrace:
    """Of the prompts that are there, in their order, one after the other."""
    order = sorted(found)
    read = [listed.tokens[at] for at in order]
    lengths = [tokens.ids.shape[1] for tokens in read]
    moved = [
        torch.where(found[at].earlier >= 0, found[at].earlier + sum(lengths[:i]), -1)
        for i, at in enumerate(order)
    ]
    several = len(listed) > 1
    return InductionTrace(
        provenance=made,
        shape=(model.cfg.n_layers, model.cfg.n_heads),
        tokens=tuple(token for tokens in read for token in tokens.strings),
        ids=tuple(id for tokens in read for id in tokens.ids[0].tolist()),
        heads=tuple(map(str, heads)),
        previous=tuple(map(str, previous)),
        earlier=torch.cat(moved),
        lengths=tuple(lengths) if several else (),
        texts=tuple(tokens.text for tokens in read) if several else (),
        **{name: torch.cat([getattr(found[at], name) for at in order], -1) for name in BY_POSITION},
    )


def _probe(model: TransformerBridge, seed: int) -> Iterator[InductionHeads | Progress]:
    """The steps of a short `identify_induction_heads`, for the scores of attention alone."""
    return identify_induction_heads.steps(
        model,
        n_sequences=PROBED,
        length=min(LENGTH, (models.n_context(model) - 1) // 2),
        seed=seed,
        loss=False,
        copying=False,
        ablation=0,
        pairs=False,
    )


def _parsed(
    model: TransformerBridge, heads: Iterable[Head | str | tuple[int, int]] | None
) -> list[Head] | None:
    if heads is None:
        return None
    several = [heads] if isinstance(heads, (str, Head)) else list(heads)
    return [Head.parse(head, model.cfg.n_layers, model.cfg.n_heads) for head in several]
