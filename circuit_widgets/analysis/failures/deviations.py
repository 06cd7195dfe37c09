"""How far each component is from what it does in a healthy model, given the same input."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.statistics.permutations import discoveries
from circuit_widgets.statistics.standing_out import among_others

# A share as small as this is rounding.
_ROUNDING = {torch.float16: 1e-2, torch.bfloat16: 3e-2}
# The least spread of log10 of deviations: where most components do what they did, there is none.
_SPREAD = 0.15
_TINY = 1e-12


def attention_apart(
    own: Float[Tensor, "batch head query key"], usual: Float[Tensor, "batch head query key"]
) -> Float[Tensor, "batch head"]:
    """Total variation of two patterns, mean over queries from the second on.

    What a row lacks of a sum of 1 (a sink's) counts as a key.
    """
    apart = (own - usual).float()
    lacking = apart.sum(-1).abs()
    return ((apart.abs().sum(-1) + lacking) / 2)[..., 1:].mean(-1)


def deviations(
    own: Seen, usual: Seen
) -> tuple[Float[Tensor, "batch layer head"], Float[Tensor, "batch layer"]]:
    """Of every head and MLP: 0, if it does what it did, and about 1, if nothing of it is left.

    The larger of two shares: of its attention that goes elsewhere, and of its write that is another
    (norm of the difference over the norm in the reference). NaN where there is no such part.
    """
    most = max(usual.nodes.heads)
    heads, n_batch = [], len(usual.logits)
    for layer in range(usual.n_layers):
        patterns = (each.sites["pattern"][layer] for each in (own, usual))
        found = torch.maximum(attention_apart(*patterns), _share(own, usual, layer)).cpu()
        heads.append(torch.nn.functional.pad(found, (0, most - found.shape[-1]), value=math.nan))
    mlps = torch.full((n_batch, usual.n_layers), math.nan)
    for layer, was in usual.sites.get("mlp_out", {}).items():
        mlps[:, layer] = _relative(own.sites["mlp_out"][layer], was, (1, 2)).cpu()
    return torch.stack(heads, 1), mlps


def _share(own: Seen, usual: Seen, layer: int) -> Float[Tensor, "batch head"]:
    return _relative(own.writes[layer], usual.writes[layer], (1, 3))


def _relative(own: Tensor, was: Tensor, over: tuple[int, int]) -> Tensor:
    """The first position is left out: a sink's stream is hundreds of times as large."""
    own, was = own.float()[:, 1:], was.float()[:, 1:]
    return (own - was).norm(dim=over) / was.norm(dim=over).clamp_min(_TINY)


def outliers(
    heads: Float[Tensor, "batch layer head"],
    mlps: Float[Tensor, "batch layer"],
    dtype: torch.dtype,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Robust z of the deviations of each prompt among all its components, and q: heads, MLPs.

    z = (log10 of the deviation - median) / (1.4826 MAD), over all components of the model: where a
    model was trained on, all of them deviate. Deviations below rounding are rounding. p is how
    often one of as many components is as far out by chance (`statistics.standing_out`): of few,
    one is far out easily. q is after Benjamini & Hochberg 1995.

    >>> heads = torch.zeros(1, 2, 4)
    >>> heads[0, 1, 2] = 0.5
    >>> z, _, q, _ = outliers(heads, torch.zeros(1, 2), torch.float32)
    >>> (q < 0.05).nonzero().tolist()
    [[0, 1, 2]]
    """
    both = torch.cat([heads.flatten(1), mlps.flatten(1)], 1)
    logs = both.clamp_min(_ROUNDING.get(dtype, 1e-4)).log10()
    z, p = among_others(logs, _SPREAD)
    q = torch.stack([discoveries(row) for row in p])
    n = heads[0].numel()
    return z[:, :n].view_as(heads), z[:, n:], q[:, :n].view_as(heads), q[:, n:]
