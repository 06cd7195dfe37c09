"""compute_self_influence on circuits whose every answer is known, and against plain passes."""

from __future__ import annotations

import math
import random

import pytest
import torch

from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.analysis.influence.effects import Effects
from circuit_widgets.prompts.replacements import (
    draw_replacements,
    drawn_replacements,
    weights_of,
)
from tests import tiny
from tests.circuits import At, Circuit, build, expected_logits

SMALL = Circuit(2, 2, (0, 0), (1, 1))


class WithBos:
    """The little of a tokenizer that is asked: 0 begins, a text is its numbers."""

    bos_token_id = 0
    all_special_ids = (0, 1)

    def __init__(self, n: int) -> None:
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
        assert not add_special_tokens
        return {"input_ids": [int(word) for word in text.split()]}

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))

    def convert_ids_to_tokens(self, id: int) -> str:
        return str(id)


def put_at(model, ids: torch.Tensor, draws: int, seed: int, first: int = 0) -> torch.Tensor:
    """The replacements that the analysis draws."""
    generator = torch.Generator().manual_seed(seed)
    return draw_replacements(ids, weights_of(model, ids, None, False), draws, generator, first)


def drawn(n: int, draws: int):
    return drawn_replacements(torch.zeros(n, draws, dtype=torch.long))


