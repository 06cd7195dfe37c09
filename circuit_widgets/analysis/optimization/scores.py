"""What says of a head that it could go: what it writes, what the loss owes it, what is lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.results.score import About, Score
from circuit_widgets.statistics.intervals import mean_interval, ratio_interval
from circuit_widgets.weights.writing import PartsMissing, writing

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_GROUP = "scored texts"
ABOUTS = {
    about.name: about
    for about in (
        About(
            "effect",
            "Rise of the loss, measured",
            "By which share the loss rises if this head alone is gone, measured in the first "
            "round. Only heads whose estimate is low were looked at.",
            "ablation to zero, as pruning does",
            most=None,
            group=_GROUP,
        ),
        About(
            "estimate",
            "Rise of the loss, estimated",
            "By which share the loss would rise, from its slope at the head and the spread of the "
            "slope over texts.",
            "second order: Kwon et al. 2022, A Fast Post-Training Pruning Framework",
            most=None,
            group=_GROUP,
        ),
        About(
            "importance",
            "Importance",
            "The mean size of the loss's slope along the head, over the length of its layer's.",
            "Michel et al. 2019, Are Sixteen Heads Really Better than One?",
            most=None,
            group=_GROUP,
        ),
        About(
            "norm",
            "Output norm",
            "The mean norm of what the head writes, over its layer's mean; the first token of a "
            "text is left out.",
            "inactive heads (arXiv 2504.03889)",
            most=None,
            group=_GROUP,
        ),
    )
}


def estimates(ablation: Ablation, n_layers: int, n_tokens: float) -> Score:
    """The rise of the loss without each head, as a share of it, to second order in the head's gate.

    A gate of 1 in front of each head's z becomes 0. The first order is the slope; the curvature is
    that of a likelihood: as many tokens as there are, times the mean square of the slopes of texts
    (the empirical Fisher information).

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.causal.metrics import next_token_logp
    >>> model = cw.load_model()
    >>> ids = model.to_tokens("blue dog blue dog").repeat(2, 1)
    >>> ablation = Ablation(model, [ids], next_token_logp, by="zero")
    >>> estimates(ablation, 2, 4).value.shape
    torch.Size([2, 4])
    """
    slopes = gates(ablation, n_layers)
    value = slopes.mean(0) + 0.5 * n_tokens * slopes.var(0)
    return Score(value / -ablation.clean.mean())


def importances(ablation: Ablation, n_layers: int, confidence: float) -> Score:
    """Michel et al.'s: the mean over texts of |slope|, over the l2 norm of its layer's."""
    sizes = gates(ablation, n_layers).abs()
    value, low, high = mean_interval(sizes, confidence)
    norm = value.square().sum(1, keepdim=True).sqrt().clamp(min=torch.finfo(value.dtype).tiny)
    return Score(value / norm, low=low / norm, high=high / norm)


def gates(ablation: Ablation, n_layers: int) -> Float[Tensor, "prompt layer head"]:
    """What each text's loss owes each head to first order: its rise if the head were gone."""
    return torch.stack([ablation.contributions(layer) for layer in range(n_layers)], 1)


def effect_of(ablation: Ablation, rises: Float[Tensor, " prompt"], confidence: float) -> Tensor:
    """A rise of the loss as a share of it, with the ends of its interval: [3]."""
    return torch.stack(ratio_interval(rises, -ablation.clean, confidence))


def norms(model: TransformerBridge, batches: Sequence[Tensor]) -> Float[Tensor, "layer head"]:
    """The mean norm of what each head writes, over its layer's mean; NaN where it is not known.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> found = norms(model, [model.to_tokens("blue dog blue dog")])
    >>> found.shape, bool((found.mean(1) - 1).abs().max() < 1e-5)
    (torch.Size([2, 4]), True)
    """
    n_layers = len(model.blocks)
    found: list[list[Tensor]] = [[] for _ in range(n_layers)]

    def see(layer: int, z: Tensor, attn_out: Tensor) -> None:
        try:
            made = writing(model, layer, z, attn_out)
        except PartsMissing:
            found[layer].append(z.new_full((1, 1, z.shape[2]), math.nan))
            return
        # The first token, which sees only itself, is no measure of the others.
        rest = z[:, 1:].float()
        # |z W_O| by W_O's d_head x d_head products: d_model numbers a head are never made.
        inner = torch.einsum("hid,hjd->hij", made.o, made.o)
        square = torch.einsum("bphi,hij,bphj->bph", rest, inner, rest).clamp(min=0)
        found[layer].append(made.factor[:, 1:].abs() * square.sqrt())

    for tokens in batches:
        reader = capture.together(("z", "attn_out"), see)
        capture.run(model, tokens, reader, logits=False)
    rows = [torch.cat([each.flatten(0, 1).cpu() for each in parts]) for parts in found]
    means = torch.stack([row.mean(0) for row in rows])
    return means / means.mean(1, keepdim=True).clamp(min=torch.finfo(means.dtype).tiny)
