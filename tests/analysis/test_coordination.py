"""analyze_head_coordination on planted pairs, and against slow loops over run_with_cache."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture, models
from circuit_widgets.analysis._pairs import judge
from circuit_widgets.analysis.coordination import HeadCoordination, analyze_head_coordination
from circuit_widgets.heads import Head
from circuit_widgets.result import load
from tests import tiny
from tests.circuits import Circuit, Kind, build

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
    from circuit_widgets.analysis._stats import Rows, Shuffles

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
    assert float(result.p[1, 11]) == pytest.approx((1 + above) / 21)


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
        model, prompts, fdr=0.999, pairs=4, n_permutations=20, batch=2, progress=False
    )
    assert len(result.pairs) == 4 and result.provenance.complete
    clean = without(model, prompts, [], mean_logp)
    for pair in result.pairs:
        a, b = Head.parse(pair["a"]), Head.parse(pair["b"])
        lost = {
            name: clean - without(model, prompts, heads, mean_logp)
            for name, heads in {"a": [a], "b": [b], "ab": [a, b]}.items()
        }
        for name, effect in lost.items():
            assert pair[f"effect_{name}"] == pytest.approx(float(effect.mean()), abs=1e-4)
        together = (lost["ab"] - lost["a"] - lost["b"]).double()
        assert pair["interaction"] == pytest.approx(float(together.mean()), abs=1e-4)
        low, high = stats.t.interval(
            0.95, len(prompts) - 1, float(together.mean()), stats.sem(together.numpy())
        )
        assert (pair["interaction_low"], pair["interaction_high"]) == pytest.approx(
            (low, high), abs=1e-4
        )
        assert (pair["path"] is None) == (a.layer == b.layer)
        if a.layer < b.layer:
            assert pair["path_low"] <= pair["path"] <= pair["path_high"]
            assert pair["path_null_low"] <= pair["path_null_high"]


@torch.no_grad()
def test_a_path_between_neighbours_is_what_the_receiver_hears(model) -> None:
    """Layers 1 and 2 of 3: the last layer hears it directly, so it can be edited by hand."""
    result = analyze_head_coordination(
        model, SAME[:4], fdr=0.999, pairs=66, n_permutations=20, progress=False
    )
    pair = next(pair for pair in result.pairs if pair["a"][0] == "1" and pair["b"][0] == "2")
    a, b = Head.parse(pair["a"]), Head.parse(pair["b"])
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
    assert pair["path"] == pytest.approx(np.mean(found), abs=1e-4)


# --- planted pairs ---


@dataclasses.dataclass
class Planted:
    model: TransformerBridge
    prompts: list[list[int]]
    a: Head
    b: Head
    metric: object = None


def plant(kind: str, seed: int) -> Planted:
    """A pair of known type at random places, among heads that write a little noise.

    - serial: a previous-token head and an induction head that reads it; prompts that repeat.
    - aggregation: two heads that both say "the same token again", which half of the prompts do; the
      logp of the next token is about as good with one of them.
    - parallel: one says "the same token again", one "the token before again", and the metric adds
      their logits: neither knows the other.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    n_layers, n_heads, v, n = draw(2, 3), draw(2, 4), 20, 14
    a = Head(draw(0, n_layers - 2), draw(0, n_heads - 1))
    b = Head(draw(a.layer + 1, n_layers - 1), draw(0, n_heads - 1))
    if kind != "serial" and draw(0, 1):
        b = Head(a.layer, (a.index + 1) % n_heads)
        a, b = min(a, b), max(a, b)
    looks: dict[str, tuple[Kind, Kind]] = {
        "serial": ("previous", "induction"),
        "aggregation": ("current", "current"),
        "parallel": ("current", "previous"),
    }
    places = {(a.layer, a.index): looks[kind][0], (b.layer, b.index): looks[kind][1]}
    free = [(i, j) for i in range(n_layers) for j in range(n_heads) if (i, j) not in places]
    others: list[Kind] = ["previous", "current", "uniform"]
    kinds = places | {at: others[draw(0, 2)] for at in free}
    circuit = Circuit(
        n_layers,
        n_heads,
        # Circuit wants both; these places are none.
        (a.layer, a.index) if kind == "serial" else (-2, 0),
        (b.layer, b.index) if kind == "serial" else (-1, 0),
        tuple(kinds.items()),
        vocabulary=v,
        context=16,
        gain={"serial": 8.0, "aggregation": 6.0, "parallel": 1.0}[kind],
    )
    model = build(circuit)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    d_head, token, output = v + 17, slice(0, v), slice(2 * v + 16, 3 * v + 16)
    for layer in range(n_layers):
        attn = f"blocks.{layer}.attn"
        # Steep enough to look at one token, and not so steep that gradients vanish.
        weights[f"{attn}.q.weight"] *= 8 / 60
        weights[f"{attn}.q.bias"] *= 8 / 60
        for head in range(n_heads):
            rows = slice(head * d_head, head * d_head + v)
            if (layer, head) not in places:
                noise = 0.05 * torch.randn(2, v, v, generator=generator)
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v) + noise[0]
                weights[f"{attn}.o.weight"][output, rows] = noise[1]
            elif kind != "serial":
                weights[f"{attn}.v.weight"][rows, token] = torch.eye(v)
                weights[f"{attn}.o.weight"][output, rows] = torch.eye(v)
    model.load_state_dict(weights)
    prompts = []
    for at in range(40):
        ids = torch.randperm(v, generator=generator)[:n]
        period = {"serial": draw(2, 3), "aggregation": 1, "parallel": 1}[kind]
        prompts.append((ids[:period].repeat(n)[:n] if at % 2 else ids).tolist())

    def added(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return logits[:, :-1].gather(-1, tokens[:, 1:, None])[:, :, 0].mean(1)

    return Planted(model, prompts, a, b, added if kind == "parallel" else None)


def test_planted_pairs_are_found_and_typed() -> None:
    """60 plantings among 4 to 12 heads: recall of the pair, and what its type is taken for."""
    n = {"serial": 24, "aggregation": 18, "parallel": 18}
    typed: Counter[tuple[str, str]] = Counter()
    found = strongest = elsewhere = 0
    for kind, times in n.items():
        for seed in range(times):
            planted = plant(kind, seed)
            result = analyze_head_coordination(
                planted.model,
                planted.prompts,
                metric=planted.metric,
                n_permutations=100,
                pairs=3,
                batch=40,
                progress=False,
            )
            best = [(a, b) for a, b, _, _ in result.significant()]
            found += (planted.a, planted.b) in best
            strongest += best[:1] == [(planted.a, planted.b)]
            for pair in result.pairs:
                if (pair["a"], pair["b"]) == (str(planted.a), str(planted.b)):
                    typed[kind, pair["type"]] += 1
                    if kind == "serial":
                        assert pair["sign"] == "synergy"
                        # The planted head has no other way to be heard.
                        assert pair["path"] == pytest.approx(pair["effect_a"], rel=0.05)
                    elif kind == "aggregation":
                        assert pair["sign"] == "redundancy"
                    else:
                        assert abs(pair["interaction"]) < 1e-5
                else:
                    elsewhere += pair["type"] == "serial"
    total = sum(n.values())
    print(f"significant {found}, strongest {strongest} of {total}")
    print(f"types (planted, found) {dict(typed)}; paths elsewhere {elsewhere}")
    assert found >= 0.95 * total and strongest >= 0.85 * total
    # What was typed was typed right: precision is 1 for every type.
    assert all(kind == taken for kind, taken in typed) and elsewhere == 0
    assert sum(typed.values()) >= 0.95 * total


def test_the_shipped_toy_has_its_path() -> None:
    model = models.load_model()
    generator = torch.Generator().manual_seed(0)
    n_vocab = int(model.cfg.d_vocab)
    prompts = []
    for _ in range(12):
        ids = torch.randint(5, n_vocab, (10,), generator=generator)
        prompts.append(ids.repeat(2).tolist())
    result = analyze_head_coordination(
        model, prompts, fdr=0.999, pairs=28, n_permutations=50, progress=False
    )
    serial = {(pair["a"], pair["b"]) for pair in result.pairs if pair["type"] == "serial"}
    # 0.1 is its previous-token head, and the heads of layer 1 are what induction is made with.
    assert ("0.1", "1.2") in serial and {a for a, _ in serial} == {"0.1"}


# --- types by evidence alone ---


def evidence(**numbers: float | None) -> dict:
    pair: dict = {}
    for name in ("path", "interaction", "effect_a", "effect_b", "contribution_a", "contribution_b"):
        value = numbers.pop(name, 0.0)
        half = 0.1
        pair[name] = value
        pair[f"{name}_low"] = None if value is None else value - half
        pair[f"{name}_high"] = None if value is None else value + half
    pair |= {"path_null_low": -0.2, "path_null_high": 0.2}
    return pair | numbers


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"path": 0.5}, ("serial", None)),
        ({"path": -0.5, "interaction": -1.0}, ("serial", "synergy")),
        ({"path": 0.15}, ("parallel", None)),
        ({"path": 0.15, "path_null_low": None, "path_null_high": None}, ("serial", None)),
        ({"path": 0.05, "path_null_low": None, "path_null_high": None}, ("parallel", None)),
        ({"path": None}, ("parallel", None)),
        ({"path": None, "interaction": 1.0}, ("unclear", "redundancy")),
        ({"interaction": 1.0, "contribution_a": 1.0}, ("unclear", "redundancy")),
        (
            {"interaction": 1.0, "contribution_a": 1.0, "effect_b": -1.0},
            ("aggregation", "redundancy"),
        ),
        ({"interaction_low": None, "interaction_high": None}, ("unclear", None)),
        ({"path": 0.5, "path_low": None, "path_high": None}, ("unclear", None)),
    ],
)
def test_a_type_is_what_the_evidence_allows(numbers: dict, expected: tuple) -> None:
    assert judge(evidence(**numbers)) == expected


