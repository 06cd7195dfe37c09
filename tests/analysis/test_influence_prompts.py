"""compute_self_influence over several prompts: means and intervals over prompts, aligned."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.influence.compute import compute_self_influence
from circuit_widgets.analysis.influence.results import SelfInfluence
from circuit_widgets.analysis.influence.settings import SettingsOfSeveral
from circuit_widgets.results import result as results
from circuit_widgets.statistics.intervals import mean_interval
from tests import tiny
from tests.circuits import Circuit, build

CIRCUIT = Circuit(2, 2, (0, 0), (1, 1), vocabulary=20, context=14)
SAME: dict[str, Any] = {"atol": 1e-5, "rtol": 1e-4, "equal_nan": True}


def texts(n: int, seed: int, length: int = 7, at: int = 2) -> list[list[int]]:
    """`.. A B .. A`: the next token is B, by the tokens at `at`, `at` + 1 and the end."""
    rng, found = random.Random(seed), []
    for _ in range(n):
        ids = rng.sample(range(CIRCUIT.vocabulary), length)
        ids[-1] = ids[at]
        found.append(ids)
    return found


def alone(model, prompt, **asked) -> SelfInfluence:
    return compute_self_influence(model, prompt, progress=False, **asked)


@pytest.mark.parametrize("given", [{}, {"generate": 3}, {"all_pairs": True}, {"metric": "kl"}])
def test_each_prompt_is_as_it_is_alone_and_the_mean_is_theirs(given: dict[str, Any]) -> None:
    model, prompts = build(CIRCUIT), texts(4, seed=1)
    found = alone(model, prompts, **given)
    each = [alone(model, prompt, **given) for prompt in prompts]
    assert found.n_prompts == 4 and not found.by_distance and found.position == each[0].position
    assert found.interval == "95 % interval over prompts" and found.enumerated
    for name in ("logp", "kl"):
        samples = torch.stack([getattr(one, name).value for one in each])
        torch.testing.assert_close(getattr(found, f"{name}_by_prompt").value, samples, **SAME)
        score = getattr(found, name)
        for part, known in zip(
            (score.value, score.low, score.high), mean_interval(samples, 0.95), strict=True
        ):
            torch.testing.assert_close(part, known, **SAME)
    if found.matrix is not None:
        matrices = torch.stack([one.matrix for one in each if one.matrix is not None])
        torch.testing.assert_close(found.matrix, matrices.mean(0), **SAME)
        torch.testing.assert_close(found.matrix_sem, matrices.std(0) / 2, **SAME)
    if found.own is not None and found.generated_logp is not None:
        own = torch.stack([one.own.value for one in each if one.own is not None])
        torch.testing.assert_close(found.own.value, own.mean(0), **SAME)
        assert found.tokens[: found.n_prompt] == found.tokens[:7] and len(found.tokens) == 10
    if found.kl.control_high is not None:
        low, middle, high = found.kl.control_low, found.kl.control, found.kl.control_high
        assert bool(((low <= middle) & (middle <= high)).all()) and found.sources(1)[0][0] == 6


def test_the_planted_sources_are_found_and_the_order_does_not_matter() -> None:
    model, prompts = build(CIRCUIT), texts(8, seed=2)
    found = alone(model, prompts)
    assert {position for position, *_ in found.sources(3)} == {2, 3, 6}
    back = alone(model, prompts[::-1])
    assert torch.equal(found.logp.value, back.logp.value)
    assert torch.equal(found.logp.high.nan_to_num(), back.logp.high.nan_to_num())
    assert found.tokens == back.tokens
    drawn, other = (alone(model, some, draws=2) for some in (prompts, prompts[::-1]))
    assert torch.equal(drawn.logp.value, other.logp.value)
    # Draws that were the same in each prompt would put the same token in each place.
    assert not torch.equal(drawn.logp_by_prompt.value, found.logp_by_prompt.value)
    assert drawn.logp_by_prompt.low.isfinite().all() and found.logp_by_prompt.low.isnan().all()


def test_the_interval_over_prompts_holds_the_mean_of_further_ones() -> None:
    """A 90 % interval of 4 prompts holds the mean of all 30 about nine times in ten."""
    every = alone(tiny.make("llama"), tiny.ids(4, batch=30, seed=3), confidence=0.9)
    samples = every.logp_by_prompt.value
    truth, generator = samples.mean(0), torch.Generator().manual_seed(0)
    at = torch.randint(len(samples), (2000, 4), generator=generator)
    _, low, high = mean_interval(samples[at].transpose(0, 1), 0.9)
    torch.testing.assert_close(every.logp.value, truth, **SAME)
    held = ((low <= truth) & (truth <= high)).float().mean(0)
    assert bool(((held > 0.84) & (held < 0.95)).all()), held


def test_prompts_of_several_lengths_are_aligned_at_the_output() -> None:
    model = build(CIRCUIT)
    short, long = texts(3, seed=4, length=6, at=1), texts(2, seed=5, length=8, at=3)
    found = alone(model, [*short, *long])
    assert found.by_distance and found.position == 7 and len(found.ids) == 8
    assert found.n_at.tolist() == [2, 2, *[5] * 6]
    # 5 before the end stands A in both, 4 before it B.
    assert {position for position, *_ in found.sources(3)} == {3 - 0, 4, 7} - {0}
    each = [alone(model, prompt) for prompt in [*short, *long]]
    last = torch.stack([one.logp.value[-6:] for one in each])
    torch.testing.assert_close(found.logp.value[2:], last.mean(0), **SAME)
    torch.testing.assert_close(
        found.logp.value[:2], torch.stack([one.logp.value[:2] for one in each[3:]]).mean(0), **SAME
    )
    assert "aligned at the output that is read" in repr(found) and "tokens before" in repr(found)
    frame = found.to_frame()
    row = frame[(frame["score"] == "logp") & (frame["distance"] == -7)]
    assert row["n"].item() == 2 and row["interval_over"].item() == "prompts"
    by_prompt = found.to_frame(by_prompt=True).query("score == 'logp' and prompt == 0")
    assert by_prompt["value"].tolist() == pytest.approx(each[0].logp.value.tolist(), abs=1e-5)
    assert by_prompt["distance"].tolist() == [-5, -4, -3, -2, -1, 0]
    # One prompt alone that is longer has a mean there and no interval.
    one = alone(model, [*short, long[0]])
    assert one.logp.value[:2].isfinite().all() and one.logp.low[:2].isnan().all()


def test_copies_count_once() -> None:
    model, prompts = build(CIRCUIT), texts(3, seed=6)
    with pytest.warns(UserWarning, match="2 of 5 prompts are copies of others"):
        found = alone(model, [*prompts, *prompts[:2]])
    assert found == dataclasses.replace(alone(model, prompts), provenance=found.provenance)
    with pytest.warns(UserWarning, match="one prompt is left, which has no interval over prompts"):
        same = alone(model, [prompts[0]] * 4)
    assert same == alone(model, prompts[0]) and same.n_prompts == 1
    # One text with two targets is two prompts.
    assert alone(model, [prompts[0]] * 2, target=[3, 4]).n_prompts == 2
    assert alone(model, [prompts[0]]) == alone(model, prompts[0])


def test_targets_and_positions_are_one_for_all_or_one_for_each() -> None:
    model, prompts = build(CIRCUIT), texts(3, seed=7)
    wanted = [ids[3] for ids in prompts]
    found = alone(model, torch.tensor(prompts), target=[(w, (w + 1) % 20) for w in wanted])
    assert [each.target_token for each in found.prompts] == list(map(str, wanted))
    assert found.measured == "logit difference of the targets against the others"
    assert found.target == -1 and found.target_token == ""
    assert alone(model, prompts, target=5).measured == "log-probability of '5'"
    placed = alone(model, prompts, position=[3, 4, -1])
    assert [each.position for each in placed.prompts] == [3, 4, 6] and placed.by_distance
    settings = placed.provenance.settings(SettingsOfSeveral)
    assert settings.position == (3, 4, 6) and settings.prompts == tuple(map(tuple, prompts))
    asked = {"position": [*settings.position], "target": [*settings.target]}
    again = alone(model, [*settings.prompts], seed=settings.seed, **asked)
    assert again == placed


@pytest.mark.parametrize(
    ("prompts", "given", "error", "message"),
    [
        ([[3, 4], [5]], {}, ValueError, "prompt 1: '5' is 1 token; accepted are prompts of 2"),
        ([[3, 4], [5, 99]], {}, ValueError, "prompt 1: there is no token 99"),
        ([[3, 4], {5: 6}], {}, TypeError, "prompt 1: "),
        ([[3, 4, 3], [5, 4]], {"position": 2}, ValueError, "prompt 1: position is 2"),
        ([[3, 4], [5, 4]], {"position": [1]}, ValueError, "there are 1 positions and 2 prompts"),
        ([[3, 4], [5, 4]], {"target": [1, 2, 3]}, ValueError, "there are 3 targets and 2 prompts"),
        ([[3, 4], [5, 4]], {"target": [1, (2, 3)]}, ValueError, "some targets are pairs"),
        ([[3, 4], [5, 4]], {"generate": 13}, ValueError, "prompt 0: 2 tokens and 13 more are 15"),
        ([3, 4], {"position": [1, 1]}, ValueError, "position is"),
    ],
)
def test_what_cannot_be_is_a_sentence(prompts, given, error, message: str) -> None:
    with pytest.raises(error, match=message):
        compute_self_influence(build(CIRCUIT), prompts, **given)


@pytest.mark.parametrize("given", [{}, {"generate": 2}, {"metric": "norm"}, {"draws": 2}])
def test_it_saves_shows_and_streams(given: dict[str, Any], tmp_path) -> None:
    model, prompts = tiny.make("llama"), [tiny.ids(5, seed=1)[0], tiny.ids(4, seed=2)[0]]
    found = alone(model, prompts, **given)
    found.save(tmp_path / "result")
    assert SelfInfluence.load(tmp_path / "result") == found == results.load(tmp_path / "result")
    assert set(found.to_frame()["interval_over"]) == {"prompts"}
    assert found.score.low is not None and found.score.low.isfinite().any()
    job, seen = compute_self_influence.job(model, prompts, **given), []
    job.on_result(lambda result, done, total: seen.append((result, done, total)))
    job.start()
    assert job.wait(60) and job.error is None and job.result == found
    assert [result.n_prompts for result, *_ in seen] == [1, 2]
    assert "partial: 1 of 2 prompts" in repr(seen[0][0]) and seen[0][1] < seen[0][2]
    assert seen[0][0].logp.low.isnan().all(), "one prompt has no interval over prompts"
    with pytest.raises(ValueError, match="by_prompt is of several prompts"):
        alone(model, prompts[0]).to_frame(by_prompt=True)


def test_words_of_texts_that_differ() -> None:
    model = cw.load_model()
    found = alone(model, ["blue dog seven blue", "red dog two red", "red dog river red"])
    assert found.tokens[2] == "dog" and found.tokens[1] == "⟨red⟩+1"
    assert found.others(1) == [("red", 2), ("blue", 1)] and found.ids[1] == -1
    assert "a is the commonest token" in repr(found)
