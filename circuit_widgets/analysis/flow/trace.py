"""Which routes through the layers an output came along, and whether it depends on them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.flow.contributions import Routes, traced
from circuit_widgets.analysis.flow.knockouts import Knockouts
from circuit_widgets.analysis.flow.results import FlowSource, InformationFlow
from circuit_widgets.analysis.flow.routes import flow, key_paths, rollout
from circuit_widgets.causal.metrics import ROUNDING
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.readout import Readout, readout
from circuit_widgets.prompts.tokens import show_token
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# In a text of up to so many positions all of them are cut off; in a longer one so many.
_ALL, _STRONGEST = 128, 32
# Sources that are listed where none is cut off.
_LISTED = 8


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `trace_information_flow`, checked, as provenance keeps them."""

    position: int | None
    target: int | str | None
    window: tuple[int, int]
    renormalise: bool
    confirm: int | None
    sweep: int
    paths: int
    draws: int
    seed: int
    confidence: float


@analysis("flow")
def trace_information_flow(
    model: TransformerBridge,
    tokens: str | Sequence[int] | Tensor,
    position: int | None = None,
    *,
    target: int | str | None = None,
    window: tuple[int, int] | None = None,
    renormalise: bool = True,
    confirm: int | None = None,
    sweep: int | None = None,
    paths: int = 10,
    draws: int = 39,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[InformationFlow]:
    """Trace which positions contribute to an output, layer by layer.

    What each head writes from each key, and the residual stream, contribute to a layer's output by
    their L1 proximity to it (Ferrando & Voita 2024, Information Flow Routes at Scale); the layers'
    contributions multiply along a route. All of it comes from one pass, and none of it is causal.

    What the output depends on is measured beside it: attention from the position to each source is
    blocked (attention knockout, Geva et al. 2023), and the sources are listed by what that costs.
    The control is the same at other queries: random pairs of an earlier query of this text and a
    position before it, each read at that query. A knockout blocks the direct edges from the source
    to the position, and no route over a third position. For the sources that cost most it is done
    again in a window of layers that moves from the first layer to the last.

    Args:
        model: A TransformerBridge with causal attention, whose layers add up to what their heads
            write and what they make of a position's own stream (an MLP, experts). Heads may be
            gated; the gate is held as it was, as the scale of a norm is. Nearly all are such
            (docs/decoders.md).
        tokens: A text, or ids.
        position: Whose output is read, negative from the end; None is the last.
        target: Whose probability is read: an id, or a text of one token. None: the token that
            follows in the text; at the last position the model's own likeliest token.
        window: Layers in which attention is blocked, the first and the last of them; None is all.
        renormalise: Whether the weights that are left grow to their former sum, as Geva et al. have
            it (scores of minus infinity). The other way is measured too; this one decides.
        confirm: How many sources are blocked, the strongest by their routes; None: all in a text
            of up to 128 positions, else 32. 0 runs no knockout.
        sweep: How many layers the moving window has, for the 8 sources whose knockout costs most;
            None: a fifth of them (Geva et al. take 9 of 48). 0: no sweep.
        paths: How many paths are listed.
        draws: Pairs of other queries and keys that are blocked as a control, at most.
        seed: Of those.
        confidence: That none of as many further pairs as there are sources costs more than the
            bound, above which a source is `confirmed`. The bound takes most pairs to be about
            normal: where many positions matter to many others (random weights that are large, 34
            sources in 56 texts on tiny models) it is crossed more often. So it says that a source
            costs more than usual in this text, and nothing about training.
        progress: Show a progress bar.

    Raises:
        TypeError: Neither text nor ids, or an unknown keyword.
        ValueError: An argument out of range; a target that is no single token; attention whose
            edits do not reach what its heads write.
        RuntimeError: The parts of a layer do not add up to what it writes.

    >>> import circuit_widgets as cw
    >>> text = "blue dog seven blue dog"
    >>> flow = cw.trace_information_flow(cw.load_model(), text, progress=False)
    >>> flow.routes.shape, len(flow.key_paths)
    (torch.Size([6]), 10)
    """
    asked = readout(model, tokens, position, target)
    layers = _window(window, len(model.blocks))
    n_layers = len(model.blocks)
    confidence = arguments.share("confidence", confidence)
    settings = Settings(
        position=position,
        target=target,
        window=(layers[0], layers[-1]),
        renormalise=arguments.flag("renormalise", renormalise),
        confirm=None if confirm is None else arguments.whole("confirm", confirm),
        sweep=max(1, round(n_layers / 5))
        if sweep is None
        else arguments.whole("sweep", sweep, 0, n_layers),
        paths=arguments.whole("paths", paths, 1),
        draws=arguments.whole("draws", draws, 2),
        seed=arguments.seed(seed),
        confidence=confidence,
    )
    made = begun(
        model,
        "trace_information_flow",
        settings,
        method="L1 proximity of parts to their sum, multiplied over layers; attention knockout",
        probe="attention knockout at other queries of the text",
        n_total=0,
        unit="steps",
    )
    return _steps(model, asked, layers, settings, made)


def _window(window: tuple[int, int] | None, n_layers: int) -> range:
    if window is None:
        return range(n_layers)
    if not isinstance(window, Sequence) or isinstance(window, str) or len(window) != 2:
        raise ValueError(
            f"window is {arguments.shown(window)}; accepted is a first and a last layer, like (0, "
            f"{n_layers - 1})"
        )
    first, last = (arguments.place("a layer of window", layer, n_layers) for layer in window)
    if first > last:
        raise ValueError(f"window is {window}: its first layer comes after its last")
    return range(first, last + 1)


def _steps(
    model: TransformerBridge, asked: Readout, window: range, settings: Settings, made: Provenance
) -> Iterator[InformationFlow]:
    routes, logits = traced(model, asked.read)
    target = asked.target(logits[0, -1])
    found = _found(model, asked, target, routes, settings.paths)
    share = found["routes"]
    # A BOS is where heads look that look for nothing; cutting it off says nothing about content.
    candidates = sorted(
        range(asked.first, asked.position), key=lambda source: (-float(share[source]), source)
    )
    most = settings.confirm
    if most is None:
        most = len(candidates) if len(asked.read) <= _ALL else _STRONGEST
    knockouts = Knockouts(
        model,
        asked,
        target,
        logits[0],
        candidates[:most],
        layers=window,
        renormalise=settings.renormalise,
        draws=settings.draws,
        seed=settings.seed,
        sweep=settings.sweep,
    )
    del logits
    listed = [] if knockouts.sources else candidates[:_LISTED]
    made = dataclasses.replace(made, n_done=1, n_total=1 + knockouts.n_steps)
    yield _result(found, knockouts, listed, settings, made)
    for done in knockouts.steps():
        made = dataclasses.replace(made, n_done=1 + done)
        yield _result(found, knockouts, listed, settings, made)


def _result(
    found: dict, knockouts: Knockouts, listed: list[int], settings: Settings, made: Provenance
) -> InformationFlow:
    asked_for = int(settings.renormalise)
    effects, null = knockouts.effects, knockouts.null(settings.confidence)
    return InformationFlow(
        provenance=made,
        knockout=Score(value=effects[asked_for].clone()),
        knockout_other=effects[1 - asked_for].clone(),
        knockout_control=null,
        n_control=int(knockouts.control.isfinite().sum()),
        n_control_above=int((knockouts.control > null[1]).sum()),
        windows=tuple((window[0], window[-1]) for window in knockouts.windows),
        knockout_by_window=knockouts.by_window.clone(),
        information_sources=tuple(
            _source(found, source, float(effects[asked_for, source]), float(null[1]))
            for source in knockouts.order() or listed
        ),
        **found,
    )


def _found(
    model: TransformerBridge, asked: Readout, target: int, routes: Routes, paths: int
) -> dict:
    """The fields that the one pass gives, over the whole text."""
    n, position = len(asked.ids), asked.position
    share = flow(routes.contributions, position)
    elsewhere = share[asked.first : position].sum()
    return {
        "tokens": asked.strings(model),
        "ids": tuple(asked.ids.tolist()),
        "position": position,
        "target": target,
        "target_token": show_token(model, target),
        "contributions": _rows(routes.contributions, n, math.nan),
        "heads": _rows(routes.heads, n, -1),
        "part_places": torch.cat([places for places, _ in routes.parts]),
        "parts": torch.cat([parts for _, parts in routes.parts]),
        "residual": _padded(routes.residual, n, math.nan),
        "mlp": _padded(routes.mlp, n, math.nan),
        "routes": _padded(share, n, math.nan),
        "rollout": _padded(rollout(routes.attention, position), n, math.nan),
        "key_paths": key_paths(routes.contributions, routes.heads, position, paths),
        "self_influence_score": elsewhere / share.sum(),
    }


def _padded(tensor: Tensor, n: int, value: float) -> Tensor:
    """The last axis longer, up to `n`."""
    return torch.nn.functional.pad(tensor, (0, n - tensor.shape[-1]), value=value)


def _rows(tensor: Tensor, n: int, value: float) -> Tensor:
    """[layer, query, key] for the whole text: 0 at later keys, and no rows of later queries."""
    missing = tensor[..., 0].isnan()
    keys = _padded(tensor, n, -1 if value == -1 else 0)
    keys[missing] = value
    return _padded(keys.transpose(1, 2), n, value).transpose(1, 2).contiguous()


def _source(found: dict, source: int, effect: float, bound: float) -> FlowSource:
    missing = math.isnan(effect)
    return FlowSource(
        position=source,
        token=found["tokens"][source],
        route=float(found["routes"][source]),
        knockout=None if missing else effect,
        # Comparisons with NaN are False: without a control nothing is confirmed.
        confirmed=effect > bound and effect > ROUNDING,
    )
