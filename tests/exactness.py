"""Each analysis on one decoder, beside a recomputation with plain hooks (plain.py).

`CHECKS` are functions of a bridge and the same model without one; each gives pairs of what was
found and what it must be.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture
from circuit_widgets.analysis.coordination.rows import contributions
from circuit_widgets.analysis.induction import identify_induction_heads
from circuit_widgets.analysis.patterns import detect_attention_patterns
from circuit_widgets.attention.diagonals import Diagonals
from circuit_widgets.attention.shapes import PatternScores
from circuit_widgets.attention.text import TextScores
from circuit_widgets.causal.knockout import knocked_out
from circuit_widgets.causal.metrics import next_token_logp
from circuit_widgets.causal.replacement import Corruption
from circuit_widgets.live.reading import read
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.repeats import Probe
from circuit_widgets.prompts.tokens import tokenize
from circuit_widgets.weights.heads import head_weights, normalises_after, output_norm
from tests.exact_parts import attribution, flow
from tests.plain import IDS, Pairs, Plain, cut

# How far two ways to a number may be apart by rounding, as a share of the largest.
_ROUNDING = 2e-4
OTHER = torch.tensor([[61, 12, 12, 80, 3, 61, 12, 9]])


def reading(model: TransformerBridge, plain: Plain) -> Pairs:
    """The explorer: patterns, also those made again from a layer's input, scores, next tokens."""
    tokens = tokenize(model, IDS[0].tolist(), warn=False)
    # With no memory for whole layers each is made again.
    seen = read(model, tokens, 0, 1, str)
    logits = plain.logits(IDS)
    n_layers, n_heads = model.cfg.n_layers, model.cfg.n_heads
    scores = TextScores(tokens.ids, n_layers, n_heads, has_bos=tokens.has_bos)
    window = (0, IDS.shape[1], 0, IDS.shape[1])
    for layer, pattern in enumerate(plain.patterns):
        for head in range(n_heads):
            yield seen.store.cells(layer, head, window), pattern[0, head]
        scores.see(layer, pattern)
    for name, score in scores.scores().items():
        yield seen.scores.scores()[name].value, score.value
    top = logits[0].float().softmax(-1).topk(seen.next.probabilities.shape[-1])
    yield seen.next.probabilities, top.values


def induction(model: TransformerBridge, plain: Plain) -> Pairs:
    """`identify_induction_heads`: its scores and losses on random tokens, and that it ablates."""
    found = identify_induction_heads(
        model, n_sequences=2, length=6, seed=3, copying=False, pairs=False, progress=False
    )
    probe = Probe(model, 6, 3, None)
    names = ("prefix_matching", "duplicate_token", "previous_token")
    reducer = Diagonals(probe.layout, names, model.cfg.n_layers)
    tokens = probe.pairs(2)
    logits = plain.logits(tokens)
    for layer, pattern in enumerate(plain.patterns):
        reducer.see(layer, pattern)
    means = reducer.means()[:, :2].mean(1)
    for name, mean in zip(names, means, strict=True):
        yield getattr(found, name).value, mean
    half = slice(6, 11)
    nats = torch.nn.functional.cross_entropy(
        logits[:2, half].transpose(1, 2), tokens[:2, 7:12], reduction="none"
    )
    assert found.loss_second is not None
    yield found.loss_second.value, nats.mean()


