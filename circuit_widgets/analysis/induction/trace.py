"""Induction on one prompt: what `trace_induction` finds at each token that repeats."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets import models
from circuit_widgets.analysis.induction.hops import earlier_positions, hops
from circuit_widgets.analysis.induction.results import InductionHeads, InductionTrace
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.tokens import Tokens, tokenize
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# The probe for heads that are not given: enough for an interval.
PROBED, LENGTH = 8, 24


@analysis("induction")
def trace_induction(
    model: TransformerBridge,
    prompt: str | Sequence[int] | Tensor,
    *,
    heads: InductionHeads | Iterable[Head | str | tuple[int, int]] | None = None,
    previous: Iterable[Head | str | tuple[int, int]] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Iterator[InductionTrace]:
    """Follow induction through a prompt: at each repeated token, who looks back, and what it adds.

    One pass over the prompt (Elhage et al. 2021, two-layer induction; direct logit attribution of
    the heads with the final norm's scale held as it was).

    Args:
        model: A TransformerBridge with causal attention.
        prompt: A text or token ids in which a token repeats.
        heads: The induction heads: a result of `identify_induction_heads`, whose heads beyond doubt
            are taken, or heads. None: the heads that a short probe finds beyond doubt.
        previous: The previous-token heads of the first hop. None: those of the result or probe.
        seed: Of the probe.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not a prompt, or an unknown keyword.
        ValueError: No token of the prompt repeats; no induction heads are known; a head that the
            model does not have.
    """
    tokens = tokenize(model, prompt)
    ids: list[int] = tokens.ids[0].tolist()
    earlier = earlier_positions(ids, int(tokens.has_bos))
    if max(earlier) < 0:
        raise ValueError(
            f"no token of this prompt stands twice ({len(ids)} tokens, and what follows a token "
            "counts from the second one on): there is nothing that induction could continue"
        )
    given = None if isinstance(heads, InductionHeads) else _parsed(model, heads)
    given_previous = _parsed(model, previous)
    probed = heads if isinstance(heads, InductionHeads) else None
    if probed is not None and probed.shape != (model.cfg.n_layers, model.cfg.n_heads):
        raise ValueError(
            f"heads are of a model with {probed.shape[0]} x {probed.shape[1]} heads, and this one "
            f"has {model.cfg.n_layers} x {model.cfg.n_heads}"
        )
    made = begun(
        model,
        "trace_induction",
        method="attention at both hops; direct logit attribution",
        probe=tokens.text,
        seed=seed,
        parameters={},
        n_done=1,
        n_total=1,
        unit="prompt",
    )
    if given is not None and given_previous is not None:
        return _traced(model, tokens, earlier, made, given, given_previous)
    return _probed(model, tokens, earlier, made, probed, given, given_previous)


def _probed(
    model: TransformerBridge,
    tokens: Tokens,
    earlier: list[int],
    made: Provenance,
    found: InductionHeads | None,
    heads: list[Head] | None,
    previous: list[Head] | None,
) -> Iterator[InductionTrace]:
    """With the heads that were not given."""
    from circuit_widgets.analysis.induction.identify import identify_induction_heads

    if found is None:
        found = identify_induction_heads(
            model,
            n_sequences=PROBED,
            length=min(LENGTH, (models.n_context(model) - 1) // 2),
            seed=made.seed or 0,
            loss=False,
            copying=False,
            ablation=0,
            pairs=False,
            progress=False,
        )
    heads = found.heads() if heads is None else heads
    if not heads:
        raise ValueError(
            "no head of this model is an induction head beyond doubt; pass heads=, such as "
            "heads=['5.1'], to follow some all the same"
        )
    previous = found.heads("previous_token") if previous is None else previous
    yield from _traced(model, tokens, earlier, made, heads, previous)


def _traced(
    model: TransformerBridge,
    tokens: Tokens,
    earlier: list[int],
    made: Provenance,
    heads: list[Head],
    previous: list[Head],
) -> Iterator[InductionTrace]:
    started = time.perf_counter()
    fields = hops(model, tokens.ids, earlier, heads, previous)
    yield InductionTrace(
        provenance=dataclasses.replace(made, seconds=time.perf_counter() - started),
        shape=(model.cfg.n_layers, model.cfg.n_heads),
        tokens=tokens.strings,
        ids=tuple(tokens.ids[0].tolist()),
        heads=tuple(map(str, heads)),
        previous=tuple(map(str, previous)),
        **fields,
    )


def _parsed(
    model: TransformerBridge, heads: Iterable[Head | str | tuple[int, int]] | None
) -> list[Head] | None:
    if heads is None:
        return None
    several = [heads] if isinstance(heads, (str, Head)) else list(heads)
    return [Head.parse(head, model.cfg.n_layers, model.cfg.n_heads) for head in several]
