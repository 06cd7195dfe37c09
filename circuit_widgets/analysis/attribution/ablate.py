"""What is lost without heads that the user chooses, where and on what the user chooses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.attribution.ablation_results import HeadAblation
from circuit_widgets.analysis.attribution.effects import Effects
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.measured import Read, read_at
from circuit_widgets.heads import Head, parse_heads
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.models.pruned import check_there, missing_heads
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.each import corrupt_of
from circuit_widgets.prompts.targets import Target
from circuit_widgets.results.provenance import Provenance, begun

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

BY = ("mean", "resample", "zero")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `ablate_heads`, checked, as provenance keeps them.

    prompts, corrupt: ids. target, position: of each prompt; None where a mean over all tokens or a
    function is measured, of which `metric` has the name.
    """

    prompts: tuple[tuple[int, ...], ...]
    heads: tuple[str, ...]
    target: tuple[Target, ...] | None
    position: tuple[int, ...] | None
    corrupt: tuple[tuple[int, ...], ...] | None
    metric: str
    by: str
    positions: tuple[int, ...] | None
    together: bool
    controls: int
    batch: int
    seed: int
    confidence: float


@analysis("attribution", uneven=True)
def ablate_heads(
    model: TransformerBridge,
    prompts: str | Sequence[Any] | Tensor,
    heads: Any = None,
    *,
    target: Any = None,
    position: int | Sequence[int] = -1,
    metric: Callable[..., Tensor] | None = None,
    by: str = "mean",
    positions: Sequence[int] | None = None,
    together: bool = False,
    corrupt: str | Sequence[Any] | Tensor | None = None,
    controls: int = 8,
    batch: int = 16,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[HeadAblation]:
    """How much a number about the output falls without some heads, one by one or together.

    Args:
        model: A TransformerBridge.
        prompts: A text, several, ids, or several lists of ids, of two tokens or more. Of several,
            effects are means with an interval over prompts.
        heads: "5.1", or several; None is all heads, one by one.
        target: A token by its id or text, whose log-probability after `position` is measured; or
            two, `(" Mary", " John")`: the difference of their logits; of several prompts a list
            with one of these for each. None: the mean log-probability of every token that follows.
        position: Whose output is read where there is a target, negative from the end; of several
            prompts also a list with one for each.
        metric: A function instead, of logits [batch, pos, vocab] and ids [batch, pos], that gives
            one number a prompt, better if higher.
        by: What z is replaced by: "mean", the mean of the other prompts (of one prompt alone its
            own mean over positions); "resample", z of another prompt of the same length; "zero".
        positions: Where; None is at every position.
        together: Take the heads away together, as one set.
        corrupt: As many prompts, each in the same place without what the metric is about: then
            effects are also given as a share of clean minus corrupt.
        controls: Random other heads of the same layer, that each head is compared with (or,
            together, random sets with as many heads in each layer and none of `heads`).
        batch: Prompts a pass; those of one length go together.
        seed: Of the random heads.
        confidence: Of the intervals over prompts, and of where one more random head would be.
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not prompts, or an unknown keyword.
        ValueError: A prompt, a head, a position or a target that is not there; a metric that does
            not give one number a prompt; prompts of one length each where `by` is "resample".

    >>> import circuit_widgets as cw
    >>> texts = ["blue dog seven blue dog seven", "cat red river cat red river"]
    >>> result = cw.ablate_heads(cw.load_model(), texts, ["0.1", "0.2"], progress=False)
    >>> bool(result.effect.value[0, 1] > result.effect.value[0, 2])
    True
    """
    listed = Prompts(model, prompts)
    n_layers, n_heads = model.cfg.n_layers, model.cfg.n_heads
    chosen = _there(model, parse_heads(heads, n_layers, n_heads), named=heads is not None)
    if arguments.flag("together", together) and heads is None:
        raise ValueError("together takes the heads by name; all heads of a model are not a set")
    read = read_at(model, listed, position, target, metric)
    other = None if corrupt is None else corrupt_of(model, listed, corrupt)
    settings = Settings(
        prompts=listed.ids,
        heads=tuple(map(str, chosen)),
        target=read.targets or None,
        position=read.places or None,
        corrupt=None if other is None else other.ids,
        metric=read.name,
        by=arguments.choice("by", by, BY),
        positions=_places(positions, listed),
        together=together,
        controls=arguments.whole("controls", controls, 2),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
    )
    made = begun(
        model,
        "ablate_heads",
        settings,
        method=f"z replaced ({settings.by}); Student's t over prompts",
        probe=listed.described(),
        n_total=1 if together else len(chosen),
        unit="sets" if together else "heads",
    )
    return _results(model, listed, other, read, chosen, settings, made)


def _there(model: TransformerBridge, heads: list[Head], *, named: bool) -> list[Head]:
    """Those that this model has: of a pruned one, layers may have fewer than others."""
    missing = {*missing_heads(model)}
    if named:
        check_there(heads, missing)
    return [head for head in heads if head not in missing]


def _places(positions: Any, prompts: Prompts) -> tuple[int, ...] | None:
    if positions is None:
        return None
    shortest = min(tokens.ids.shape[1] for tokens in prompts.tokens)
    given = [positions] if isinstance(positions, int) else [*positions]
    lengths = {tokens.ids.shape[1] for tokens in prompts.tokens}
    if len(lengths) > 1 and any(at < 0 for at in given):
        raise ValueError(
            "positions from the end are not the same place in prompts of several lengths; count "
            "them from 0, or take prompts of one length"
        )
    return tuple(arguments.place("positions", at, shortest) for at in given)


def _results(
    model: TransformerBridge,
    prompts: Prompts,
    corrupt: Prompts | None,
    read: Read,
    chosen: list[Head],
    settings: Settings,
    made: Provenance,
) -> Iterator[HeadAblation]:
    order, batches = zip(*prompts.batches(settings.batch), strict=True)
    metrics = [read.metric(rows) for rows in order]
    ablation = Ablation(model, batches, metrics, by=settings.by, positions=settings.positions)
    baseline = None
    if corrupt is not None:
        same = [torch.cat([corrupt.tokens[at].ids for at in rows]) for rows in order]
        baseline = Ablation(model, same, metrics, layers=[]).clean
    effects = Effects(model, ablation, baseline, chosen, settings)
    for done in effects.steps():
        yield effects.result(prompts, read, dataclasses.replace(made, n_done=done))