def logits_of(model, ids: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model(ids[None])[0].double()


def naive(model, ids: torch.Tensor, put: torch.Tensor, target: int) -> dict[str, torch.Tensor]:
    """Every replacement in a plain pass of its own: [draw, pos] and [draw, source, query]."""
    logits = logits_of(model, ids)
    clean = logits.log_softmax(-1)
    n, draws = put.shape
    follow = [*ids[1:].tolist(), target]
    found = {name: torch.full((draws, n), math.nan) for name in ("logp", "kl", "norm")}
    found["pairs"] = torch.full((draws, n, n), math.nan)
    for p in range(n):
        for k in range(draws):
            changed = ids.clone()
            changed[p] = put[p, k]
            changed_logits = logits_of(model, changed)
            now = changed_logits.log_softmax(-1)
            found["logp"][k, p] = clean[-1, target] - now[-1, target]
            found["kl"][k, p] = (clean[-1].exp() * (clean[-1] - now[-1])).sum()
            found["norm"][k, p] = (logits - changed_logits)[-1].norm()
            assert torch.allclose(clean[:p], now[:p], atol=1e-4), "changes before p"
            for q in range(p, n):
                found["pairs"][k, p, q] = clean[q, follow[q]] - now[q, follow[q]]
    return found


@pytest.mark.parametrize("name", tiny.MAKERS)
def test_agrees_with_plain_passes(name: str) -> None:
    """`batch` splits one position's draws, puts positions together, and changes nothing."""
    model, ids = tiny.make(name), tiny.ids(6, seed=3)[0]
    target = int(model(ids[None])[0, -1].argmax())
    expected = naive(model, ids, put_at(model, ids, 3, seed=5), target)
    for batch, pairs in ((2, True), (64, True), (7, False)):
        result = compute_self_influence(
            model, ids, draws=3, seed=5, batch=batch, all_pairs=pairs, progress=False
        )
        assert result.target == target
        for score, samples in ((result.logp, expected["logp"]), (result.kl, expected["kl"])):
            torch.testing.assert_close(score.value, samples.mean(0), atol=1e-4, rtol=1e-3)
        # Student's t for 0.95 and two degrees of freedom, from a table.
        sem = expected["logp"].std(0) / math.sqrt(3)
        torch.testing.assert_close(result.logp_sem, sem, atol=1e-4, rtol=1e-3)
        half = (result.logp.high - result.logp.low) / 2
        torch.testing.assert_close(half, 4.302653 * sem, atol=5e-4, rtol=1e-3)
        assert result.norm is None and (result.matrix is not None) == pairs
        if result.matrix is not None:
            pair = expected["pairs"]
            same = {"atol": 1e-4, "rtol": 1e-3, "equal_nan": True}
            torch.testing.assert_close(result.matrix, pair.mean(0), **same)
            torch.testing.assert_close(result.matrix_sem, pair.std(0) / math.sqrt(3), **same)
            torch.testing.assert_close(result.matrix[:, -1], result.logp.value, **same)


@pytest.mark.parametrize("name", ["gpt2", "native"])
def test_a_position_in_the_middle(name: str) -> None:
    model, ids = tiny.make(name), tiny.ids(9, seed=1)[0]
    result = compute_self_influence(model, ids, 4, draws=3, target=17, progress=False)
    weights = weights_of(model, ids, None, False)
    put = draw_replacements(ids[:5], weights, 3, torch.Generator().manual_seed(0))
    expected = naive(model, ids[:5], put, 17)
    torch.testing.assert_close(result.logp.value[:5], expected["logp"].mean(0), atol=1e-4, rtol=0)
    assert result.logp.value[5:].isnan().all() and len(result.ids) == 9
    assert compute_self_influence(model, ids, 4, draws=2, progress=False).target == int(ids[5])


def test_norm_is_one_uniform_token_and_has_no_interval() -> None:
    model, ids = tiny.make("llama"), tiny.ids(7)[0]
    result = compute_self_influence(model, ids, metric="norm", seed=2, progress=False)
    generator = torch.Generator().manual_seed(2)
    put = draw_replacements(ids, torch.ones(tiny.N_VOCAB).double(), 1, generator)
    expected = naive(model, ids, put, result.target)
    assert result.norm is not None
    torch.testing.assert_close(result.norm, expected["norm"][0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(result.logp.value, expected["logp"][0], atol=1e-4, rtol=1e-3)
    assert result.logp.low is not None and result.logp.low.isnan().all()
    by_norm = [position for position, *_ in result.sources(7)]
    assert by_norm == result.norm.argsort(descending=True).tolist()


def planted(seed: int) -> tuple[Circuit, list[int], set[int]]:
    """A circuit at random places; `A B .. A`, all else different; the positions B hangs on."""
    rng = random.Random(seed)
    layers, heads = rng.randint(2, 4), rng.randint(1, 3)
    first, second = sorted(rng.sample(range(layers), 2))
    previous: At = (first, rng.randrange(heads))
    induction: At = (second, rng.randrange(heads))
    circuit = Circuit(layers, heads, previous, induction, vocabulary=20, context=14)
    n = rng.randint(6, 12)
    tokens = rng.sample(range(circuit.vocabulary), n)
    # The circuit never copies from position 0.
    at = rng.randint(0, n - 3)
    tokens[-1] = tokens[at]
    return circuit, tokens, {at, at + 1, n - 1}


def test_planted_sources_are_found_with_their_exact_effects() -> None:
    """60 circuits: precision and recall 1, and each effect is what the circuit's own rule says.

    With words of the text itself a replacement can repeat A: then other positions matter too, by
    the draw, and less. Every listed one is checked against the rule, and the first three are right.
    """
    hits = listed = wanted = 0
    for seed in range(60):
        circuit, tokens, truth = planted(seed)
        model, target = build(circuit), tokens[sorted(truth)[1]]
        # Words that are not in the text: they match nothing.
        fresh = torch.ones(circuit.vocabulary)
        fresh[tokens] = 0
        for weights, draws in ((fresh, 3), (None, 8)):
            result = compute_self_influence(
                model, tokens, draws=draws, distribution=weights, seed=seed, progress=False
            )
            assert result.target == target
            put = draw_replacements(
                torch.tensor(tokens),
                weights_of(model, torch.tensor(tokens), weights, False),
                draws,
                torch.Generator().manual_seed(seed),
            )
            clean = torch.tensor(expected_logits(circuit, tokens)[-1]).log_softmax(-1)
            for p in range(len(tokens)):
                effects = []
                for other in put[p].tolist():
                    changed = [*tokens[:p], other, *tokens[p + 1 :]]
                    now = torch.tensor(expected_logits(circuit, changed)[-1]).log_softmax(-1)
                    effects.append(float(clean[target] - now[target]))
                expected = sum(effects) / draws
                assert float(result.logp.value[p]) == pytest.approx(expected, abs=2e-3)
            found = {position for position, *_ in result.sources()}
            if weights is not None:
                assert found == truth, seed
                assert set((result.kl.value > 1e-3).nonzero().flatten().tolist()) == truth
            else:
                assert {position for position, *_ in result.sources(3)} == truth
                hits, wanted = hits + len(found & truth), wanted + len(truth)
                listed += len(found)
    print(f"own words: precision {hits / listed:.3f}, recall {hits / wanted:.3f}")
    assert hits / wanted > 0.98 and hits / listed > 0.8


@pytest.mark.parametrize("name", ["qwen2", "native_gqa"])
def test_own_outputs_and_the_prompt(name: str) -> None:
    """The model's greedy tokens, and sums of |mean effect| of both halves for each of them."""
    model, prompt, n = tiny.make(name), tiny.ids(5, seed=2)[0], 4
    ids = prompt
    for _ in range(n):
        ids = torch.cat([ids, model(ids[None])[0, -1].argmax()[None]])
    result = compute_self_influence(model, prompt, generate=n, draws=3, progress=False)
    assert result.ids == tuple(ids.tolist()) and result.n_prompt == 5
    assert result.position == 7 and result.target == int(ids[-1])
    assert result.own is not None and result.prompt is not None and result.matrix is not None
    weights = weights_of(model, prompt, None, False)
    put = draw_replacements(ids[:8], weights, 3, torch.Generator().manual_seed(0))
    pairs = naive(model, ids[:8], put, int(ids[-1]))["pairs"]
    log_clean = logits_of(model, ids).log_softmax(-1)
    for i in range(n):
        query = 4 + i
        effects, sems = pairs[..., query].mean(0), pairs[..., query].std(0) / math.sqrt(3)
        # The token right before it, at the query, is in neither.
        for score, rows in ((result.own, range(5, query)), (result.prompt, range(min(5, query)))):
            if not rows:
                assert all(part[i].isnan() for part in score.tensors().values())
                continue
            mean = sum(abs(float(effects[p])) for p in rows) / len(rows)
            error = math.sqrt(sum(float(sems[p]) ** 2 for p in rows)) / len(rows)
            assert float(score.value[i]) == pytest.approx(mean, abs=1e-3)
            assert float(score.high[i] - score.value[i]) == pytest.approx(
                4.302653 * error, abs=3e-3
            )
        clean = float(log_clean[query, ids[query + 1]])
        assert result.generated_logp is not None
        assert float(result.generated_logp[i]) == pytest.approx(clean, abs=1e-4)
    # The first generated token has no own output before it, the second only the one being read.
    assert result.own.value.isnan().tolist() == [True, True, False, False]
    assert "mean influence on a generated token" in repr(result) and "draws alone" in repr(result)


def test_the_null_of_a_sum_of_absolute_effects() -> None:
    """Where no effect is real, the sum is what `control` says, on average."""
    generator = torch.Generator().manual_seed(0)
    ratios = []
    for _ in range(200):
        effects = Effects(12, drawn(12, 8), True, 0.95)
        pairs = torch.randn(12, 8, 12, generator=generator) * torch.rand(12, generator=generator)
        samples = {name: torch.zeros(12, 8) for name in effects.samples}
        effects.add(list(range(12)), {**samples, "pairs": pairs})
        score = effects.influence(range(11, 12), [range(12)])
        ratios.append(float(score.value / score.control))
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=0.07)


def test_intervals_hold_what_they_promise() -> None:
    """On draws whose mean is 0, a 0.9 interval excludes 0 about one time in ten."""
    generator = torch.Generator().manual_seed(1)
    effects = Effects(4000, drawn(4000, 8), False, 0.9)
    samples = torch.randn(4000, 8, generator=generator)
    effects.add(list(range(4000)), dict.fromkeys(effects.samples, samples))
    score = effects.score("logp")
    outside = ((score.low > 0) | (score.high < 0)).float().mean()
    assert float(outside) == pytest.approx(0.1, abs=0.02)


def test_a_pair_of_targets_is_a_logit_difference() -> None:
    model = tiny.make("llama")
    ids = tiny.ids(7)[0].tolist()
    asked = {"draws": 3, "progress": False}
    both = compute_self_influence(model, ids, target=(9, 4), **asked)
    one = compute_self_influence(model, ids, target=9, **asked)
    other = compute_self_influence(model, ids, target=4, **asked)
    known = one.logp.value - other.logp.value
    torch.testing.assert_close(both.logp.value, known, atol=1e-5, rtol=1e-4, equal_nan=True)
    assert "logit difference" in both.measured
    with pytest.raises(ValueError, match="accepted is one token here"):
        compute_self_influence(model, ids, target=(9, 4), all_pairs=True)
