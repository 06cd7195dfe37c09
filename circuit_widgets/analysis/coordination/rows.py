"""What is compared of heads: a row for each prompt and position, or the weights alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.statistics.permutations import Rows
from circuit_widgets.weights.heads import head_weights

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Fewer rows say nothing, and leave nothing to shuffle.
LEAST_ROWS = 8


def few_rows(n: int, which: str) -> None:
    """Raise if there is too little to compare.

    >>> few_rows(3, "(tokens)")
    Traceback (most recent call last):
    ValueError: the prompts have 3 positions (tokens); accepted are 8 or more in all
    """
    if n < LEAST_ROWS:
        raise ValueError(
            f"the prompts have {n} positions {which}; accepted are {LEAST_ROWS} or more in all"
        )


def activations(
    model: TransformerBridge, prompts: Prompts, layers: Sequence[int], batch: int
) -> tuple[Float[Tensor, "row head d_head"], Rows]:
    """Z of every head, on the model's device.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.prompts import Prompts
    >>> model = load_model()
    >>> texts = Prompts(model, ["blue dog seven river blue dog", "cat seven dog cat seven dog"])
    >>> z, rows = activations(model, texts, [0, 1], batch=8)
    >>> z.shape, rows
    (torch.Size([14, 8, 16]), Rows(blocks=((2, 7),)))
    """
    by_length: dict[int, list[Tensor]] = {}
    for _, tokens in prompts.batches(batch):
        keep = capture.Keep("z", frozenset(layers))
        capture.run(model, tokens, [keep], logits=False)
        z = torch.cat([keep.tensors[layer] for layer in layers], 2).float()
        by_length.setdefault(tokens.shape[1], []).append(z)
    joined = [torch.cat(parts) for parts in by_length.values()]
    rows = Rows(tuple((len(part), part.shape[1]) for part in joined))
    return torch.cat([part.flatten(0, 1) for part in joined]), rows


def contributions(
    model: TransformerBridge, prompts: Prompts, layers: Sequence[int], metric: Metric, batch: int
) -> tuple[Float[Tensor, "row head"], Rows]:
    """Z · d metric / d z of every head at every position, on the CPU.

    Without the positions of a length at which no head changes the metric of any prompt: for the
    mean over tokens that follow, the last one. Lengths of which one position is left are one block:
    which position it was makes no difference there.
    """
    by_length: dict[int, list[Tensor]] = {}
    for _, tokens in prompts.batches(batch):
        got = capture.gradients(
            model,
            tokens,
            [("z", frozenset(layers))],
            lambda logits, ids=tokens: metric(logits, ids),
        )
        parts = [
            (got.values["z", layer].float() * got.slopes["z", layer].float()).sum(-1)
            for layer in layers
        ]
        by_length.setdefault(tokens.shape[1], []).append(torch.cat(parts, 2).cpu())
    blocks, single = [], []
    for parts in by_length.values():
        block = torch.cat(parts)
        block = block[:, (block != 0).any(0).any(-1)]
        if block.shape[1]:
            (single if block.shape[1] == 1 else blocks).append(block)
    if single:
        blocks.append(torch.cat(single))
    rows = Rows(tuple((len(block), block.shape[1]) for block in blocks))
    flat = [block.flatten(0, 1) for block in blocks]
    return torch.cat(flat) if flat else torch.empty(0, 0), rows


def written(
    model: TransformerBridge, layers: Sequence[int], z: Float[Tensor, "row head d_head"]
) -> Float[Tensor, "row head d_head"]:
    """Coordinates of what heads write, z W_O, with its inner products but only d_head numbers."""
    o = torch.cat([head_weights(model, layer, fold=False).o for layer in layers]).to(z.device)
    # On the CPU: not every device has eigenvectors.
    size, directions = torch.linalg.eigh((o @ o.mT).cpu().double())
    root = (directions * size.clamp(min=0).sqrt()[:, None]).to(z)
    return torch.einsum("rhd,hde->rhe", z, root)


def write_spaces(
    model: TransformerBridge, layers: Sequence[int]
) -> list[Float[Tensor, "rank d_model"]]:
    """An orthonormal basis of what each head can write, whatever it reads: of W_V W_O."""
    bases = []
    for layer in layers:
        check_stop()
        weights = head_weights(model, layer, fold=False)
        for v, o in zip(weights.v.cpu().double(), weights.o.cpu().double(), strict=True):
            _, size, basis = torch.linalg.svd(torch.linalg.qr(v).R @ o, full_matrices=False)
            least = float(size.max()) * max(v.shape) * torch.finfo(torch.float32).eps
            bases.append(basis[size > least] if float(size.max()) > 0 else basis[:0])
    return bases
