"""Where there is nothing to find, nothing is found: unrelated texts, and untrained models."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
import torch
import transformers
from scipy import stats
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture, models
from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.measures import CKA, Contribution, Measure, Pearson
from circuit_widgets.analysis.coordination.rows import Contributions, Writes
from circuit_widgets.analysis.coordination.similarity import of_shuffles
from circuit_widgets.analysis.coordination.subspaces import projection
from circuit_widgets.causal.metrics import next_token_logp
from circuit_widgets.heads import Head
from circuit_widgets.statistics.permutations import Rows, Shuffles, discoveries
from tests import tiny

TIMES = 100
SAME = (Head(1, 2), Head(1, 2))


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny models: threads that wait for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def untrained(name: str, seed: int) -> TransformerBridge:
    """A model as its architecture begins: the weights that training starts with."""
    if name == "native":
        return tiny.native(seed=seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.AutoModelForCausalLM.from_config(
            tiny._configs()[name], attn_implementation="eager"
        )
    return tiny.wrap(model.eval())


def test_untrained_models_have_no_significant_pair() -> None:
    """Of six architectures: they read one text, so that their heads are alike, and no more."""
    found = tested = by_shuffles = 0
    for name in ("gpt2", "llama", "neox", "gemma", "qwen2", "native"):
        for seed in (0, 1):
            model = untrained(name, seed)
            prompts = [tiny.ids(12, seed=100 * seed + at)[0].tolist() for at in range(12)]
            for method in ("contribution", "pearson", "cka", "projection"):
                result = analyze_head_coordination(
                    model, prompts, method=method, n_permutations=200, seed=seed, progress=False
                )
                found += bool(result.significant())
                tested += 1
                assert all(pair.type == "not resolved" for pair in result.pairs)
                beyond = (result.value - result.null_mean) / result.null_std
                by_shuffles += bool((beyond.triu(1).nan_to_num().abs() > 5).any())
    print(f"{found} of {tested} have a find; beyond 5 spreads of the shuffles: {by_shuffles}")
    # One is an accident: a chance of .05 each.
    assert found <= 5 and by_shuffles > 15


@pytest.mark.parametrize("name", ["gpt2", "llama", "neox", "gemma", "qwen2"])
def test_pairs_of_an_untrained_model_have_no_type(name: str) -> None:
    """Whatever its pairs are significant by."""
    prompts = [tiny.ids(12, seed=at)[0].tolist() for at in range(12)]
    result = analyze_head_coordination(
        untrained(name, 1), prompts, method="projection", fdr=0.999, pairs=12, progress=False
    )
    assert len(result.pairs) == 12
    assert {pair.type for pair in result.pairs} == {"not resolved"}
    assert all("may have no effect beyond" in pair.reason for pair in result.pairs)


# --- heads on texts that have nothing to do with each other ---


@functools.cache
def runs(n_prompts: int, length: int) -> capture.Gradients:
    """Z and slopes of the toy on many random texts that repeat, as its heads are there for."""
    model = models.load_model()
    generator = torch.Generator().manual_seed(0)
    shape = (TIMES * 2 * n_prompts, length // 2)
    ids = torch.randint(5, int(model.cfg.d_vocab), shape, generator=generator).repeat(1, 2)
    return capture.gradients(model, ids, [("z", None)], lambda logits: next_token_logp(logits, ids))


def apart(
    method: str, n_prompts: int, length: int, at: int, heads: tuple[Head, Head]
) -> tuple[Measure, Rows]:
    """One head on some texts beside another head on other texts: two columns of one measure."""
    got = runs(n_prompts, length)
    columns: dict[str, list[torch.Tensor]] = {"z": [], "slopes": []}
    for half, head in enumerate(heads):
        chosen = slice((2 * at + half) * n_prompts, (2 * at + half + 1) * n_prompts)
        for name, of in (("z", got.values), ("slopes", got.slopes)):
            # The last position changes nothing.
            columns[name].append(of["z", head.layer][chosen, :-1, head.index].flatten(0, 1))
    z, slopes = (torch.stack(each, 1).float() for each in columns.values())
    rows = Rows(((n_prompts, length - 1),))
    if method == "contribution":
        return Contribution(Contributions(z, slopes, rows, torch.arange(len(z)))), rows
    if method == "pearson":
        return Pearson(z), rows
    writes = Writes(models.load_model(), [0, 1])
    writes._root = writes._root[[4 * head.layer + head.index for head in heads]]
    return CKA(z, writes), rows


@pytest.mark.parametrize(
    ("method", "n_prompts", "length"),
    [
        ("contribution", 12, 10),
        ("contribution", 7, 24),
        ("pearson", 12, 10),
        ("cka", 12, 10),
    ],
)
def test_unrelated_texts_give_uniform_p(method: str, n_prompts: int, length: int) -> None:
    p = []
    for seed in range(TIMES):
        measure, rows = apart(method, n_prompts, length, seed, (Head(0, 1), Head(1, 2)))
        p.append(float(of_shuffles(measure, Shuffles(rows, 39, seed)).p))
    small = sum(each <= 0.051 for each in p) / len(p)
    print(f"{method} of {n_prompts} prompts: P(p <= .05) = {small:.3f}")
    assert stats.kstest(p, "uniform").pvalue > 0.01 and small < 0.13


@pytest.mark.parametrize("method", ["contribution", "pearson", "cka"])
def test_circular_shifts_would_find_what_is_not_there(method: str) -> None:
    """Why one prompt has no p: all heads know its positions."""
    small = 0
    for at in range(40):
        measure, _ = apart(method, 1, 60, at, SAME)
        places = torch.arange(59)
        shifts = torch.stack([(places - by) % 59 for by in range(1, 59)])
        size = measure.shuffled(shifts).abs()
        small += float((1 + (size >= measure.value.abs()).sum()) / 59) <= 0.05
    assert small >= 6


def test_q_is_one_over_the_pairs_that_have_a_p() -> None:
    result = analyze_head_coordination(
        untrained("gemma", 0),
        [tiny.ids(9, seed=at)[0].tolist() for at in range(9)],
        method="cka",
        n_permutations=20,
        progress=False,
    )
    i, j = torch.triu_indices(12, 12, 1)
    expected = discoveries(result.p[i, j])
    torch.testing.assert_close(result.q[i, j], expected, equal_nan=True)
    assert result.n_tested == int(expected.isfinite().sum()) == 48


@pytest.mark.parametrize(("one", "other"), [(1, 1), (4, 4), (3, 12)])
def test_random_subspaces_give_uniform_p(one: int, other: int) -> None:
    """The null of the projection alone: it knows weights and no text."""
    generator = torch.Generator().manual_seed(0)
    p = []
    for _ in range(400):
        drawn = [torch.randn(48, rank, generator=generator) for rank in (one, other)]
        bases = [torch.linalg.qr(each).Q.T for each in drawn]
        p.append(float(projection(bases, 48)[1]))
    assert stats.kstest(p, "uniform").pvalue > 0.01
