"""A failing case beside a healthy model of the same architecture, on the same prompt."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.deviations import deviations, outliers
from circuit_widgets.analysis.failures.edges import cut_edge_of
from circuit_widgets.analysis.failures.features import head_features
from circuit_widgets.analysis.failures.finding import Finding, Spread
from circuit_widgets.analysis.failures.fixes import Part, answered
from circuit_widgets.analysis.failures.parts import TYPES
from circuit_widgets.analysis.failures.seen import Seen, batch_of, see
from circuit_widgets.analysis.failures.sorting import lost_and_over, type_scores
from circuit_widgets.analysis.failures.sources import sources
from circuit_widgets.analysis.failures.usual import usual_of
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def find(
    model: TransformerBridge,
    reference: TransformerBridge,
    nodes: Nodes,
    asked: Asked,
    spread: Spread | None,
) -> Finding:
    """What is out of line in a case: each component, given what it is given in the reference.

    Three passes: the reference's, the model's, and the model's with every layer given the
    reference's stream.
    """
    ids = batch_of((asked.ids,), model.cfg.device)
    healthy = see(reference, nodes, ids)
    alone = see(model, nodes, ids, given=healthy)
    own = see(model, nodes, ids)
    heads, mlps = deviations(alone, healthy)
    z, z_mlp, q, q_mlp = outliers(heads, mlps, model.cfg.dtype)
    values, usual = (head_features(each)[:, 0] for each in (alone, healthy))
    answer = answered(healthy, asked)
    return Finding(
        own=own,
        usual=usual_of(healthy, answer.metric),
        usual_answer=answer,
        anomaly=z[0],
        anomaly_mlp=z_mlp[0],
        q=q[0],
        q_mlp=q_mlp[0],
        values=values,
        usual_values=usual,
        z=torch.full_like(values, torch.nan) if spread is None else spread.between(values, usual),
        types=functools.partial(_types, alone, healthy),
        pattern_beside=functools.partial(_pattern, healthy),
        tried_by_effect=(),
        sources=functools.partial(sources, own, healthy, asked),
    )


def _types(
    alone: Seen, healthy: Seen, part: Part, edges: bool
) -> tuple[Float[Tensor, " type"], str | None]:
    """How much of a part's deviation each type is, and the edge that explains it."""
    edge = cut_edge_of(alone, healthy, 0, part) if edges else None
    if part.head is not None:
        head = Head(part.layer, part.head)
        return type_scores(alone, healthy, 0, head, 1.0 if edge else 0.0), edge
    own, was = (each.sites["mlp_out"][part.layer][0, 1:].float() for each in (alone, healthy))
    return mlp_types(own, was, 1.0 if edge else 0.0), edge


def mlp_types(
    own: Float[Tensor, "pos d_model"], was: Float[Tensor, "pos d_model"], edge: float = 0.0
) -> Float[Tensor, " type"]:
    """Of an MLP: what is missing of its write interrupts a path, and too much is too much."""
    lost, over = lost_and_over(own, was)
    scores = torch.zeros(len(TYPES))
    total = max(lost + over, 1e-6)
    scores[TYPES.index("path_interruption")] = edge + (1 - edge) * lost / total
    scores[TYPES.index("overactivation")] = (1 - edge) * over / total
    return scores


def _pattern(healthy: Seen, part: Part) -> Float[Tensor, "query key"]:
    return healthy.sites["pattern"][part.layer][0, part.head or 0]
