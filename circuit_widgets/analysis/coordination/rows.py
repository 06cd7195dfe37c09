"""What is compared of heads: a row for each prompt and position, or the weights alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.capture.stopping import check_stop
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.statistics.permutations import Rows
from circuit_widgets.weights.heads import head_weights, output_weights
from circuit_widgets.weights.writing import writing

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


@dataclasses.dataclass(frozen=True)
class Contributions:
    """Z · d metric / d z of every head at the positions at which a head changes the metric.

    Attributes:
        z, slopes: Its two factors.
        rows: How the rows lie.
        kept: Which of all rows, as `activations` gives them, these are.
    """

    z: Float[Tensor, "row head d_head"]
    slopes: Float[Tensor, "row head d_head"]
    rows: Rows
    kept: Int[Tensor, " row"]

    def of(self, z: Float[Tensor, "*draw row head d_head"]) -> Float[Tensor, "*draw row head"]:
        """The contributions of these or other z, by the slopes of this run, in float64."""
        return (z * self.slopes).sum(-1).double()


@dataclasses.dataclass(frozen=True)
class Activations:
    """Z of every head at every position of every prompt.

    Attributes:
        z: On the model's device.
        rows: How the rows lie.
        inputs: Of each batch's layers.
        sizes: What z W_O is multiplied by before it is added: 1, or by a norm that comes after it;
            None where nobody asked.
    """

    z: Float[Tensor, "row head d_head"]
    rows: Rows
    inputs: list[capture.BlockInputs]
    sizes: Float[Tensor, "row head"] | None = None


def activations(
    model: TransformerBridge,
    prompts: Prompts,
    layers: Sequence[int],
    batch: int,
    *,
    sized: bool = False,
) -> Activations:
    """Z of every head, the inputs of each batch's layers, and `sized` what heads' writes are sized.

    Raises:
        PartsMissing: `sized`, and a layer's heads do not add up to what its attention adds.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.prompts import Prompts
    >>> model = load_model()
    >>> texts = Prompts(model, ["blue dog seven river blue dog", "cat seven dog cat seven dog"])
    >>> found = activations(model, texts, [0, 1], batch=8)
    >>> found.z.shape, found.rows, len(found.inputs)
    (torch.Size([14, 8, 16]), Rows(blocks=((2, 7),)), 1)
    """
    found, lengths, inputs, sizes = [], {}, [], []
    for _, tokens in prompts.batches(batch):
        keep, out = (capture.Keep(site, frozenset(layers)) for site in ("z", "attn_out"))
        inputs.append(capture.BlockInputs())
        reducers = [keep, inputs[-1], *([out] if sized else [])]
        capture.run(model, tokens, reducers, logits=False)
        found.append(_joined([keep.tensors[at] for at in layers]))
        lengths[tokens.shape[1]] = lengths.get(tokens.shape[1], 0) + len(tokens)
        if sized:
            of = [_sizes(model, at, keep.tensors[at], out.tensors[at]) for at in layers]
            sizes.append(torch.cat(of, 2).flatten(0, 1))
    rows = Rows(tuple((n, length) for length, n in lengths.items()))
    return Activations(torch.cat(found), rows, inputs, torch.cat(sizes) if sized else None)


def _joined(
    layers: Sequence[Float[Tensor, "batch pos head d_head"]],
) -> Float[Tensor, "row head d_head"]:
    """All heads side by side."""
    widths = {each.shape[-1] for each in layers}
    if len(widths) > 1:
        raise ValueError(
            f"heads of this model have {' and '.join(map(str, sorted(widths)))} numbers each, and "
            "only heads of one width are compared"
        )
    return torch.cat([*layers], 2).float().flatten(0, 1)


def _sizes(
    model: TransformerBridge, layer: int, z: Tensor, attn_out: Tensor
) -> Float[Tensor, "batch pos head"]:
    return writing(model, layer, z, attn_out).factor.expand(*z.shape[:3])


def contributions(
    model: TransformerBridge,
    prompts: Prompts,
    layers: Sequence[int],
    metric: Callable[[Sequence[int]], Metric],
    batch: int,
) -> Contributions:
    """Z · d metric / d z of every head at every position, on the CPU.

    metric: from the numbers of a batch's prompts to their metric.

    Without the positions of a length at which no head changes the metric of any prompt: for the
    mean over tokens that follow, the last one. Lengths of which one position is left are one block:
    which position it was makes no difference there.
    """
    values, slopes, sizes = [], [], {}
    for at, tokens in prompts.batches(batch):
        measure = metric(at)
        got = capture.gradients(
            model,
            tokens,
            [("z", frozenset(layers))],
            lambda logits, ids=tokens, measure=measure: measure(logits, ids),
        )
        for parts, of in ((values, got.values), (slopes, got.slopes)):
            parts.append(_joined([of["z", layer] for layer in layers]).cpu())
        sizes[tokens.shape[1]] = sizes.get(tokens.shape[1], 0) + len(tokens)
    z, slope = torch.cat(values), torch.cat(slopes)
    matters = ((z * slope).sum(-1) != 0).any(1)
    blocks, single, start = [], [], 0
    for length, n in sizes.items():
        grid = torch.arange(start, start + n * length).view(n, length)
        grid = grid[:, matters[grid].any(0)]
        start += n * length
        if grid.shape[1]:
            (single if grid.shape[1] == 1 else blocks).append(grid)
    if single:
        blocks.append(torch.cat(single))
    kept = torch.cat([block.flatten() for block in blocks]) if blocks else torch.arange(0)
    rows = Rows(tuple((len(block), block.shape[1]) for block in blocks))
    return Contributions(z[kept], slope[kept], rows, kept)


class Writes:
    """Coordinates of what heads write, with its inner products but only d_head numbers.

    sizes: of each row and head, from `activations`; None: z W_O as it is.
    """

    def __init__(
        self,
        model: TransformerBridge,
        layers: Sequence[int],
        sizes: Float[Tensor, "row head"] | None = None,
    ) -> None:
        self._sizes = sizes
        o = torch.cat([output_weights(model, layer) for layer in layers])
        # On the CPU: not every device has eigenvectors.
        size, directions = torch.linalg.eigh((o @ o.mT).cpu().double())
        self._root = directions * size.clamp(min=0).sqrt()[:, None]

    def of(self, z: Float[Tensor, "*draw row head d_head"]) -> Tensor:
        """Of the z [*draw, row, head, d_head]."""
        z = z if self._sizes is None else z * self._sizes[..., None]
        return torch.einsum("...hd,hde->...he", z, self._root.to(z))


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
