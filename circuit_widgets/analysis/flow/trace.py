"""Which routes through the layers an output came along, and whether it depends on them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from circuit_widgets import arguments, capture
from circuit_widgets.analysis.flow.contributions import Routes
from circuit_widgets.analysis.flow.results import FlowSource, InformationFlow
from circuit_widgets.analysis.flow.routes import flow, key_paths, rollout
from circuit_widgets.causal.knockout import knocked_out
from circuit_widgets.causal.metrics import ROUNDING
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.readout import Readout, readout
from circuit_widgets.prompts.tokens import show_token
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import further_draw

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Positions whose attention is cut off in one pass.
_BATCH = 16
_CONFIDENCE = 0.95


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `trace_information_flow`, checked, as provenance keeps them."""

    position: int | None
    target: int | str | None
    window: tuple[int, int]
    renormalise: bool
    confirm: int
    paths: int
    draws: int
    seed: int


@analysis("flow")
def trace_information_flow(
    model: TransformerBridge,
    tokens: str | Sequence[int] | Tensor,
    position: int | None = None,
    *,
    target: int | str | None = None,
    window: tuple[int, int] | None = None,
    renormalise: bool = False,
    confirm: int = 8,
    paths: int = 10,
    draws: int = 8,
    seed: int = 0,
    progress: bool = True,
) -> Iterator[InformationFlow]:
    """Trace which positions contribute to an output, layer by layer.

    What each head writes from each key, and the residual stream, contribute to a layer's output by
    their L1 proximity to it (Ferrando & Voita 2024, Information Flow Routes at Scale); the layers'
    contributions multiply along a route. All of it comes from one pass. Routes are not causal, so
    attention to the strongest sources is then blocked (attention knockout, Geva et al. 2023), with
    positions drawn at random as the control. A knockout blocks the direct edges from the source to
    the position, and no route over a third position.

    Args:
        model: A TransformerBridge with causal attention, whose layers add up to what their heads
            and MLP write: GPT-2, Llama, Qwen, Gemma 1, GPT-NeoX, TransformerLens' own.
        tokens: A text, or ids.
        position: Whose output is read, negative from the end; None is the last.
        target: Whose probability is read: an id, or a text of one token. None: the token that
            follows in the text; at the last position the model's own likeliest token.
        window: Layers in which attention is blocked, the first and the last of them; None is all.
        renormalise: Whether the weights that are left grow to their former sum. The other way is
            measured too; this one decides.
        confirm: How many of the strongest sources are blocked; 0 runs no knockout. In a short text
            half of the positions at most, so that some are left for the control.
        paths: How many paths are listed.
        draws: Other positions that are blocked as a control, at most.
        seed: Of those.
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
    settings = Settings(
        position=position,
        target=target,
        window=(layers[0], layers[-1]),
        renormalise=arguments.flag("renormalise", renormalise),
        confirm=arguments.whole("confirm", confirm),
        paths=arguments.whole("paths", paths, 1),
        draws=arguments.whole("draws", draws, 2),
        seed=arguments.seed(seed),
    )
    made = begun(
        model,
        "trace_information_flow",
        settings,
        method="L1 proximity of parts to their sum, multiplied over layers; attention knockout",
        probe="attention knockout of random other positions",
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
    n = len(asked.ids)
    routes = Routes(model, len(asked.read))
    logits = capture.run(model, asked.read[None], routes.reducers)
    target = asked.target(logits[0, -1])
    del logits
    found = _found(model, asked, target, routes, settings.paths)

    share = found["routes"]
    # A BOS is where heads look that look for nothing; cutting it off says nothing about content.
    candidates = sorted(
        range(asked.first, asked.position), key=lambda source: (-float(share[source]), source)
    )
    n_sources = min(settings.confirm, (len(candidates) + 1) // 2)
    sources = candidates[:n_sources]
    others: list[int] = []
    if sources:
        generator = torch.Generator().manual_seed(settings.seed)
        order = torch.randperm(len(candidates) - n_sources, generator=generator)[: settings.draws]
        others = [candidates[n_sources + at] for at in order.tolist()]
    cuts = sources + others
    effects = torch.full((2, n), math.nan)
    made = dataclasses.replace(made, n_done=1, n_total=1 + len(cuts))

    def result() -> InformationFlow:
        asked_for = int(settings.renormalise)
        control = effects[asked_for, others]
        middle, _, high = further_draw(control[control.isfinite()], _CONFIDENCE)
        null = torch.stack([middle, high])
        listed = sources or candidates[: _BATCH // 2]
        return InformationFlow(
            provenance=made,
            knockout=Score(value=effects[asked_for].clone()),
            knockout_other=effects[1 - asked_for].clone(),
            knockout_control=null,
            information_sources=tuple(
                _source(found, source, float(effects[asked_for, source]), float(null[1]))
                for source in listed
            ),
            **found,
        )

    yield result()
    if not cuts:
        return
    prefix = capture.Prefix(model, asked.read[None], last=1)
    for start in range(0, len(cuts), _BATCH):
        keys = cuts[start : start + _BATCH]
        effects[:, keys] = knocked_out(prefix, asked.read, target, keys, window)
        made = dataclasses.replace(made, n_done=made.n_done + len(keys))
        yield result()


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