def test_rounding_is_no_effect() -> None:
    pair = evidence(path=None, interaction=0.5)
    assert judge(pair, rounding=1.0) == ("parallel", None)


# --- what it is to use ---


def test_it_streams_the_matrix_and_then_each_pair(model) -> None:
    job = analyze_head_coordination.job(model, SAME, fdr=0.9, pairs=3, n_permutations=20)
    results: list[HeadCoordination] = []
    job.on_result(lambda result, done, total: results.append(result))
    job.start()
    assert job.wait(60) and job.error is None
    assert [len(result.pairs) for result in results] == [0, 1, 2, 3]
    made = [result.provenance for result in results]
    assert [each.n_done for each in made] == [1, 2, 3, 4] and {each.n_total for each in made} == {4}
    assert results[0].value[0, 1].isfinite() and "partial: 1 of 4 steps" in repr(results[0])
    assert [pair["value"] for pair in results[-1].pairs] == [
        value for _, _, value, _ in results[-1].significant()[:3]
    ]
    assert "shuffles of whole prompts" in made[0].method


def test_one_pass_forwards_a_batch_and_no_more(model) -> None:
    for method in ("contribution", "pearson", "cka"):
        with capture.counting(model) as passes:
            analyze_head_coordination(model, SAME, method=method, batch=4, **QUICK)
        assert passes.blocks == 3 * 3, method
    with capture.counting(model) as passes:
        analyze_head_coordination(model, SAME, method="projection", **QUICK)
    assert passes.blocks == 0


