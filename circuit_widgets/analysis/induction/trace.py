"""Induction on one prompt: what `trace_induction` finds at each token that repeats."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from circuit_widgets import arguments, models
from circuit_widgets.analysis.induction.hops import earlier_positions, hops
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads, InductionTrace
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.tokens import Tokens, tokenize
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# The probe for heads that are not given: enough for an interval.
PROBED, LENGTH = 8, 24


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `trace_induction`, checked, as provenance keeps them."""

    heads: tuple[str, ...] | None
    previous: tuple[str, ...] | None
    seed: int


@analysis("induction")
def trace_induction(
    model: TransformerBridge,
    prompt: str | Sequence[int] | Tensor,
    *,
    heads: InductionHeads | Iterable[Head | str | tuple[int, int]] | None = None,
    previous: Iterable[Head | str | tuple[int, int]] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Iterator[InductionTrace | Progress]:
    """Follow induction through a prompt: which heads make it at each repeated token, and how.

    At a repeated token it gives each induction head's attention to what followed the token before,
    and what the head adds to the logit of that. It takes one pass over the prompt (Elhage et al.
    2021, two-layer induction; direct logit attribution of the heads with the final norm's scale
    held as it was).

    Args:
        model: A TransformerBridge with causal attention.
        prompt: A text or token ids in which a token repeats.
        heads: The induction heads: a result of `identify_induction_heads`, whose significant heads
            are taken, or heads. None: the significant heads of a short probe.
        previous: The previous-token heads of the first hop. None: those of the result or probe.
        seed: Of the probe.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not a prompt, or an unknown keyword.
        ValueError: No token of the prompt repeats; no induction heads are known; a head that the
            model does not have.

    >>> import circuit_widgets as cw
    >>> trace = cw.trace_induction(cw.load_model(), "blue dog seven blue dog", progress=False)
    >>> [trace.tokens[q] for q in trace.repeats()]
    ['blue', 'dog']
    """
    tokens = tokenize(model, prompt)
    ids: list[int] = tokens.ids[0].tolist()
    earlier = earlier_positions(ids, int(tokens.has_bos))
    if max(earlier) < 0:
        raise ValueError(
            f"no token of this prompt ({len(ids)} tokens) repeats an earlier one that is not right "
            "before it, so induction has nothing to continue"
        )
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
    provenance = begun(
        model,
        "trace_induction",
        settings,
        method="attention at both hops; direct logit attribution",
        probe=tokens.text,
        n_done=1,
        n_total=1,
        unit="prompt",
    )
    return _steps(model, tokens, earlier, provenance, probed, given, given_previous)


def _steps(
    model: TransformerBridge,
    tokens: Tokens,
    earlier: list[int],
    provenance: Provenance,
    probed: InductionHeads | None,
    heads: list[Head] | None,
    previous: list[Head] | None,
) -> Iterator[InductionTrace | Progress]:
    """The trace; before it the steps of a probe for the heads that were not given."""
    total = 1
    if probed is None and (heads is None or previous is None):
        for step in _probe(model, provenance.seed or 0):
            if isinstance(step, InductionHeads):
                probed = step
            else:
                total = step.total + 1
                yield Progress(step.done, total, "probe for induction heads")
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
    traced = hops(model, tokens.ids, earlier, heads, previous)
    yield Progress(total, total)
    yield InductionTrace(
        provenance=provenance,
        shape=(model.cfg.n_layers, model.cfg.n_heads),
        tokens=tokens.strings,
        ids=tuple(tokens.ids[0].tolist()),
        heads=tuple(map(str, heads)),
        previous=tuple(map(str, previous)),
        **{field.name: getattr(traced, field.name) for field in dataclasses.fields(traced)},
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
