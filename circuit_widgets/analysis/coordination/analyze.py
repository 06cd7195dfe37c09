"""Which heads work together, beyond what chance would show, and how."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from scipy.cluster import hierarchy
from torch import Tensor

from circuit_widgets.analysis.coordination.pairs import type_pairs
from circuit_widgets.analysis.coordination.results import HeadCoordination
from circuit_widgets.analysis.coordination.rows import few_rows
from circuit_widgets.analysis.coordination.similarity import METHODS, Similarity, similarity
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.metrics import Metric, checked, next_token_logp
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.results.provenance import Provenance, begun
from circuit_widgets.statistics.permutations import discoveries

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

_ABOUT = {
    "contribution": "Spearman correlation of z · d metric / d z, centred by mean and position",
    "pearson": "Pearson correlation of flattened z",
    "cka": "debiased linear CKA of z W_O",
    "projection": "projection kernel of the spaces that heads write to",
}


@analysis("coordination")
def analyze_head_coordination(
    model: TransformerBridge,
    prompts: Any,
    layer: int | None = None,
    method: str = "contribution",
    *,
    metric: Metric | None = None,
    n_permutations: int = 500,
    fdr: float = 0.05,
    pairs: int = 6,
    batch: int = 8,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[HeadCoordination]:
    """Compare all pairs of heads, say which are alike beyond chance, and how those work together.

    What `method` can be:

    - contribution: z · d metric / d z of each head at each prompt and position, centred by mean and
      by position (over prompts of one length; one prompt alone by mean only), Spearman over prompts
      and positions: do two heads matter in the same places? One forward and backward pass a batch.
    - pearson: `torch.corrcoef` of two heads' flattened z [prompt, position, d_head]. The mean of
      z, single positions and sinks (BOS) that all heads share dominate it, and so does the
      arbitrary order of d_head: a baseline.
    - cka: linear centred kernel alignment of what heads write to the residual stream, z W_O, over
      prompts and positions (Kornblith et al. 2019, Similarity of Neural Network Representations
      Revisited), with the unbiased HSIC (Song et al. 2012; Nguyen et al. 2021), which is about 0
      by chance however many dimensions there are. Its null costs the square of all heads' d_head
      a permutation: for a large model take one layer.
    - projection: the projection kernel of the spaces that W_V W_O of the heads can write to,
      ‖U1ᵀ U2‖² / min(rank): weights only.

    The null of the first three takes one head's rows in another order: whole prompts are shuffled
    where there are 8 of one length, else each prompt's positions go round, which keeps how slowly
    a series changes but not what belongs to a position (so that of few prompts, likeness by
    position counts as coordination). One short prompt has few shifts.
    p of the signed methods pools the shuffles of all pairs, each in units of its own spread; p of
    cka counts the pair's own, and is at least 1 / (n_permutations + 1). The null of projection is
    two random subspaces.

    Then, for the strongest significant pairs, interventions: see `HeadCoordination.pairs`. The path
    is Wang et al. 2022's (Interpretability in the Wild).

    Args:
        model: A TransformerBridge with causal attention.
        prompts: A text, several, ids of one or of several. Lengths may differ, nothing is padded.
        layer: Its heads alone; None is all heads of the model.
        method: "contribution", "pearson", "cka" or "projection".
        metric: From logits [batch, pos, vocab] and ids [batch, pos] to one number a prompt that is
            better if higher, differentiable. None: mean logp of the token that follows, in nats.
        n_permutations: Shuffles of the null, from 20.
        fdr: Share of false finds among the significant pairs.
        pairs: How many of them get a type, at most.
        batch: Prompts a pass, at most.
        seed: Of shuffles and of random paths.
        confidence: Of the intervals over prompts (Student's t).
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not prompts, a metric that cannot be called, or an unknown keyword.
        ValueError: A number or a method out of range; fewer than 2 heads; fewer than 8 positions.
    """
    for name, value, least in (
        ("n_permutations", n_permutations, 20),
        ("pairs", pairs, 0),
        ("batch", batch, 1),
    ):
        if not _whole(value) or value < least:
            raise ValueError(f"{name} is {value!r}; accepted is a whole number from {least}")
    for name, share in {"fdr": fdr, "confidence": confidence}.items():
        if not 0 < share < 1:
            raise ValueError(f"{name} is {share}; accepted is between 0 and 1, like 0.95")
    if method not in METHODS:
        raise ValueError(f"method is {method!r}; accepted are {', '.join(METHODS)}")
    if metric is not None and not callable(metric):
        raise TypeError(
            f"metric cannot be {type(metric).__name__}; accepted is a function of logits and ids"
        )
    n_layers, n_heads = int(model.cfg.n_layers), int(model.cfg.n_heads)
    if layer is not None and (not _whole(layer) or not 0 <= layer < n_layers):
        raise ValueError(f"layer is {layer!r}; accepted are 0 to {n_layers - 1}, and None for all")
    layers = tuple(range(n_layers)) if layer is None else (layer,)
    if len(layers) * n_heads < 2:
        where = "this model" if layer is None else f"layer {layer}"
        raise ValueError(f"{where} has one head; accepted are 2 or more, to compare them")
    read = Prompts(model, prompts)
    if method != "projection":
        few_rows(read.n_tokens, "(tokens)")
    made = begun(
        model,
        "analyze_head_coordination",
        method=_ABOUT[method],
        probe=f"{len(read)} prompts, {read.n_tokens} tokens",
        seed=seed,
        parameters={
            "prompts": tuple(tokens.text for tokens in read.tokens),
            "layer": layer,
            "method": method,
            "metric": "mean logp of the next token" if metric is None else _name(metric),
            "n_permutations": n_permutations,
            "fdr": fdr,
            "pairs": pairs,
            "batch": batch,
            "confidence": confidence,
        },
        n_total=1,
        unit="steps",
    )
    return _results(model, read, layers, checked(metric or next_token_logp), made)


def _results(
    model: TransformerBridge,
    prompts: Prompts,
    layers: tuple[int, ...],
    metric: Metric,
    made: Provenance,
) -> Iterator[HeadCoordination]:
    started = time.perf_counter()
    asked, seed = made.parameters, made.seed or 0
    n_heads = int(model.cfg.n_heads)
    found = similarity(
        model,
        prompts,
        layers,
        asked["method"],
        metric,
        n_permutations=asked["n_permutations"],
        batch=asked["batch"],
        seed=seed,
    )
    heads = tuple(str(Head(layer, head)) for layer in layers for head in range(n_heads))
    made = dataclasses.replace(made, n_done=1, method=f"{made.method}; null: {found.about}")
    result = _matrices(found, heads, made)
    chosen = result.significant()[: asked["pairs"]]
    made = dataclasses.replace(made, n_total=1 + len(chosen), seconds=time.perf_counter() - started)
    result = dataclasses.replace(result, provenance=made)
    yield result
    if not chosen:
        return
    used = sorted({head.layer for a, b, _, _ in chosen for head in (a, b)})
    batches = (tokens for _, tokens in prompts.batches(asked["batch"]))
    ablation = Ablation(model, batches, metric, used)
    for pair in type_pairs(ablation, chosen, n_heads, asked["confidence"], seed):
        made = dataclasses.replace(
            made, n_done=made.n_done + 1, seconds=time.perf_counter() - started
        )
        result = dataclasses.replace(result, provenance=made, pairs=(*result.pairs, pair))
        yield result


def _matrices(found: Similarity, heads: tuple[str, ...], made: Provenance) -> HeadCoordination:
    n = len(heads)
    i, j = torch.triu_indices(n, n, 1)

    def square(pairs: Float[Tensor, " pair"]) -> Float[Tensor, "head head"]:
        matrix = torch.full((n, n), math.nan)
        matrix[i, j] = matrix[j, i] = pairs.float()
        return matrix

    # What is missing is like nothing.
    far = (1 - found.value.double().abs().nan_to_num(0)).clamp(0, 1).numpy()
    tree = hierarchy.linkage(far, "average", optimal_ordering=n <= 300)
    return HeadCoordination(
        provenance=made,
        heads=heads,
        method=made.parameters["method"],
        value=square(found.value),
        p=square(found.p),
        q=square(discoveries(found.p)),
        null_mean=square(found.null_mean),
        null_std=square(found.null_std),
        order=tuple(map(int, hierarchy.leaves_list(tree))),
        fdr=made.parameters["fdr"],
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _name(metric: Any) -> str:
    return getattr(metric, "__name__", type(metric).__name__)
