"""trace_induction over several prompts: means of each head at both hops, with intervals."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.analysis.induction.trace import trace_induction
from circuit_widgets.analysis.induction.trace_means import MEANS
from circuit_widgets.analysis.induction.trace_results import BY_POSITION, InductionTrace
from circuit_widgets.heads import Head
from circuit_widgets.statistics.intervals import SHARE, mean_interval
from tests import tiny
from tests.circuits import Circuit, build

HEADS = {"heads": ["1.2", "2.0"], "previous": ["0.1"]}


def repeating(n: int, length: int, seed: int, vocabulary: int = 40) -> list[list[int]]:
    """Prompts that end in their own first half."""
    rng, found = random.Random(seed), []
    for _ in range(n):
        ids = rng.sample(range(1, vocabulary), length)
        found.append([*ids, *ids[: length // 2]])
    return found


def traced(model, prompts, **asked) -> InductionTrace:
    return trace_induction(model, prompts, progress=False, **asked)


@pytest.mark.parametrize("name", ["llama", "native"])
def test_each_prompt_is_as_it_is_alone_and_the_mean_is_theirs(name: str) -> None:
    model = tiny.make(name)
    prompts = [*repeating(3, 6, seed=1), *repeating(2, 8, seed=2), *repeating(1, 6, seed=3)]
    with capture.counting(model) as counted:
        found = traced(model, prompts, **HEADS)
    assert counted.forwards == 2, "prompts of one length go through the model together"
    assert found.n_prompts == 6 and found.lengths == (9, 9, 9, 12, 12, 9)
    alone = [traced(model, prompt, **HEADS) for prompt in prompts]
    for at, one in enumerate(alone):
        part = found.of(at)
        assert part.provenance == one.provenance and part.repeats() == one.repeats()
        assert torch.equal(part.earlier, one.earlier) and part.tokens == one.tokens
        for field in BY_POSITION:
            torch.testing.assert_close(
                getattr(part, field), getattr(one, field), atol=1e-4, rtol=1e-3, equal_nan=True
            )
    at = [one.repeats() for one in alone]
    for field in ("attention", "first_hop", "added"):
        known = torch.stack(
            [getattr(one, field)[:, q].mean(1) for one, q in zip(alone, at, strict=True)]
        )
        torch.testing.assert_close(found.by_prompt(field), known, atol=1e-4, rtol=1e-3)
        bounds = None if field == "added" else SHARE
        mean, score = mean_interval(known, 0.95, bounds), found.mean(field)
        for part, expected in zip((score.value, score.low, score.high), mean, strict=True):
            torch.testing.assert_close(part, expected, atol=1e-3, rtol=1e-3)
    chance = torch.stack([one.chance[q].mean() for one, q in zip(alone, at, strict=True)])
    assert float(found.mean("attention").chance) == pytest.approx(float(chance.mean()))
    # The token after the earlier occurrence, at 1, attends to 2 tokens, the next one to 3, ...
    hops = [sum(1 / (k + 2) for k in range(n)) / n for n in (3, 3, 3, 4, 4, 3)]
    assert float(found.mean("first_hop").chance) == pytest.approx(sum(hops) / 6)


def test_a_planted_circuit_has_its_answer_over_prompts() -> None:
    circuit = Circuit(3, 2, (0, 1), (2, 0))
    found = traced(build(circuit), repeating(6, 8, seed=4))
    head, previous = str(Head(*circuit.induction)), str(Head(*circuit.previous))
    assert found.heads == (head,) and previous in found.previous
    attention, hop = found.mean("attention"), found.mean("first_hop")
    at = found.previous.index(previous)
    # From position 0 nothing is copied: the circuit does not find what followed the first token.
    assert float(attention.value) == pytest.approx(1, abs=1e-4)
    assert float(hop.value[at]) == pytest.approx(1, abs=1e-4)
    paths = found.mean("paths")
    assert paths.value.shape == (len(found.previous), 1)
    assert float(paths.value[at, 0]) == pytest.approx(1, abs=1e-4)
    # All the same: no spread, and yet 6 of 6 prompts leave it open how often it fails.
    assert float(attention.low) == pytest.approx(1, abs=1e-4)
    predicted = found.mean("predicted")
    assert float(predicted.value) == 1 and float(predicted.low) == pytest.approx(0.61, abs=0.01)
    assert "top prediction at 100 % (61 to 100 %)" in repr(found)


def test_the_order_of_prompts_does_not_matter_and_copies_count_once() -> None:
    model, prompts = tiny.make("gpt2"), repeating(5, 6, seed=5)
    found, back = (traced(model, some, **HEADS) for some in (prompts, prompts[::-1]))
    for name in MEANS:
        one, other = found.mean(name).tensors(), back.mean(name).tensors()
        for part, tensor in one.items():
            torch.testing.assert_close(tensor, other[part], atol=1e-6, rtol=1e-5)
    with pytest.warns(UserWarning, match="3 of 8 prompts are copies of others"):
        same = traced(model, [*prompts, *prompts[:3]], **HEADS)
    assert dataclasses.replace(same, provenance=found.provenance) == found
    with pytest.warns(UserWarning, match="one prompt is left, which has no interval"):
        one = traced(model, [prompts[0]] * 3, **HEADS)
    assert one == traced(model, prompts[0], **HEADS) and one.n_prompts == 1


def test_the_interval_over_prompts_holds_the_mean_of_further_ones() -> None:
    """A 90 % interval of 5 prompts holds the mean of all 200 about nine times in ten."""
    every = traced(tiny.make("llama"), repeating(200, 5, seed=6), **HEADS, confidence=0.9)
    assert every.interval == "90 % interval over prompts"
    generator = torch.Generator().manual_seed(0)
    at = torch.randint(200, (2000, 5), generator=generator)
    for name, bounds in (("attention", SHARE), ("added", None), ("first_hop", SHARE)):
        samples = every.by_prompt(name)
        _, low, high = mean_interval(samples[at].transpose(0, 1), 0.9, bounds)
        truth = samples.mean(0)
        held = ((low <= truth) & (truth <= high)).float().mean(0)
        assert bool(((held > 0.84) & (held < 0.95)).all()), (name, held)


def test_it_saves_shows_and_streams(tmp_path) -> None:
    model = cw.load_model()
    texts = ["blue dog seven blue dog", "cat river stone cat river two cat", "two red green two"]
    found = traced(model, texts)
    found.save(tmp_path / "trace")
    assert cw.load(tmp_path / "trace") == found == InductionTrace.load(tmp_path / "trace")
    frame = found.to_frame()
    rows = frame[frame["score"] == "attention"]
    assert rows["name"].tolist() == list(found.heads) and set(rows["n"]) == {3}
    assert rows["low"].tolist() == pytest.approx(found.mean("attention").low.tolist())
    by_prompt = found.to_frame(by_prompt=True).query("score == 'added' and prompt == 1")
    assert by_prompt["value"].tolist() == pytest.approx(found.by_prompt("added")[1].tolist())
    assert set(by_prompt["n_repeats"]) == {3}
    assert (
        found.texts == tuple(texts) and found.provenance.parameters["prompts"][0] == found.ids[:6]
    )
    job, seen = trace_induction.job(model, texts, heads=["1.2"], previous=["0.1"]), []
    job.on_result(lambda result, done, total: seen.append(result))
    job.start()
    assert job.wait(60) and job.error is None
    assert [result.n_prompts for result in seen] == [1, 2, 3]
    assert "partial: 1 of 3 prompts" in repr(seen[0]) and seen[0].lengths == (6,)
    assert seen[0].mean("attention").low.isnan().all(), "one prompt has no interval over prompts"
    with pytest.raises(ValueError, match="by_prompt is of several prompts"):
        found.of(0).to_frame(by_prompt=True)
    with pytest.raises(ValueError, match="prompt is 3; accepted is a whole number from 0 to 2"):
        found.of(3)
    with pytest.raises(ValueError, match="there is no mean of 'chance'; accepted are attention"):
        found.mean("chance")


def test_no_previous_head_and_a_last_token_alone() -> None:
    """What follows the last token is unknown: a prompt that repeats only there says nothing."""
    found = traced(tiny.make("llama"), [[5, 6, 7, 5], [8, 6, 9, 8]], heads=["1.2"], previous=[])
    follows = found.mean("follows")
    assert math.isnan(float(follows.value)) and "none that counts" in repr(found)
    assert found.mean("first_hop").value.shape == (0,) and len(found.to_frame()) == 5


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (["blue dog blue", "blue dog"], "no token of prompt 1 .* repeats an earlier one"),
        (["blue dog blue", ""], "prompt 1: the prompt is empty"),
        ([], "the prompt is empty"),
    ],
)
def test_what_cannot_be_traced_is_a_sentence(prompts: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace_induction(cw.load_model(), prompts)
    with pytest.raises(ValueError, match="confidence is 95"):
        trace_induction(cw.load_model(), "blue dog blue", confidence=95)
