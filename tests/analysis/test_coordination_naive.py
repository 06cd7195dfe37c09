"""analyze_head_coordination against slow loops over run_with_cache and edits by hand."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.heads import Head
from tests import tiny

MODELS = ("gpt2", "llama", "neox", "gemma", "native_gqa")
SAME = [tiny.ids(9, seed=seed)[0].tolist() for seed in range(9)]
RAGGED = [tiny.ids(7 + seed % 3, seed=seed)[0].tolist() for seed in range(6)]
QUICK = {"n_permutations": 20, "pairs": 0, "progress": False}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tiny models: threads that wait for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> TransformerBridge:
    return tiny.make("gpt2")


def mean_logp(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    logp = logits.log_softmax(-1)
    found = [
        sum(logp[row, at, tokens[row, at + 1]] for at in range(tokens.shape[1] - 1))
        for row in range(len(tokens))
    ]
    return torch.stack(found) / (tokens.shape[1] - 1)


# --- the matrix, recomputed naively ---


@torch.no_grad()
def cached_z(model: TransformerBridge, prompts: list[list[int]]) -> dict[Head, list[torch.Tensor]]:
    """Z of each head and prompt [pos, d_head], prompts of one length together."""
    found: dict[Head, list[torch.Tensor]] = {}
    lengths = list(dict.fromkeys(map(len, prompts)))
    for prompt in sorted(prompts, key=lambda ids: lengths.index(len(ids))):
        _, cache = model.run_with_cache(torch.tensor([prompt]))
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                z = cache[f"blocks.{layer}.attn.hook_z"][0, :, head]
                found.setdefault(Head(layer, head), []).append(z)
    return found


def naive_contributions(model: TransformerBridge, prompts: list[list[int]]) -> np.ndarray:
    """[row, head] without the last position, centred by loops."""
    lengths = list(dict.fromkeys(map(len, prompts)))
    columns = []
    for layer in range(model.cfg.n_layers):
        rows: dict[int, list[torch.Tensor]] = {length: [] for length in lengths}
        for prompt in prompts:
            ids, leaf = torch.tensor([prompt]), {}

            def keep(z, hook, leaf=leaf):
                leaf["z"] = z.detach().requires_grad_()
                return leaf["z"]

            with torch.enable_grad():
                logits = model.run_with_hooks(
                    ids, fwd_hooks=[(f"blocks.{layer}.attn.hook_z", keep)]
                )
                (slope,) = torch.autograd.grad(mean_logp(logits, ids).sum(), leaf["z"])
            rows[len(prompt)].append((leaf["z"].detach() * slope).sum(-1)[0, :-1])
        parts = []
        for same in rows.values():
            block = torch.stack(same)
            parts.append((block - block.mean(0) if len(block) > 1 else block).flatten(0, 1))
        joined = torch.cat(parts)
        columns.append(joined - joined.mean(0))
    return torch.cat(columns, 1).numpy()


def naive_hsic(k: np.ndarray, l: np.ndarray) -> float:  # noqa: E741
    """Song et al. 2012, equation 5, from whole kernels."""
    n, one = len(k), np.ones(len(k))
    k, l = (each - np.diag(np.diag(each)) for each in (k, l))  # noqa: E741
    middle = (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ l) + middle - 2 / (n - 2) * one @ k @ l @ one) / (n * (n - 3))


@torch.no_grad()
def recomputed(model: TransformerBridge, prompts: list[list[int]], method: str) -> np.ndarray:
    heads = [Head(i, j) for i in range(model.cfg.n_layers) for j in range(model.cfg.n_heads)]
    matrix = np.full((len(heads), len(heads)), np.nan)
    z = cached_z(model, prompts)
    flat = {head: torch.cat(parts).double().numpy() for head, parts in z.items()}
    made: dict[Head, np.ndarray] = {}
    if method == "contribution":
        columns = naive_contributions(model, prompts)
    for head in heads:
        attn = model.blocks[head.layer].attn
        o = attn.W_O[head.index].double().numpy()
        if method == "cka":
            write = flat[head] @ o
            made[head] = write @ write.T
        if method == "projection":
            v = attn.W_V[head.index * len(attn.W_V) // model.cfg.n_heads].double().numpy()
            _, size, basis = np.linalg.svd(v @ o)
            made[head] = basis[: int((size > 1e-5 * size[0]).sum())]
    for a, one in enumerate(heads):
        for b, other in enumerate(heads):
            if a == b:
                continue
            if method == "pearson":
                both = torch.tensor(np.stack([flat[one].flatten(), flat[other].flatten()]))
                matrix[a, b] = torch.corrcoef(both)[0, 1]
            elif method == "contribution":
                matrix[a, b] = stats.spearmanr(columns[:, a], columns[:, b]).statistic
            elif method == "cka":
                k, l = made[one], made[other]  # noqa: E741
                own = math.sqrt(naive_hsic(k, k) * naive_hsic(l, l))
                matrix[a, b] = naive_hsic(k, l) / own
            else:
                product = made[one] @ made[other].T
                matrix[a, b] = (product**2).sum() / min(product.shape)
    return matrix


@pytest.mark.parametrize("prompts", [SAME, RAGGED], ids=["one length", "ragged"])
@pytest.mark.parametrize("method", ["contribution", "pearson", "cka", "projection"])
def test_values_are_the_definitions(method: str, prompts: list[list[int]]) -> None:
    for name in MODELS if prompts is SAME else ("llama",):
        model = tiny.make(name)
        result = analyze_head_coordination(model, prompts, method=method, batch=4, **QUICK)
        expected = recomputed(model, prompts, method)
        # Ranks of nearly equal numbers may change places.
        tolerance = 2e-3 if method == "contribution" else 1e-4
        np.testing.assert_allclose(result.value.numpy(), expected, atol=tolerance, err_msg=name)
        one = analyze_head_coordination(model, prompts, 1, method, **QUICK)
        assert one.heads == ("1.0", "1.1", "1.2", "1.3")
        np.testing.assert_allclose(one.value, expected[4:8, 4:8], atol=tolerance)


@torch.no_grad()
def test_the_null_is_the_same_statistic_of_shuffled_prompts(model) -> None:
    """Naively: heads of one run beside heads of the prompts in another order."""
    from circuit_widgets.statistics.permutations import Rows, Shuffles

    shuffles = Shuffles(Rows(((9, 9),)), 20, seed=5)
    index = next(shuffles.chunks(20))
    z = cached_z(model, SAME)
    a, b = (torch.cat(z[head]).double() for head in (Head(0, 1), Head(2, 3)))
    drawn = [
        float(torch.corrcoef(torch.stack([a.flatten(), b[order].flatten()]))[0, 1])
        for order in index
    ]
    result = analyze_head_coordination(model, SAME, method="pearson", seed=5, **QUICK)
    assert float(result.null_mean[1, 11]) == pytest.approx(np.mean(drawn), abs=1e-5)
    assert float(result.null_std[1, 11]) == pytest.approx(np.std(drawn, ddof=1), abs=1e-5)
    result = analyze_head_coordination(model, SAME, method="cka", seed=5, **QUICK)
    kernels = [
        each @ model.blocks[at].attn.W_O[h].double() for each, at, h in ((a, 0, 1), (b, 2, 3))
    ]
    k, l = ((each @ each.T).numpy() for each in kernels)  # noqa: E741
    own = math.sqrt(naive_hsic(k, k) * naive_hsic(l, l))
    drawn = [naive_hsic(k, l[np.ix_(order, order)]) / own for order in index.numpy()]
    assert float(result.null_mean[1, 11]) == pytest.approx(np.mean(drawn), abs=1e-4)
    above = sum(each >= float(result.value[1, 11]) for each in drawn)
    # Random readers can only make it less sure.
    assert float(result.p[1, 11]) >= (1 + above) / 21 - 1e-6


# --- how pairs work together, recomputed naively ---


@torch.no_grad()
def without(
    model: TransformerBridge, prompts: list[list[int]], heads: list[Head], metric
) -> torch.Tensor:
    """The metric without heads, prompt by prompt, each at the mean over the other prompts."""
    z = cached_z(model, prompts)
    same = len(set(map(len, prompts))) == 1
    lengths = list(dict.fromkeys(map(len, prompts)))
    ordered = sorted(prompts, key=lambda ids: lengths.index(len(ids)))
    found = []
    for at, prompt in enumerate(ordered):

        def replace(tensor, hook, layer, at=at):
            tensor = tensor.clone()
            for head in heads:
                if head.layer != layer:
                    continue
                others = z[head][:at] + z[head][at + 1 :]
                mean = torch.stack(others).mean(0) if same else torch.cat(others).mean(0)
                tensor[0, :, head.index] = mean
            return tensor

        ids = torch.tensor([prompt])
        edits = [
            (f"blocks.{layer}.attn.hook_z", functools.partial(replace, layer=layer))
            for layer in sorted({head.layer for head in heads})
        ]
        logits = model.run_with_hooks(ids, fwd_hooks=edits)
        found.append(metric(logits, ids)[0])
    return torch.stack(found)


@pytest.mark.parametrize("prompts", [SAME[:5], RAGGED], ids=["one length", "ragged"])
def test_effects_and_interactions_are_those_of_edited_runs(model, prompts) -> None:
    result = analyze_head_coordination(
        model, prompts, method="projection", fdr=0.999, pairs=4, batch=2, progress=False
    )
    assert len(result.pairs) == 4 and result.provenance.complete
    each = 1 - 0.05 / len(result.significant())
    clean = without(model, prompts, [], mean_logp)
    for pair in result.pairs:
        a, b = Head.parse(pair.a), Head.parse(pair.b)
        lost = {
            name: clean - without(model, prompts, heads, mean_logp)
            for name, heads in {"a": [a], "b": [b], "ab": [a, b]}.items()
        }
        for name, effect in lost.items():
            assert getattr(pair, f"effect_{name}") == pytest.approx(float(effect.mean()), abs=1e-4)
        together = (lost["ab"] - lost["a"] - lost["b"]).double()
        assert pair.interaction == pytest.approx(float(together.mean()), abs=1e-4)
        low, high = stats.t.interval(
            each, len(prompts) - 1, float(together.mean()), stats.sem(together.numpy())
        )
        assert (pair.interaction_low, pair.interaction_high) == pytest.approx((low, high), abs=1e-4)
        assert (pair.path is None) == (a.layer == b.layer)
        if a.layer < b.layer:
            assert pair.path_low <= pair.path <= pair.path_high
            assert pair.path_null_low <= pair.path_null_high


@torch.no_grad()
def test_a_path_between_neighbours_is_what_the_receiver_hears(model) -> None:
    """Layers 1 and 2 of 3: the last layer hears it directly, so it can be edited by hand."""
    result = analyze_head_coordination(
        model, SAME[:4], method="projection", fdr=0.999, pairs=66, progress=False
    )
    pair = next(pair for pair in result.pairs if pair.a[0] == "1" and pair.b[0] == "2")
    a, b = Head.parse(pair.a), Head.parse(pair.b)
    z = cached_z(model, SAME[:4])
    found = []
    for at, prompt in enumerate(SAME[:4]):
        ids = torch.tensor([prompt])
        logits = model(ids)
        mean = torch.stack(z[a][:at] + z[a][at + 1 :]).mean(0)
        change = (mean - z[a][at]) @ model.blocks[a.layer].attn.W_O[a.index]
        heard = {}

        def hear(stream, hook, change=change):
            return stream + change

        def listen(tensor, hook, heard=heard):
            heard["z"] = tensor.clone()

        names = ("blocks.2.hook_resid_pre", hear), ("blocks.2.attn.hook_z", listen)
        model.run_with_hooks(ids, fwd_hooks=list(names))

        def speak(tensor, hook, heard=heard):
            tensor = tensor.clone()
            tensor[:, :, b.index] = heard["z"][:, :, b.index]
            return tensor

        changed = model.run_with_hooks(ids, fwd_hooks=[("blocks.2.attn.hook_z", speak)])
        found.append(float(mean_logp(logits, ids) - mean_logp(changed, ids)))
    assert pair.path == pytest.approx(np.mean(found), abs=1e-4)
