"""compute_self_influence: partial results, stopping, seeds, files, dtypes, and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from circuit_widgets.analysis import influence
from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.results import result as results
from tests import tiny
from tests.analysis.test_influence import SMALL, WithBos, logits_of, put_at
from tests.circuits import build


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


def test_stop_keeps_what_is_there() -> None:
    job = compute_self_influence.job(tiny.make("llama"), tiny.ids(30), batch=8)
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
    for given in ({}, {"generate": 3}, {"draws": 3}, {"metric": "norm"}, {"metric": "kl"}):
        result = compute_self_influence(model, tiny.ids(6), progress=False, **given)
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
    assert "has a 95 % interval over draws that excludes 0" in repr(nothing)


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
        ([3, 4, 5], {"position": 3}, "position is 3; accepted is a whole number from 0 to 2"),
        ([3, 4, 5], {"position": -4}, "position is -4"),
        ([3, 4, 5], {"target": 40}, "the target is 40; accepted is a whole number from 0 to 39"),
        ([3, 4, 5], {"target": "word"}, "this model has no tokenizer; pass the target as an id"),
        ([3, 4, 5], {"draws": 1}, "draws is 1; accepted is a whole number from 2"),
        ([3, 4, 5], {"batch": 0}, "batch is 0; accepted is a whole number from 1"),
        ([3, 4, 5], {"confidence": 95}, "confidence is 95"),
        ([3, 4, 5], {"metric": "nats"}, "metric is 'nats'; accepted are 'logp', 'kl', 'norm'"),
        ([3, 4, 5], {"draws": 8, "metric": "norm"}, "draws is 8, and metric 'norm' is the change"),
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
def test_on_smollm2(smollm2) -> None:
    """A real cache: rotary positions, three heads to a key. The first of a pair of names."""
    text = "Anna met Robert. Later on, Robert and Anna"
    result = compute_self_influence(smollm2, text, draws=2, progress=False)
    ids = torch.tensor(result.ids)
    first = int(ids[0] in (getattr(smollm2.tokenizer, "bos_token_id", None),))
    put = put_at(smollm2, ids, 2, 0, first)
    clean = logits_of(smollm2, ids).log_softmax(-1)
    for p in (1, len(ids) // 2, len(ids) - 1):
        effects = []
        for other in put[p].tolist():
            changed = ids.clone()
            changed[p] = other
            now = logits_of(smollm2, changed).log_softmax(-1)
            effects.append(float(clean[-1, result.target] - now[-1, result.target]))
        assert float(result.logp.value[p]) == pytest.approx(sum(effects) / 2, abs=1e-3)


def test_influence_is_one_topic() -> None:
    assert influence.compute_self_influence.topic == "influence"
