"""How similar two heads are: four measures, for all pairs at once, each with its null."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.coordination.measures import (
    CKA,
    Contribution,
    Measure,
    Pearson,
    upper_pairs,
)
from circuit_widgets.analysis.coordination.rows import (
    Writes,
    activations,
    contributions,
    few_rows,
    write_spaces,
)
from circuit_widgets.analysis.coordination.subspaces import projection
from circuit_widgets.analysis.coordination.turned import TURNS, Turned
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.statistics.permutations import (
    ORDERS,
    Shuffles,
    one_sided,
    shuffled_values,
    two_sided,
    upper,
)

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

METHODS = ("contribution", "pearson", "cka", "projection")
# Of the work, in about equal steps.
STAGES = {"activations": 1, "shuffled prompts": 1, "random readers": 1}

_CONSTANT = {
    "contribution": "one of the heads contributes the same everywhere",
    "pearson": "one of the heads has the same z everywhere",
    "cka": "one of the heads writes the same everywhere",
    "projection": "one of the heads writes nothing",
}
_FEW = (
    f"a p needs {ORDERS} orders in which prompts of one length change places (7 different prompts "
    "of one length have 5040), and here are {n}"
)
_SHARED = "the heads share keys and values, and are alike by construction"
_SAME = "the null is the same everywhere"
_WHOLE = "one of the heads can write to the whole residual stream, which contains every space"


@dataclasses.dataclass(frozen=True)
class Similarity:
    """Of every pair i < j, in the order of `torch.triu_indices(n, n, 1)`.

    `HeadCoordination` says what the fields are. why: -1, or which of `reasons` a pair has no p for.
    about: the null, in words.
    """

    value: Float[Tensor, " pair"]
    p: Float[Tensor, " pair"]
    null_mean: Float[Tensor, " pair"]
    null_std: Float[Tensor, " pair"]
    random_mean: Float[Tensor, " pair"]
    random_std: Float[Tensor, " pair"]
    why: Int[Tensor, " pair"]
    reasons: tuple[str, ...]
    n_shuffles: int
    least_p: float | None
    about: str


def similarity(
    model: TransformerBridge,
    prompts: Prompts,
    layers: Sequence[int],
    method: str,
    metric: Callable[[Sequence[int]], Metric],
    *,
    n_permutations: int,
    batch: int,
    seed: int,
    work: Work,
) -> Generator[Progress, None, Similarity]:
    """Compare all heads of some layers by one of `METHODS`; work: of `STAGES`.

    >>> from circuit_widgets import load_model
    >>> from circuit_widgets.prompts import Prompts
    >>> from circuit_widgets.causal.metrics import next_token_logp
    >>> model = load_model()
    >>> texts = Prompts(model, ["blue dog seven river blue dog", "cat seven dog cat seven dog"])
    >>> steps = similarity(
    ...     model, texts, [0, 1], "pearson", lambda _: next_token_logp, n_permutations=20, batch=8,
    ...     seed=0, work=Work(STAGES),
    ... )
    >>> next(steps).stage
    'shuffled prompts'
    """
    if method == "projection":
        found = projection(write_spaces(model, layers), int(model.cfg.d_model))
        return _of_subspaces(*found)
    seen = activations(model, prompts, layers, batch, sized=method == "cka")
    z, rows, inputs = seen.z, seen.rows, seen.inputs
    measure: Measure
    if method == "contribution":
        changed = contributions(model, prompts, layers, metric, batch)
        few_rows(len(changed.rows), "at which a head can change the metric")
        measure, rows = Contribution(changed), changed.rows
    elif method == "pearson":
        measure = Pearson(z)
    else:
        measure = CKA(z, Writes(model, layers, seen.sizes))
    yield work.did("activations")
    if rows.n_orders < ORDERS:
        return untested(measure.value, _CONSTANT[method], _FEW.format(n=rows.n_orders))
    shuffles = Shuffles(rows, n_permutations, seed)
    null = of_shuffles(measure, shuffles)
    yield work.did("shuffled prompts")
    draws = Turned(model, inputs, layers).draws(TURNS, seed)
    random = torch.cat([measure.beside(draw).cpu() for draw in draws])
    tested = (two_sided if measure.signed else one_sided)(measure.value, random)
    yield work.did("random readers")
    p = torch.maximum(null.p, tested)
    # What two heads have in common by their weights, a head that reads at random does not have.
    alike = torch.zeros(len(p), dtype=torch.bool)
    if method != "contribution":
        alike = _share_keys(model, layers)
        p = torch.where(alike, math.nan, p)
    why = torch.full(p.shape, -1, dtype=torch.int32)
    for at, which in enumerate((p.isnan(), alike, measure.value.isnan())):
        why[which] = at
    return dataclasses.replace(
        null,
        p=p,
        random_mean=random.mean(0),
        random_std=random.std(0),
        why=why,
        reasons=(_SAME, _SHARED, _CONSTANT[method]),
        least_p=max(null.least_p or 0.0, 1 / (1 + TURNS * max(1, int(p.isfinite().sum())))),
        about=f"{null.about}, and {TURNS} random turns of what the later head reads",
    )


def of_shuffles(measure: Measure, shuffles: Shuffles) -> Similarity:
    """Compared with shuffled rows alone.

    >>> from circuit_widgets.statistics.permutations import Rows
    >>> z = torch.randn(90, 2, 3, generator=torch.Generator().manual_seed(0))
    >>> of_shuffles(Pearson(z), Shuffles(Rows(((9, 10),)), 20, seed=0)).p.shape
    torch.Size([1])
    """
    null = shuffled_values(measure.shuffled, shuffles, measure.numbers)
    p = (two_sided if measure.signed else upper)(measure.value, null)
    counted = shuffles.n * max(1, int(p.isfinite().sum())) if measure.signed else shuffles.n
    nothing = torch.full_like(p, math.nan)
    return Similarity(
        value=measure.value,
        p=p,
        null_mean=null.mean(0),
        null_std=null.std(0),
        random_mean=nothing,
        random_std=nothing,
        why=torch.where(p.isnan(), 0, -1).int(),
        reasons=(_SAME,),
        n_shuffles=shuffles.n,
        least_p=1 / (1 + counted),
        about=f"{shuffles.n} shuffles of prompts of one length",
    )


def untested(value: Float[Tensor, " pair"], constant: str, why: str) -> Similarity:
    """Values alone, where no null is like the data."""
    nothing = torch.full_like(value, math.nan)
    return Similarity(
        value,
        *[nothing] * 5,
        why=value.isnan().int(),
        reasons=(why, constant),
        n_shuffles=0,
        least_p=None,
        about=f"none ({why})",
    )


def _of_subspaces(value: Tensor, p: Tensor, mean: Tensor, std: Tensor) -> Similarity:
    nothing = torch.full_like(p, math.nan)
    why = torch.full(p.shape, -1, dtype=torch.int32)
    why[p.isnan()] = 0
    why[value.isnan()] = 1
    return Similarity(
        *(value, p, mean, std, nothing, nothing, why),
        reasons=(_WHOLE, _CONSTANT["projection"]),
        n_shuffles=0,
        least_p=None,
        about="random subspaces of the same ranks",
    )


def _share_keys(model: TransformerBridge, layers: Sequence[int]) -> Tensor:
    """Of every pair, whether both heads use one key and value head."""
    n_heads = int(model.cfg.n_heads)
    n_groups = getattr(model.cfg, "n_key_value_heads", None) or n_heads
    groups = [(at, head * n_groups // n_heads) for at in layers for head in range(n_heads)]
    i, j = (each.tolist() for each in upper_pairs(len(groups)))
    return torch.tensor([groups[a] == groups[b] for a, b in zip(i, j, strict=True)])