def test_the_seed_decides_and_batches_do_not(model) -> None:
    def of(**changes) -> HeadCoordination:
        return analyze_head_coordination(model, RAGGED, **{**QUICK, **changes})

    before = torch.random.get_rng_state()
    one = of()
    assert torch.equal(torch.random.get_rng_state(), before), "the global generator was used"
    torch.testing.assert_close(one.p, of().p, equal_nan=True)
    assert not torch.allclose(one.null_mean.nan_to_num(), of(seed=1).null_mean.nan_to_num())
    torch.testing.assert_close(one.value, of(batch=1).value, atol=2e-3, rtol=0, equal_nan=True)
    assert one == of() and one != of(seed=1)


def test_matrices_frame_and_text(model) -> None:
    result = analyze_head_coordination(
        model, SAME, fdr=0.9, pairs=2, n_permutations=20, progress=False
    )
    n = len(result.heads)
    assert n == 12 and result.heads[:5] == ("0.0", "0.1", "0.2", "0.3", "1.0")
    for name in ("value", "p", "q", "null_mean", "null_std"):
        matrix = getattr(result, name)
        torch.testing.assert_close(matrix, matrix.T, equal_nan=True)
        assert matrix.diagonal().isnan().all() and int(matrix.isnan().sum()) == n
    frame = result.to_frame()
    assert len(frame) == n * (n - 1) // 2 and frame["complete"].all()
    row = frame.iloc[11]
    assert (row["a"], row["b"]) == ("0.1", "0.2")
    assert row["value"] == pytest.approx(float(result.value[1, 2]))
    assert int(frame["significant"].sum()) == len(result.significant())
    assert frame["type"].notna().sum() == 2 and frame.attrs["provenance"]["seed"] == 0
    a, b, value, q = result.significant()[0]
    assert isinstance(a, Head) and a < b and q < 0.9
    assert abs(value) == pytest.approx(float(frame["value"][frame["significant"]].abs().max()))
    assert result.matrix().loc[str(a), str(b)] == pytest.approx(value)
    clustered = result.matrix(clustered=True)
    assert [*clustered.index] == [result.heads[at] for at in result.order]
    text = repr(result)
    assert "contribution: " in text and result.pairs[0]["type"] in text


