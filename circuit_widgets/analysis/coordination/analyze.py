"""Which heads work together, beyond what chance would show, and how."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from scipy.cluster import hierarchy
from torch import Tensor

from circuit_widgets import arguments
from circuit_widgets.analysis.coordination.pairs import type_pairs
from circuit_widgets.analysis.coordination.results import HeadCoordination
from circuit_widgets.analysis.coordination.rows import few_rows
from circuit_widgets.analysis.coordination.similarity import (
    METHODS,
    STAGES,
    Similarity,
    similarity,
)
from circuit_widgets.causal.ablation import Ablation
from circuit_widgets.causal.measured import Read, read_at
from circuit_widgets.causal.metrics import Metric
from circuit_widgets.heads import Head
from circuit_widgets.jobs.analysis import analysis
from circuit_widgets.jobs.progress import Progress, Work
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.targets import Target
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


@dataclasses.dataclass(frozen=True)
class Settings:
    """The arguments of `analyze_head_coordination`, checked, as provenance keeps them.

    metric: its name. prompts: as text. target, position: of each prompt; None where a mean over all
    tokens or a function is measured.
    """

    prompts: tuple[str, ...]
    layer: int | None
    method: str
    metric: str
    n_permutations: int
    fdr: float
    pairs: int
    batch: int
    seed: int
    confidence: float
    equivalence: float = 0.02
    target: tuple[Target, ...] | None = None
    position: tuple[int, ...] | None = None


@analysis("coordination")
def analyze_head_coordination(
    model: TransformerBridge,
    prompts: Any,
    layer: int | None = None,
    method: str = "contribution",
    *,
    metric: Metric | None = None,
    target: Any = None,
    position: int | Sequence[int] = -1,
    n_permutations: int = 500,
    fdr: float = 0.05,
    pairs: int = 6,
    equivalence: float = 0.02,
    batch: int = 8,
    seed: int = 0,
    confidence: float = 0.95,
    progress: bool = True,
) -> Iterator[HeadCoordination | Progress]:
    """Compare all pairs of heads, find the significantly similar ones, and how they work together.

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
      a shuffle: for a large model take one layer.
    - projection: the projection kernel of the spaces that W_V W_O of the heads can write to,
      ‖U1ᵀ U2‖² / min(rank): weights only.

    The p of the first three is the larger of two. *Shuffled prompts*: prompts of one length change
    places, for one of the two heads. It is a null only where they have 1,000 orders or more (7
    different prompts of one length do); else there are values and no p. *Random readers*: the later
    head reads the residual stream turned at random, 50 times, so that what two heads share by
    reading one text is no coordination; among heads of random weights no pair stands out. p counts
    the shuffles of all pairs together, each in units of its own spread; that of cka counts the
    pair's own shuffles, and is at least 1 / (n_permutations + 1). Heads that share keys and values
    are alike by construction, and have no p by pearson and cka. The null of projection is two
    random subspaces.

    Where no pair is significant, the text says what would have been: see `HeadCoordination`.

    Then, for the strongest significant pairs, interventions: `CoordinatedPair` says what they are.
    The path is Wang et al. 2022's (Interpretability in the Wild).

    Args:
        model: A TransformerBridge with causal attention.
        prompts: A text, several, ids of one or of several. Lengths may differ, nothing is padded.
            A prompt that is given twice counts once.
        layer: Its heads alone; None is all heads of the model.
        method: "contribution", "pearson", "cka" or "projection".
        metric: From logits [batch, pos, vocab] and ids [batch, pos] to one number a prompt that is
            better if higher, differentiable. None: mean logp of the token that follows, in nats.
        target: Instead: a token by its id or text, whose log-probability after `position` is
            measured, or two, `(" Mary", " John")`: the difference of their logits; a list has one
            of these for each prompt.
        position: Whose output is read where there is a target, negative from the end; a list has
            one for each prompt.
        n_permutations: Shuffles of the null, from 20.
        fdr: Share of false finds among the significant pairs.
        pairs: How many of them get a type, at most. The type of a pair does not depend on it: its
            intervals hold for all significant pairs together.
        equivalence: An effect inside ± this is as good as none; in units of the metric (nats).
        batch: Prompts a pass, at most.
        seed: Of shuffles, random readers and control paths.
        confidence: Of the intervals over prompts (Student's t).
        progress: Show a progress bar.

    Raises:
        TypeError: Not a model, not prompts, a metric that cannot be called, or an unknown keyword.
        ValueError: A number or a method out of range; fewer than 2 heads; fewer than 8 positions
            at which a head can change what is measured; a target or a position that is not there.

    >>> import circuit_widgets as cw
    >>> texts = ["blue dog seven river blue dog seven", "cat seven dog river cat seven dog"]
    >>> result = cw.analyze_head_coordination(cw.load_model(), texts, pairs=0, progress=False)
    >>> result.matrix().shape
    (8, 8)
    """
    settings = Settings(
        layer=None if layer is None else arguments.whole("layer", layer, 0, model.cfg.n_layers - 1),
        method=arguments.choice("method", method, METHODS),
        metric="",
        n_permutations=arguments.whole("n_permutations", n_permutations, 20),
        fdr=arguments.share("fdr", fdr, example=0.05),
        pairs=arguments.whole("pairs", pairs),
        equivalence=arguments.positive("equivalence", equivalence, example=0.02),
        batch=arguments.whole("batch", batch, 1),
        seed=arguments.seed(seed),
        confidence=arguments.share("confidence", confidence),
        prompts=(),
    )
    every = tuple(range(int(model.cfg.n_layers)))
    layers = every if settings.layer is None else (settings.layer,)
    if len(layers) * int(model.cfg.n_heads) < 2:
        where = "this model" if layer is None else f"layer {layer}"
        raise ValueError(f"{where} has one head; accepted are 2 or more, to compare them")
    if metric is not None and not callable(metric):
        raise TypeError(
            f"metric cannot be {type(metric).__name__}; accepted is a function of logits and ids"
        )
    given = Prompts(model, prompts)
    read = given.different()
    # What is asked of a prompt that is given twice is asked once.
    once = [at for at, one in enumerate(given.tokens) if any(one is two for two in read.tokens)]
    places, targets = (
        [each[at] for at in once] if isinstance(each, list) and len(each) == len(given) else each
        for each in (position, target)
    )
    measured = read_at(model, read, places, targets, metric)
    if method != "projection":
        few_rows(read.n_tokens, "(tokens)")
    settings = dataclasses.replace(
        settings,
        prompts=tuple(tokens.text for tokens in read.tokens),
        metric=_named(measured, metric),
        target=measured.targets or None,
        position=measured.places or None,
    )
    provenance = begun(
        model,
        "analyze_head_coordination",
        settings,
        method=_ABOUT[method],
        probe=_probe(len(given), read),
        n_total=1,
        unit="steps",
    )
    return _steps(model, read, layers, measured, settings, provenance)


def _steps(
    model: TransformerBridge,
    prompts: Prompts,
    layers: tuple[int, ...],
    measured: Read,
    settings: Settings,
    provenance: Provenance,
) -> Iterator[HeadCoordination | Progress]:
    n_heads = int(model.cfg.n_heads)
    stages = {} if settings.method == "projection" else STAGES
    work = Work({**stages, "pairs": settings.pairs})
    compared = yield from similarity(
        model,
        prompts,
        layers,
        settings.method,
        measured.metric,
        n_permutations=settings.n_permutations,
        batch=settings.batch,
        seed=settings.seed,
        work=work,
    )
    heads = tuple(str(Head(layer, head)) for layer in layers for head in range(n_heads))
    provenance = dataclasses.replace(
        provenance, n_done=1, method=f"{provenance.method}; null: {compared.about}"
    )
    result = _matrices(compared, heads, settings, provenance)
    chosen = result.significant()[: settings.pairs]
    provenance = dataclasses.replace(provenance, n_total=1 + len(chosen))
    result = dataclasses.replace(result, provenance=provenance)
    work.plan("pairs", len(chosen))
    yield result
    if not chosen:
        return
    shape = int(model.cfg.n_layers), n_heads
    order, batches = zip(*prompts.batches(settings.batch), strict=True)
    ablation = Ablation(model, batches, [measured.metric(rows) for rows in order])
    how = (settings.confidence, settings.equivalence, settings.seed)
    for pair in type_pairs(ablation, chosen, shape, *how, len(result.significant())):
        yield work.did("pairs")
        provenance = dataclasses.replace(provenance, n_done=provenance.n_done + 1)
        result = dataclasses.replace(result, provenance=provenance, pairs=(*result.pairs, pair))
        yield result


def _matrices(
    compared: Similarity, heads: tuple[str, ...], settings: Settings, provenance: Provenance
) -> HeadCoordination:
    n = len(heads)
    i, j = torch.triu_indices(n, n, 1)

    def square(pairs: Float[Tensor, " pair"]) -> Float[Tensor, "head head"]:
        matrix = torch.full((n, n), math.nan)
        matrix[i, j] = matrix[j, i] = pairs.float()
        return matrix

    # What is missing is like nothing.
    far = (1 - compared.value.double().abs().nan_to_num(0)).clamp(0, 1).numpy()
    tree = hierarchy.linkage(far, "average", optimal_ordering=n <= 300)
    return HeadCoordination(
        provenance=provenance,
        heads=heads,
        method=settings.method,
        value=square(compared.value),
        p=square(compared.p),
        q=square(discoveries(compared.p)),
        null_mean=square(compared.null_mean),
        null_std=square(compared.null_std),
        order=tuple(map(int, hierarchy.leaves_list(tree))),
        fdr=settings.fdr,
        random_mean=square(compared.random_mean),
        random_std=square(compared.random_std),
        why=square(compared.why).nan_to_num(-1).int(),
        reasons=compared.reasons,
        n_shuffles=compared.n_shuffles,
        least_p=compared.least_p,
    )


def _named(measured: Read, metric: Metric | None) -> str:
    if metric is not None:
        return measured.name
    return measured.words if measured.targets else "mean logp of the next token"


def _probe(given: int, read: Prompts) -> str:
    n = len(read)
    different = "" if n == given else f" (of {given}, each once)"
    return f"{n} prompt{'' if n == 1 else 's'}{different}, {read.n_tokens} tokens"