def weights(model: TransformerBridge, plain: Plain) -> Pairs:
    """W_Q, W_K, W_V and W_O, which copying and composition are made of; and that these run."""
    _, cache = model.run_with_cache(IDS)
    for layer, project in enumerate(plain.projections):
        attention, found = model.blocks[layer].attn, head_weights(model, layer, fold=False)
        # What attention is given: GPT-1 and OLMo 2 have no norm before it.
        given = f"blocks.{layer}.ln1.hook_out"
        normed = given in cache and not normalises_after(model)
        read = cache[given if normed else f"blocks.{layer}.hook_resid_pre"][0]
        latent = hasattr(attention.original_component, "v_head_dim")
        for name, weight in (("q", found.q), ("k", found.k), ("v", found.v)):
            shown = cache[f"blocks.{layer}.attn.hook_{name}"][0]
            if latent:
                # Heads first; what is for rotary positions alone comes last.
                shown = shown.transpose(0, 1)[..., : weight.shape[2]]
                got = torch.einsum("pd,hde->phe", read, weight)
                # A norm on the way: up to one number a position.
                size = (got * shown).sum((1, 2)) / got.square().sum((1, 2))
                yield got * size[:, None, None], shown
                continue
            shown = shown.repeat_interleave(len(weight) // shown.shape[1], 1)
            bias = getattr(attention, f"b_{name.upper()}")
            got = torch.einsum("pd,hde->phe", read, weight)
            if bias is not None:
                got = got + bias.repeat_interleave(len(weight) // len(bias), 0)
            yield got, shown
        z = torch.eye(found.o.shape[0] * found.o.shape[1])
        after, _ = output_norm(model, layer)
        o = found.o if after is None else found.o / after.gain
        yield o.flatten(0, 1), project(z) - project(torch.zeros_like(z))
    identify_induction_heads(model, n_sequences=2, length=6, ablation=0, progress=False)


def ablation(model: TransformerBridge, plain: Plain) -> Pairs:
    """One head's z set to 0, by a run and by one that is resumed at the head's layer."""
    inputs = capture.BlockInputs()
    yield capture.run(model, IDS, [inputs]), plain.logits(IDS)
    for layer, head in ((0, 1), (model.cfg.n_layers - 1, 2)):
        edit = capture.ablate((layer, head), by="zero")

        def silence(z: Tensor, head: int = head) -> Tensor:
            z = z.unflatten(-1, (model.cfg.n_heads, -1)).clone()
            z[:, :, head] = 0
            return z.flatten(-2)

        with plain.at_z(layer, silence):
            expected = plain.logits(IDS)
        yield capture.run(model, IDS, interventions=[edit]), expected
        yield capture.resume(model, inputs, layer, interventions=[edit]), expected


def knockout(model: TransformerBridge, plain: Plain) -> Pairs:
    """One head or all cut off from a key, both ways; and many keys at once behind a prefix."""
    n, layers = IDS.shape[1], range(model.cfg.n_layers)
    for renormalise in (True, False):
        one = capture.knock_out("1.2", n - 1, 3, renormalise=renormalise)
        change = cut(range(1, 2), slice(2, 3), n - 1, 3, renormalise=renormalise)
        yield capture.run(model, IDS, interventions=[one]), plain.logits(IDS, change)
    target, keys = int(OTHER[0, 0]), [1, 4]
    prefix = capture.Prefix(model, IDS, last=1)
    found = knocked_out(
        prefix, IDS[0], torch.tensor([target]), keys, [(layers, False), (layers, True)]
    )
    clean = plain.logits(IDS)[0, -1].float().log_softmax(-1)[target]
    for at, key in enumerate(keys):
        for row, renormalise in enumerate((False, True)):
            change = cut(layers, slice(None), n - 1, key, renormalise=renormalise)
            log = plain.logits(IDS, change)[0, -1].float().log_softmax(-1)[target]
            yield found[row, at, 0], clean - log


def patterns(model: TransformerBridge, plain: Plain) -> Pairs:
    """`detect_attention_patterns` on a prompt."""
    found = detect_attention_patterns(
        model, [IDS[0].tolist()], n_sequences=1, length=6, progress=False
    )
    plain.logits(IDS)
    reducer = PatternScores(IDS, model.cfg.n_layers, model.cfg.n_heads)
    for layer, pattern in enumerate(plain.patterns):
        reducer.see(layer, pattern)
    for name, values in zip(reducer.names, reducer.values, strict=True):
        yield found.score(name).value, values[0]


def coordination(model: TransformerBridge, plain: Plain) -> Pairs:
    """What heads contribute to the log probability of the next token: z times its slope."""
    layers, n_heads = list(range(model.cfg.n_layers)), model.cfg.n_heads
    prompts = Prompts(model, [IDS[0].tolist(), OTHER[0].tolist()])
    found = contributions(model, prompts, layers, lambda _: next_token_logp, 2)
    tokens, expected = torch.cat([IDS, OTHER]), []
    for layer in layers:
        kept: list[Tensor] = []

        def keep(z: Tensor, kept: list[Tensor] = kept) -> Tensor:
            kept.append(z.detach().requires_grad_())
            return kept[0]

        with plain.at_z(layer, keep), torch.enable_grad():
            metric = next_token_logp(plain.logits(tokens), tokens).sum()
            (slope,) = torch.autograd.grad(metric, kept)
        product = (kept[0] * slope).detach().unflatten(-1, (n_heads, -1)).sum(-1)
        expected.append(product[:, :-1].flatten(0, 1))
    yield (found.z * found.slopes).sum(-1), torch.cat(expected, 1)


def influence(model: TransformerBridge, plain: Plain) -> Pairs:
    """Other tokens in the place of each, read at the last position, behind a shared prefix."""
    put = OTHER[0][:, None]
    corruption = Corruption(model, IDS[0], None, put, pairs=False, batch=8)
    clean = plain.logits(IDS)[0, -1].float().log_softmax(-1)
    for positions, effects in corruption.passes([1, 3, 6]):
        for at, position in enumerate(positions):
            ids = IDS.clone()
            ids[0, position] = put[position, 0]
            log = plain.logits(ids)[0, -1].float().log_softmax(-1)
            yield effects["logp"][at, 0], (clean - log)[corruption.target]
            yield effects["kl"][at, 0], (clean.exp() * (clean - log)).sum()


CHECKS: dict[str, Callable[[TransformerBridge, Plain], Pairs]] = {
    check.__name__: check
    for check in (
        reading,
        induction,
        weights,
        ablation,
        knockout,
        patterns,
        coordination,
        influence,
        flow,
        attribution,
    )
}


def verdict(name: str, model: TransformerBridge, plain: Plain) -> str:
    """ "exact", "refused: why", or what is wrong."""
    try:
        with torch.no_grad():
            for found, expected in CHECKS[name](model, plain):
                found, expected = found.float().detach(), expected.float().detach()
                if found.shape != expected.shape:
                    return f"wrong: {list(found.shape)} instead of {list(expected.shape)}"
                both = found.isnan() & expected.isnan()
                apart = (found - expected).abs().masked_fill(both, 0)
                if not bool(
                    (apart <= 2e-4 * max(1.0, float(expected.nan_to_num().abs().max()))).all()
                ):
                    return f"wrong by {float(apart.max()):.2g}"
    except (ValueError, RuntimeError) as error:
        return f"refused: {' '.join(str(error).split())}"
    except Exception as error:
        return f"fails: {type(error).__name__}: {' '.join(str(error).split())}"
    return "exact"