def test_order_puts_like_heads_together() -> None:
    """Two groups of heads, mixed: in the order each is in one piece."""
    from circuit_widgets.analysis._similarity import Similarity
    from circuit_widgets.analysis.coordination import _matrices

    group = torch.tensor([0, 1, 0, 1, 1, 0])
    i, j = torch.triu_indices(6, 6, 1)
    value = torch.where(group[i] == group[j], -0.9, 0.1)
    made = analyze_head_coordination(tiny.make("native"), SAME, **QUICK).provenance
    half = torch.full_like(value, 0.5)
    found = _matrices(Similarity(value, half, half, half, ""), tuple("abcdef"), made)
    assert sorted(map(int, group[list(found.order)].diff().abs())) == [0, 0, 0, 0, 1]


def test_save_and_load(model, tmp_path) -> None:
    result = analyze_head_coordination(
        model, SAME, fdr=0.9, pairs=2, n_permutations=20, progress=False
    )
    result.save(tmp_path / "it.safetensors")
    again = load(tmp_path / "it.safetensors")
    assert isinstance(again, HeadCoordination) and again == result
    assert again.pairs == result.pairs and again.order == result.order
    assert again.to_frame().equals(result.to_frame())


def test_a_head_that_does_nothing_is_missing(tmp_path) -> None:
    model = build(Circuit(2, 2, (0, 0), (1, 1), vocabulary=30))
    prompts = [[1 + (at + s) % (4 + s) for at in range(14)] for s in range(9)]
    result = analyze_head_coordination(model, prompts, method="cka", **QUICK)
    # 0.1 and 1.0 write nothing.
    missing = result.value.isnan()
    assert missing[1].all() and missing[2].all() and not missing[0, 3]
    assert "5 pairs missing" in repr(result) and len(result.to_frame()) == 6
    projection = analyze_head_coordination(model, prompts, method="projection", **QUICK)
    assert projection.p[1].isnan().all() and float(projection.value[0, 3]) == pytest.approx(0)


