"""A flow as it is found: the fields of its result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from circuit_widgets.analysis.flow.knockouts import Knockouts
from circuit_widgets.analysis.flow.means import Means, padded, padded_rows
from circuit_widgets.analysis.flow.outputs import Output
from circuit_widgets.analysis.flow.results import FlowSource, InformationFlow
from circuit_widgets.analysis.flow.routes import key_paths
from circuit_widgets.causal.metrics import ROUNDING
from circuit_widgets.prompts.tokens import show_token_after
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import SHARE, mean_interval

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def routes_found(
    model: TransformerBridge,
    outputs: Sequence[Output],
    means: Means,
    paths: int,
    confidence: float,
) -> dict[str, Any]:
    """The fields that one pass of each prompt gives, over the whole text."""
    first = outputs[0].asked
    n, position = len(first.ids), first.position
    share, *ends = mean_interval(means.routes, confidence, SHARE)
    elsewhere = share[first.first : position].sum()
    against = outputs[0].target.against
    return {
        "tokens": first.strings(model),
        "ids": tuple(first.ids.tolist()),
        "position": position,
        "target": outputs[0].target.id,
        "target_token": show_token_after(model, first.read.tolist(), outputs[0].target.id),
        "against_token": None
        if against is None
        else show_token_after(model, first.read.tolist(), against),
        "targets": tuple(each.target for each in outputs),
        "n_prompts": len(outputs),
        "contributions": padded_rows(means.contributions, n, math.nan),
        "heads": padded_rows(means.heads, n, -1),
        "part_places": means.part_places,
        "parts": means.parts,
        "residual": padded(means.residual, n),
        "mlp": padded(means.mlp, n),
        "routes": padded(share, n),
        "routes_between": padded(torch.stack(ends), n) if len(outputs) > 1 else None,
        "rollout": padded(means.rollout.mean(0), n),
        "key_paths": key_paths(means.contributions, means.heads, position, paths),
        "self_influence_score": elsewhere / share.sum(),
    }


def flow_found(
    routes: dict[str, Any],
    knockouts: Knockouts,
    listed: Sequence[int],
    confidence: float,
    made: Provenance,
) -> InformationFlow:
    """The result so far; `listed` are the sources where none is cut off."""
    score = knockouts.score(confidence)
    control, n_control, n_above = knockouts.elsewhere(confidence)
    return InformationFlow(
        provenance=made,
        knockout=score,
        knockout_other=knockouts.other(),
        knockout_control=control,
        n_control=n_control,
        n_control_above=n_above,
        windows=tuple((window[0], window[-1]) for window in knockouts.windows),
        knockout_by_window=knockouts.swept(),
        information_sources=tuple(
            _source(routes, source, score, float(control[1]))
            for source in knockouts.order() or listed
        ),
        **routes,
    )


def _source(routes: dict[str, Any], source: int, score: Score, bound: float) -> FlowSource:
    cost = float(score.value[source])
    assert score.control_high is not None
    # Of one prompt there is no interval. Comparisons with NaN are False: without a control nothing
    # is confirmed.
    sure = score.low is None or float(score.low[source]) > 0
    above = cost > bound and cost > float(score.control_high[source]) and cost > ROUNDING
    return FlowSource(
        position=source,
        token=routes["tokens"][source],
        route=float(routes["routes"][source]),
        knockout=None if math.isnan(cost) else cost,
        confirmed=above and sure,
    )
