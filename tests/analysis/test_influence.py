"""compute_self_influence on circuits whose every answer is known, and against plain passes."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest
import torch

from circuit_widgets import capture, models
from circuit_widgets.analysis import influence
from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.analysis.influence.effects import Effects, rank_correlation
from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.prompts.replacements import draw_replacements, weights_of
from circuit_widgets.results import result as results
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
        for score, rows in ((result.own, range(5, query + 1)), (result.prompt, range(5))):
            total = sum(abs(float(effects[p])) for p in rows)
            error = math.sqrt(sum(float(sems[p]) ** 2 for p in rows))
            assert float(score.value[i]) == pytest.approx(total, abs=1e-3)
            assert float(score.high[i] - score.value[i]) == pytest.approx(
                4.302653 * error, abs=3e-3
            )
        clean = float(log_clean[query, ids[query + 1]])
        assert result.generated_logp is not None
        assert float(result.generated_logp[i]) == pytest.approx(clean, abs=1e-4)
    # The first generated token has no own outputs before it.
    assert [float(part[0]) for part in result.own.tensors().values()] == [0, 0, 0, 0]
    assert "by generated token" in repr(result)


def test_the_null_of_a_sum_of_absolute_effects() -> None:
    """Where no effect is real, the sum is what `control` says, on average."""
    generator = torch.Generator().manual_seed(0)
    ratios = []
    for _ in range(200):
        effects = Effects(12, 8, True, 0.95)
        pairs = torch.randn(12, 8, 12, generator=generator) * torch.rand(12, generator=generator)
        samples = {name: torch.zeros(12, 8) for name in effects.samples}
        effects.add(list(range(12)), {**samples, "pairs": pairs})
        score = effects.influence(range(11, 12), [range(12)])
        ratios.append(float(score.value / score.control))
    assert sum(ratios) / len(ratios) == pytest.approx(1, abs=0.07)


def test_intervals_hold_what_they_promise() -> None:
    """On draws whose mean is 0, a 0.9 interval excludes 0 about one time in ten."""
    generator = torch.Generator().manual_seed(1)
    effects = Effects(4000, 8, False, 0.9)
    samples = torch.randn(4000, 8, generator=generator)
    effects.add(list(range(4000)), dict.fromkeys(effects.samples, samples))
    score = effects.score("logp")
    outside = ((score.low > 0) | (score.high < 0)).float().mean()
    assert float(outside) == pytest.approx(0.1, abs=0.02)


def test_fast_is_exact_for_small_changes() -> None:
    """Embeddings that differ little: to first order nothing is left out, on each architecture."""
    for name in tiny.MAKERS:
        model, ids = tiny.make(name), tiny.ids(10, seed=1)[0]
        with torch.no_grad():
            weight = model.embed.weight
            weight.copy_(weight[:1] + 0.02 * (weight - weight[:1]))
        exact = compute_self_influence(model, ids, draws=4, progress=False)
        fast = compute_self_influence(model, ids, draws=4, mode="fast", progress=False)
        assert fast.mode == "fast" and fast.target == exact.target
        scale = float(exact.logp.value.abs().max())
        torch.testing.assert_close(
            fast.logp.value, exact.logp.value, atol=0.05 * scale + 2e-6, rtol=0.05
        )
        assert fast.screen_rho is not None and float(fast.screen_rho) > 0.9
        assert "rank correlation with 10 exact" in repr(fast)
        torch.testing.assert_close(fast.kl.value, exact.kl.value)


def test_the_check_of_a_screen_is_a_sample() -> None:
    model, ids = tiny.make("llama"), tiny.ids(20)[0]
    job = compute_self_influence.job(model, ids, mode="fast", draws=2)
    seen: list[SelfInfluence] = []
    job.on_result(lambda result, done, total: seen.append(result))
    with capture.counting(model) as passes:
        job.start()
        assert job.wait(60) and job.error is None
    assert passes.forwards < 40, "a screen is not pass by pass"
    first, last = seen[0], seen[-1]
    assert first.provenance.progress == "partial: 20 of 32 positions"
    assert first.logp.value.isfinite().all() and first.kl.value.isnan().all()
    assert first.screen_rho is not None and first.screen_rho.isnan()
    known = last.kl.value.isfinite()
    assert int(known.sum()) == 12
    exact = compute_self_influence(model, ids, draws=2, progress=False)
    torch.testing.assert_close(last.kl.value[known], exact.kl.value[known], atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(
        last.screen_rho, rank_correlation(last.logp.value[known], exact.logp.value[known])
    )


def test_ranks_with_ties_and_without_spread() -> None:
    one = torch.tensor([1.0, 2.0, 2.0, 4.0])
    assert float(rank_correlation(one, one * 3)) == pytest.approx(1)
    assert float(rank_correlation(one, -one)) == pytest.approx(-1)
    assert rank_correlation(one, torch.ones(4)).isnan()
    assert rank_correlation(one[:2], one[:2]).isnan()


def test_partial_results_grow_from_the_last_position_backwards() -> None:
    job = compute_self_influence.job(tiny.make("gpt2"), tiny.ids(9), draws=4, batch=8)
    seen: list[SelfInfluence] = []
    job.on_result(lambda result, done, total: seen.append(result))
    job.start()
    assert job.wait(60) and job.error is None
    done = [result.provenance.n_done for result in seen]
    assert done == sorted(done) and done[0] == 2 and done[-1] == 9
    for result, n in zip(seen, done, strict=True):
        assert result.logp.value.isfinite().tolist() == [p >= 9 - n for p in range(9)]
        assert result.provenance.complete == (n == 9)
    assert "partial: 2 of 9 positions" in repr(seen[0])


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_stop_keeps_what_is_there(mode: str) -> None:
    job = compute_self_influence.job(tiny.make("llama"), tiny.ids(30), batch=8, mode=mode)
    job.on_result(lambda result, done, total: job.stop())
    job.start()
    assert job.wait(60)
    assert job.state == "stopped" and job.result is not None
    assert not job.result.provenance.complete
    assert job.result.logp.value.isfinite().any()


def test_a_bos_is_left_alone_and_not_drawn() -> None:
    model = build(dataclasses.replace(SMALL, vocabulary=12))
    model.tokenizer = WithBos(12)
    ids = torch.tensor([0, 5, 7, 9, 5])
    result = compute_self_influence(model, ids, target="7", progress=False)
    assert result.logp.value.isnan().tolist() == [True, False, False, False, False]
    assert result.provenance.n_total == 4 and result.target_token == "7"
    put = put_at(model, ids, 50, 0, first=1)
    assert set(put[0].tolist()) == {0}, "what is not replaced stays"
    assert all(set(put[p].tolist()) <= {5, 7, 9} - {int(ids[p])} for p in range(1, 5))
    # Twice the 5: drawn twice as often.
    drawn = put_at(model, ids, 6000, 0, first=1)[2]
    assert float((drawn == 5).float().mean()) == pytest.approx(2 / 3, abs=0.03)
    # Nothing else in the text: all of the vocabulary but special tokens.
    same = put_at(model, torch.tensor([0, 5, 5]), 500, 0, first=1)
    assert set(same[1:].flatten().tolist()) == {2, 3, 4, *range(6, 12)}


def test_the_seed_alone_decides() -> None:
    model, ids = tiny.make("native"), tiny.ids(8)
    before = torch.random.get_rng_state()

    def values(**given) -> torch.Tensor:
        return compute_self_influence(model, ids, draws=3, progress=False, **given).logp.value

    torch.testing.assert_close(values(seed=1, batch=1), values(seed=1, batch=50))
    assert not torch.allclose(values(seed=1), values(seed=2))
    assert torch.equal(torch.random.get_rng_state(), before), "the global generator was used"


def test_it_saves_and_shows(tmp_path) -> None:
    model = tiny.make("llama")
    for given in ({}, {"generate": 3}, {"mode": "fast"}, {"metric": "norm"}, {"metric": "kl"}):
        result = compute_self_influence(model, tiny.ids(6), draws=3, progress=False, **given)
        path = tmp_path / "result.safetensors"
        result.save(path)
        assert SelfInfluence.load(path) == result == results.load(path)
        frame = result.to_frame()
        assert set(frame["complete"]) == {True} and "provenance" in frame.attrs
        at = frame[(frame["score"] == "logp") & (frame["source"] == 2)]
        assert at["value"].item() == pytest.approx(float(result.logp.value[2]), nan_ok=True)
        assert len(result.to_frame().query("score == 'kl'")) == len(result.ids)
    result = compute_self_influence(model, tiny.ids(6), generate=3, draws=3, progress=False)
    assert result.matrix is not None
    pairs = result.to_frame().query("score == 'pair'")
    assert len(pairs) == int(result.matrix.isfinite().sum()) == 36
    row = pairs[(pairs["source"] == 6) & (pairs["query"] == 7)]
    assert row["value"].item() == pytest.approx(float(result.matrix[6, 7]))
    assert row["generated"].item()
    assert set(result.scores()) == {"logp", "kl", "own", "prompt"}


def test_rounding_is_no_source() -> None:
    """An interval of no width about 1e-6 excludes 0, and says nothing."""
    result = compute_self_influence(build(SMALL), [3, 4, 5, 3], draws=2, progress=False)
    value = torch.full((4,), 1e-6)
    score = dataclasses.replace(result.logp, value=value, low=value, high=value)
    nothing = dataclasses.replace(result, logp=score)
    assert nothing.sources() == []
    assert "no position has an effect beyond doubt" in repr(nothing)


def test_a_model_that_looks_ahead_is_an_error() -> None:
    model = tiny.make("native")
    model.blocks[0].hook_resid_pre.add_hook(
        lambda tensor, hook: tensor + tensor.mean(1, keepdim=True)
    )
    with pytest.raises(RuntimeError, match="the model is not causal"):
        compute_self_influence(model, tiny.ids(8), progress=False)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_dtypes(dtype: torch.dtype) -> None:
    model = build(SMALL, dtype).to(dtype)
    result = compute_self_influence(model, [5, 7, 9, 11, 5], all_pairs=True, progress=False)
    assert result.logp.value.dtype == torch.float32 and result.target == 7
    assert {position for position, *_ in result.sources(3)} >= {1, 4}


@pytest.mark.parametrize(
    ("tokens", "arguments", "message"),
    [
        ([], {}, "the prompt is empty"),
        ([3], {}, "the prompt '3' is 1 token; accepted are prompts of 2 tokens or more"),
        ([3, 99], {}, "there is no token 99"),
        ([3, 4, 5], {"position": 3}, "position is 3; accepted are positions 0 to 2"),
        ([3, 4, 5], {"position": -1}, "position is -1"),
        ([3, 4, 5], {"target": 40}, "the target is 40; accepted are ids 0 to 39"),
        ([3, 4, 5], {"target": "word"}, "this model has no tokenizer; pass the target as an id"),
        ([3, 4, 5], {"draws": 1}, "draws is 1; accepted is a whole number from 2"),
        ([3, 4, 5], {"batch": 0}, "batch is 0; accepted is a whole number from 1"),
        ([3, 4, 5], {"confidence": 95}, "confidence is 95"),
        ([3, 4, 5], {"metric": "nats"}, "metric is 'nats'; accepted are 'logp', 'kl', 'norm'"),
        ([3, 4, 5], {"mode": "quick"}, "mode is 'quick'; accepted are 'exact', 'fast'"),
        ([3, 4, 5], {"mode": "fast", "metric": "kl"}, "mode 'fast' estimates the log"),
        ([3, 4, 5], {"generate": -1}, "generate is -1; accepted is a whole number from 0"),
        ([3, 4, 5], {"generate": 22}, "3 tokens and 22 more are 25, .*: generate up to 21"),
        ([3, 4, 5], {"generate": 2, "position": 1}, "leave out position and target"),
        ([3, 4, 5], {"distribution": [1.0, 2.0]}, r"distribution has shape \[2\]"),
        ([3, 4, 5], {"distribution": [-1.0] * 40}, "weights that are negative or no numbers"),
        ([3, 4, 5], {"distribution": [0, 0, 0, 0, 1] + [0] * 35}, "no token to put in the place"),
    ],
)
def test_what_cannot_be_is_said_at_once(tokens, arguments, message: str) -> None:
    model = build(SMALL)
    with pytest.raises(ValueError, match=message):
        compute_self_influence(model, tokens, **arguments)
    with pytest.raises(ValueError, match=message):
        compute_self_influence.job(model, tokens, **arguments)


def test_a_target_of_several_tokens_is_an_error() -> None:
    model = build(SMALL)
    model.tokenizer = WithBos(40)
    with pytest.raises(ValueError, match=r"the target '7 8' is 2 tokens \('7', '8'\)"):
        compute_self_influence(model, [5, 7, 5], target="7 8")
    with pytest.raises(ValueError, match="position 0 is the BOS token"):
        compute_self_influence(model, [0, 7, 5], 0)
    with pytest.raises(TypeError, match="distribution cannot be str"):
        compute_self_influence(model, [5, 7, 5], distribution="own")


def test_shapes_that_do_not_fit_are_errors() -> None:
    result = compute_self_influence(build(SMALL), [3, 4, 5], draws=2, progress=False)
    with pytest.raises(ValueError, match=r"logp_sem has shape \[2\]; accepted is \[3\]"):
        dataclasses.replace(result, logp_sem=torch.zeros(2))


@pytest.mark.smollm2
@pytest.mark.slow
def test_on_smollm2() -> None:
    """A real cache: rotary positions, three heads to a key. The first of a pair of names."""
    model = models.load_model("smollm2")
    text = "Anna met Robert. Later on, Robert and Anna"
    result = compute_self_influence(model, text, draws=2, progress=False)
    ids = torch.tensor(result.ids)
    first = int(ids[0] in (getattr(model.tokenizer, "bos_token_id", None),))
    put = put_at(model, ids, 2, 0, first)
    clean = logits_of(model, ids).log_softmax(-1)
    for p in (1, len(ids) // 2, len(ids) - 1):
        effects = []
        for other in put[p].tolist():
            changed = ids.clone()
            changed[p] = other
            now = logits_of(model, changed).log_softmax(-1)
            effects.append(float(clean[-1, result.target] - now[-1, result.target]))
        assert float(result.logp.value[p]) == pytest.approx(sum(effects) / 2, abs=1e-3)


def test_influence_is_one_topic() -> None:
    assert influence.compute_self_influence.topic == "influence"