def test_one_prompt_has_shifts_and_no_intervals(model) -> None:
    prompt = tiny.ids(24)[0].tolist()
    result = analyze_head_coordination(
        model, prompt, fdr=0.999, pairs=2, n_permutations=50, progress=False
    )
    # 24 tokens, of which the last changes nothing.
    assert result.provenance.method.endswith("null: 22 circular shifts of positions")
    assert [pair["type"] for pair in result.pairs] == ["unclear", "unclear"]
    pair = result.pairs[0]
    assert pair["interaction"] is not None and pair["interaction_low"] is None
    assert "None" not in repr(result)


def test_a_metric_of_the_last_token_counts_where_it_can(model) -> None:
    def last(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return logits[:, -1, 5] - logits[:, -1, 6]

    result = analyze_head_coordination(model, SAME, 2, metric=last, **QUICK)
    assert result.value[0, 1].isfinite() and result.provenance.parameters["metric"] == "last"
    # The last layer changes the last logits at the last position only: one row a prompt, whatever
    # its length.
    ragged = RAGGED + RAGGED[::-1]
    result = analyze_head_coordination(model, ragged, 2, metric=last, **QUICK)
    assert "20 shuffles of whole prompts" in result.provenance.method
    with pytest.raises(ValueError, match="the prompts have 6 positions at which a head can"):
        analyze_head_coordination(model, RAGGED, 2, metric=last, **QUICK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 3}, "layer is 3; accepted are 0 to 2, and None for all"),
        ({"layer": True}, "layer is True"),
        ({"method": "cosine"}, "method is 'cosine'; accepted are contribution, pearson, cka"),
        ({"n_permutations": 5}, "n_permutations is 5; accepted is a whole number from 20"),
        ({"pairs": -1}, "pairs is -1; accepted is a whole number from 0"),
        ({"batch": 0}, "batch is 0"),
        ({"fdr": 0}, "fdr is 0; accepted is between 0 and 1"),
        ({"confidence": 95}, "confidence is 95"),
        (
            {"prompts": [3, 1, 4]},
            r"the prompts have 3 positions \(tokens\); accepted are 8 or more",
        ),
        ({"prompts": []}, "there are no prompts"),
        ({"metric": lambda logits, tokens: logits.mean()}, r"the metric gave \[\]; accepted is"),
    ],
)
def test_what_cannot_be_is_said(model, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analyze_head_coordination(model, **{"prompts": SAME, **QUICK, **arguments})


def test_other_errors_are_sentences(model) -> None:
    with pytest.raises(TypeError, match="metric cannot be str; accepted is a function"):
        analyze_head_coordination(model, SAME, metric="logp")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"no parameter 'methods'. Did you mean 'method'"):
        analyze_head_coordination(model, SAME, methods="cka")  # type: ignore[call-arg]
    lonely = tiny.native(n_heads=1, n_layers=2)
    with pytest.raises(ValueError, match="layer 1 has one head; accepted are 2 or more"):
        analyze_head_coordination(lonely, SAME, 1)
    assert len(analyze_head_coordination(lonely, SAME, **QUICK).heads) == 2
    result = analyze_head_coordination(model, SAME, **QUICK)
    with pytest.raises(ValueError, match=r"q has shape \[2, 2\]; accepted is \[12, 12\]"):
        dataclasses.replace(result, q=torch.zeros(2, 2))


def test_leaves_the_model_as_it_was() -> None:
    model = tiny.make("llama")
    model.train()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    analyze_head_coordination(model, SAME, fdr=0.9, pairs=1, n_permutations=20, progress=False)
    assert model.training
    assert all(torch.equal(weights[name], t) for name, t in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    hooks = [module for module in model.modules() if module._forward_hooks]
    analyze_head_coordination(model, SAME, **QUICK)
    assert [module for module in model.modules() if module._forward_hooks] == hooks
