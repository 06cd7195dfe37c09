"""Scores on a text, against their definitions written as loops."""

from __future__ import annotations

import math

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.attention.text import TEXT_SCORES, TextScores
from circuit_widgets.live.next_tokens import top_next
from circuit_widgets.widgets.score_planes import text_scores
from tests.circuits import Circuit, build

# name, ids, begins with a BOS token
TEXTS = {
    "repeats": ([5, 6, 7, 5, 6, 7, 8, 5], False),
    "bos": ([0, 5, 6, 7, 5, 6, 7, 8, 5], True),
    "runs of one token": ([5, 5, 5, 6, 6], False),
    "only one token": ([5, 5, 5, 5], False),
}


def random_pattern(n: int, heads: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(n)
    scores = torch.randn(1, heads, n, n, generator=generator) * 2
    return scores.masked_fill(~torch.ones(n, n).tril().bool(), -math.inf).softmax(-1)


def uniform_pattern(n: int) -> torch.Tensor:
    ones = torch.ones(n, n).tril()
    return (ones / ones.sum(-1, keepdim=True))[None, None]


def by_loops(ids: list[int], has_bos: bool, rows: list[list[float]]) -> dict[str, float]:
    """The definitions, one query and key after the other. NaN where no query has such a key."""
    n = len(ids)

    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else math.nan

    same, induction = [], []
    for q in range(n):
        keys = [k for k in range(q) if ids[k] == ids[q]]
        if keys:
            same.append(sum(rows[q][k] for k in keys))
        keys = [k + 1 for k in keys if k + 1 < q]
        if keys:
            induction.append(sum(rows[q][k] for k in keys))
    return {
        "induction": mean(induction),
        "previous_token": mean([rows[q][q - 1] for q in range(1 + has_bos, n)]),
        "same_token": mean(same),
        "first_token": mean([rows[q][0] for q in range(1, n)]),
        "entropy": mean(
            [-sum(p * math.log(p) for p in rows[q] if p > 0) / math.log(q + 1) for q in range(1, n)]
        ),
    }


@pytest.mark.parametrize("name", TEXTS)
def test_scores_are_their_definitions(name: str) -> None:
    ids, has_bos = TEXTS[name]
    pattern = random_pattern(len(ids))
    reducer = TextScores(torch.tensor([ids]), 2, 3, has_bos=has_bos)
    reducer.see(1, pattern)
    scores = reducer.scores()
    assert list(scores) == list(TEXT_SCORES)
    for head in range(3):
        expected = by_loops(ids, has_bos, pattern[0, head].tolist())
        for score, value in expected.items():
            got = float(scores[score].value[1, head])
            assert got == pytest.approx(value, abs=1e-5, nan_ok=True), (score, head)
    # Layer 0 was not seen.
    assert all(score.value[0].isnan().all() for score in scores.values())


@pytest.mark.parametrize("name", TEXTS)
def test_chance_is_what_a_uniform_head_scores(name: str) -> None:
    ids, has_bos = TEXTS[name]
    reducer = TextScores(torch.tensor([ids]), 1, 1, has_bos=has_bos)
    reducer.see(0, uniform_pattern(len(ids)))
    for score in reducer.scores().values():
        chance = float(score.tensors()["chance"])
        assert float(score.value) == pytest.approx(chance, abs=1e-6, nan_ok=True)


def test_a_score_that_no_token_can_have_is_missing_for_all() -> None:
    reducer = TextScores(torch.tensor([[1, 2, 3, 4]]), 1, 2)
    reducer.see(0, random_pattern(4, heads=2))
    for name, score in reducer.scores().items():
        missing = name in {"induction", "same_token"}
        assert bool(score.value.isnan().all()) == missing
        assert bool(score.tensors()["chance"].isnan()) == missing


def test_one_token_has_no_scores() -> None:
    reducer = TextScores(torch.tensor([[1]]), 1, 2)
    reducer.see(0, random_pattern(1, heads=2))
    for score in reducer.scores().values():
        assert score.value.isnan().all() and score.tensors()["chance"].isnan()


def test_a_learned_sink_does_not_look_like_focus() -> None:
    """Rows that sum to less than 1: the entropy is of what goes to tokens."""
    whole = TextScores(torch.tensor([[1, 2, 3]]), 1, 1)
    half = TextScores(torch.tensor([[1, 2, 3]]), 1, 1)
    whole.see(0, uniform_pattern(3))
    half.see(0, uniform_pattern(3) / 2)
    assert float(half.scores()["entropy"].value) == pytest.approx(1, abs=1e-6)
    assert float(half.scores()["first_token"].value) == pytest.approx(
        float(whole.scores()["first_token"].value) / 2
    )


def test_a_broken_head_is_missing_alone() -> None:
    pattern = random_pattern(5)
    pattern[0, 1] = math.nan
    reducer = TextScores(torch.tensor([[1, 2, 1, 2, 1]]), 1, 3)
    reducer.see(0, pattern)
    for score in reducer.scores().values():
        assert score.value.isnan().tolist() == [[False, True, False]]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_other_dtypes(dtype: torch.dtype) -> None:
    ids = TEXTS["repeats"][0]
    pattern = random_pattern(len(ids)).to(dtype)
    reducer = TextScores(torch.tensor([ids]), 1, 3)
    reducer.see(0, pattern)
    for name, value in by_loops(ids, False, pattern[0, 0].tolist()).items():
        score = reducer.scores()[name].value
        assert score.dtype == torch.float32
        # bfloat16 rows do not quite sum to 1, and entropy is of rows that do.
        assert float(score[0, 0]) == pytest.approx(value, abs=2e-2 if name == "entropy" else 1e-5)


def test_the_planted_heads_on_a_text() -> None:
    circuit = Circuit(3, 3, (0, 1), (2, 2), (((1, 0), "duplicate"), ((1, 1), "current")))
    ids = torch.tensor([[9, 3, 4, 8, 3, 4, 7, 8]])
    reducer = TextScores(ids, 3, 3)
    logits = capture.run(build(circuit), ids, [reducer])
    assert logits is not None
    scores = reducer.scores()
    best = {name: divmod(int(scores[name].value.argmax()), 3) for name in scores}
    assert best["induction"] == (2, 2) and best["previous_token"] == (0, 1)
    assert best["same_token"] == (1, 0)
    for name, at in best.items():
        if name != "first_token":
            assert float(scores[name].value[at]) == pytest.approx(1, abs=1e-5)
    assert float(scores["entropy"].value[1, 1]) == pytest.approx(0, abs=1e-5)
    # At position 4 the second 3 expects 4 again.
    top = top_next(logits[0], torch.tensor([*ids[0, 1:].tolist(), -1]), k=3)
    assert int(top.ids[4, 0]) == 4
    assert float(top.probabilities[4, 0]) == pytest.approx(
        1 / (1 + 39 * math.exp(-circuit.gain)), abs=1e-6
    )


@pytest.mark.parametrize("chunk", [1, 40, 10_000])
def test_top_next_is_a_softmax_whatever_the_chunk(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("circuit_widgets.attention.text._CHUNK", chunk)
    logits = torch.randn(9, 20, generator=torch.Generator().manual_seed(0)) * 3
    following = torch.arange(9).add(3)
    following[-1] = -1
    top = top_next(logits, following, k=4)
    all_of_it = logits.log_softmax(-1)
    expected = all_of_it.exp().sort(-1, descending=True)
    assert torch.equal(top.ids, expected.indices[:, :4])
    torch.testing.assert_close(top.probabilities, expected.values[:, :4])
    torch.testing.assert_close(top.actual[:-1], all_of_it[torch.arange(8), following[:-1]])
    assert top.actual[-1].isnan()


def test_top_next_of_a_small_vocabulary_and_a_small_dtype() -> None:
    logits = torch.tensor([[10.0, 11.0, 9.0]], dtype=torch.float16)
    top = top_next(logits, torch.tensor([0]), k=10)
    assert top.ids.tolist() == [[1, 0, 2]]
    assert top.probabilities.dtype == torch.float32
    assert float(top.probabilities.sum()) == pytest.approx(1)


def test_a_few_queries_are_counted_and_give_a_wide_error():
    ids, _ = TEXTS["repeats"]
    pattern = random_pattern(len(ids))
    text = TextScores(torch.tensor([ids]), 1, 3)
    text.see(0, pattern)
    # 6, 7 and 5 again have a key after their earlier occurrence; 8 has none.
    rows = pattern[0]
    each = torch.stack([rows[:, 3, 1], rows[:, 4, 2], rows[:, 5, 3], rows[:, 7, 1] + rows[:, 7, 4]])
    assert text.queries["induction"] == 4
    torch.testing.assert_close(text.errors()["induction"][0], each.std(0) / 2)
    torch.testing.assert_close(text.scores()["induction"].value[0], each.mean(0))
    one = TextScores(torch.tensor([[5, 6, 5]]), 1, 3)
    one.see(0, random_pattern(3))
    assert one.queries["induction"] == 1
    assert torch.isnan(one.errors()["induction"]).all()
    assert not torch.isnan(one.scores()["induction"].value).any()


def test_a_view_says_how_few_the_tokens_are():
    text = TextScores(torch.tensor([[5, 6, 7, 5, 6]]), 1, 3)
    text.see(0, random_pattern(5))
    shown = {score.name: score for score in text_scores(text)}
    assert shown["text_induction"].label == "Induction, n=2"
    assert "over 2 tokens" in shown["text_induction"].about
    low, high = shown["text_induction"].low, shown["text_induction"].high
    assert low is not None and high is not None
    # Student's t of one degree of freedom: next to nothing is known.
    half = 12.706 * text.errors()["induction"]
    torch.testing.assert_close((high - low) / 2, half, rtol=1e-3, atol=1e-5)
