"""detect_attention_patterns: known shapes, circuits, other architectures, the registry."""

from __future__ import annotations

import math
import random

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.analysis.patterns.classes import (
    ATTENTION_PATTERNS,
)
from circuit_widgets.analysis.patterns.detect import (
    detect_attention_pattern,
    detect_attention_patterns,
)
from circuit_widgets.analysis.patterns.results import AttentionPatterns
from circuit_widgets.attention.preferences import preferences
from circuit_widgets.attention.shapes import SHAPED, TEXT_SCORES, PatternScores, chances
from circuit_widgets.heads import Head
from tests import tiny
from tests.circuits import Circuit, build

IDS = [list(range(1, 13)), list(range(13, 25)), [30, 31, 32, 33, 34, 35, 36]]


def scores(pattern: torch.Tensor) -> dict[str, float]:
    """Of one pattern [query, key]."""
    reducer = PatternScores(torch.arange(len(pattern))[None], 1, 1)
    reducer.see(0, pattern[None, None])
    return dict(zip(reducer.names, reducer.values[:, 0, 0, 0].tolist(), strict=True))


def by_loops(pattern: torch.Tensor) -> dict[str, float]:
    """The definitions, written out."""
    n = len(pattern)
    rows = pattern.tolist()

    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else math.nan

    def scaled(q: int) -> list[float]:
        return [w / sum(rows[q]) for w in rows[q]]

    def entropy(weights: list[float]) -> float:
        return -sum(w * math.log(w) for w in weights if w > 0)

    def octaves(q: int) -> float:
        masses: dict[int, float] = {}
        for k, w in enumerate(scaled(q)[: q + 1]):
            far = q - k
            masses.setdefault(0 if far == 0 else int(math.log2(far)) + 1, 0.0)
            masses[0 if far == 0 else int(math.log2(far)) + 1] += w
        return entropy(list(masses.values())) / math.log(len(masses))

    later = range(1, n)
    return {
        "diagonal": mean([rows[q][q] + rows[q][q - 1] for q in later]),
        "previous_token": mean([rows[q][q - 1] for q in later]),
        "current_token": mean([rows[q][q] for q in later]),
        "local_window": mean([sum(rows[q][max(0, q - 4) : q + 1]) for q in later]),
        "uniform": mean(
            [
                1 - sum(abs(w - 1 / (q + 1)) for w in scaled(q)[: q + 1]) / 2
                for q in range(SHAPED, n)
            ]
        ),
        "hierarchical": mean([octaves(q) for q in range(SHAPED, n)]),
        "first_token": mean([rows[q][0] for q in later]),
        "entropy": mean([entropy(scaled(q)) / math.log(q + 1) for q in later]),
        "no_token": mean([1 - sum(rows[q]) for q in range(n)]),
    }


def causal(n: int, seed: int, lost: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, n, generator=generator) * 2
    future = ~torch.ones(n, n).tril().bool()
    return logits.masked_fill(future, -math.inf).softmax(-1) * (1 - lost)


@pytest.mark.parametrize("lost", [0.0, 0.4], ids=["whole rows", "rows with a sink"])
@pytest.mark.parametrize("n", [2, 3, 5, 17, 40])
def test_every_score_is_its_definition(n: int, lost: float) -> None:
    pattern = causal(n, n, lost)
    expected = by_loops(pattern)
    for name, value in scores(pattern).items():
        assert value == pytest.approx(expected[name], abs=1e-5, nan_ok=True), name


def test_shapes_score_one_where_they_should() -> None:
    n = 32
    q, k = torch.arange(n)[:, None], torch.arange(n)
    uniform = torch.ones(n, n).tril() / (q + 1)
    assert scores(uniform)["uniform"] == scores(uniform)["entropy"] == pytest.approx(1)
    previous = (k == (q - 1).clamp(min=0)).float()
    assert scores(previous)["previous_token"] == scores(previous)["diagonal"] == 1
    assert scores(torch.eye(n))["current_token"] == scores(torch.eye(n))["diagonal"] == 1
    sink = torch.zeros(n, n)
    sink[:, 0] = 1
    assert scores(sink)["first_token"] == 1 and scores(sink)["uniform"] < 0.2
    # As much on each octave of distance.
    far = (q - k).clamp(min=0)
    octave = torch.where(far == 0, 0, far.float().clamp(min=1).log2().floor().long() + 1)
    scales = torch.zeros(n, n)
    for at in range(n):
        seen = octave[at, : at + 1]
        sizes = torch.bincount(seen)
        scales[at, : at + 1] = 1 / (len(sizes) * sizes[seen])
    assert scores(scales)["hierarchical"] == pytest.approx(1)
    assert scores(uniform)["hierarchical"] < 0.9 and scores(sink)["hierarchical"] == 0


def test_chance_is_what_attention_without_a_shape_scores() -> None:
    n, generator = 24, torch.Generator().manual_seed(0)
    chance = chances(torch.arange(n)[None])
    uniform = torch.ones(n, n).tril() / torch.arange(1, n + 1)[:, None]
    for name, value in by_loops(uniform).items():
        if name != "uniform":
            assert chance[name] == pytest.approx(value, abs=1e-5)
    draws = []
    for _ in range(200):
        raw = torch.empty(n, n).exponential_(generator=generator).tril()
        draws.append(scores(raw / raw.sum(-1, keepdim=True))["uniform"])
    assert chance["uniform"] == pytest.approx(sum(draws) / len(draws), abs=0.01)


def planted(seed: int) -> tuple[Circuit, dict[Head, str]]:
    dice = random.Random(seed)
    n_layers, n_heads = dice.randint(2, 4), dice.randint(2, 4)
    first = dice.randrange(n_layers - 1)
    previous = (first, dice.randrange(n_heads))
    induction = (dice.randrange(first + 1, n_layers), dice.randrange(n_heads))
    free = [(x, y) for x in range(n_layers) for y in range(n_heads)]
    free = [at for at in free if at not in (previous, induction)]
    kinds = ("previous", "duplicate", "current", "uniform")
    others = tuple((at, dice.choice(kinds)) for at in free)
    circuit = Circuit(n_layers, n_heads, previous, induction, others, vocabulary=44, context=24)
    name = {
        "previous": "diagonal",
        "current": "diagonal",
        "duplicate": "duplicate_token",
        "induction": "induction",
        "uniform": "uniform",
    }
    # On a text without repeats these attend uniformly; of three quarters it sets none apart.
    broad = [circuit.kind(at) in ("duplicate", "induction", "uniform") for at in circuit.heads()]
    if sum(broad) >= 0.75 * len(broad):
        name["uniform"] = "other"
    return circuit, {Head(*at): name[circuit.kind(at)] for at in circuit.heads()}


def test_sixty_plantings_get_their_labels() -> None:
    right = wrong = missed = 0
    for seed in range(60):
        circuit, truth = planted(seed)
        found = detect_attention_patterns(
            build(circuit), IDS, n_sequences=3, length=10, seed=seed, progress=False
        ).labels()
        right += sum(found[head] == label for head, label in truth.items())
        missed += sum(found[head] == "other" != label for head, label in truth.items())
        wrong += sum(found[head] not in (label, "other") for head, label in truth.items())
    precision, recall = right / (right + wrong), right / (right + wrong + missed)
    print(f"60 plantings, {right + wrong + missed} heads: {precision:.3f}, recall {recall:.3f}")
    assert precision == recall == 1


@pytest.mark.parametrize("name", list(tiny.MAKERS))
def test_every_architecture_as_a_plain_cache_says(name: str) -> None:
    model = tiny.make(name)
    prompts = [tiny.ids(9, seed=1)[0].tolist(), tiny.ids(9, seed=2)[0].tolist(), [5, 9, 4, 7]]
    assert preferences(model, 8) is None  # Tried once for each model.
    with capture.counting(model) as passes:
        found = detect_attention_patterns(
            model, prompts, n_sequences=1, length=8, batch=2, progress=False
        )
    # Prompts of one length together, the random tokens in one.
    assert passes.forwards == 3
    for layer in range(tiny.N_LAYERS):
        for head in range(tiny.N_HEADS):
            each = []
            for prompt in prompts:
                _, cache = model.run_with_cache(torch.tensor([prompt]))
                pattern = cache[f"blocks.{layer}.attn.hook_pattern"][0, head].detach()
                each.append(by_loops(pattern))
            for score in TEXT_SCORES:
                known = [of[score] for of in each]
                mean = sum(known) / len(known)
                got = float(found.score(score).value[layer, head])
                assert got == pytest.approx(mean, abs=1e-4, nan_ok=True), (layer, head, score)


def test_a_sink_in_the_softmax_is_attention_to_no_token() -> None:
    found = detect_attention_patterns(
        tiny.gptoss(), [tiny.ids(8)[0].tolist()], n_sequences=1, length=6, progress=False
    )
    assert (found.score("no_token").value > 0.01).all()
    assert (found.score("entropy").value <= 1 + 1e-5).all()


def test_the_pictures_of_what_repeats_are_of_a_sequence_that_repeats() -> None:
    """On its own sequences an induction head is a line; the first prompt has no repeats to show."""
    texts = ["blue dog seven river green stone", "two green dog sky"]
    # A picture of a cell a token.
    found = detect_attention_patterns(
        cw.load_model(), texts, n_sequences=2, length=12, batch=1, thumbnail=64, progress=False
    )
    assert found.n_repeats_tokens == 25
    assert found.repeats_thumbnails.shape == (2, 4, 25, 25)
    assert found.thumbnails.shape == (2, 4, 7, 7)
    value = found.repeats_thumbnails[1, 2] * found.repeats_thumbnail_scale[1, 2] / 255
    later = torch.arange(13, 25)
    assert value[later, later - 11].mean() > 0.8
    head = found.repeats_thumbnails[0, 1] * found.repeats_thumbnail_scale[0, 1] / 255
    assert head[later, later - 1].mean() > 0.8 and head[later, later - 11].mean() < 0.1


def test_the_toy_has_its_classes(tmp_path) -> None:
    texts = ["blue dog seven river", "two green dog sky", "the river seven"]
    found = detect_attention_patterns(cw.load_model(), texts, progress=False)
    assert found.typical_heads["induction"] and found.labels()[Head(0, 1)] == "diagonal"
    frame = found.to_frame()
    assert len(frame) == len(found.names) * 8 and set(frame["pattern"]) <= {
        *ATTENTION_PATTERNS,
        "other",
    }
    assert found.thumbnails.shape[:2] == (2, 4) and found.thumbnail_tokens[0] == "<bos>"
    found.save(tmp_path / "patterns")
    assert AttentionPatterns.load(tmp_path / "patterns") == found
    stricter = found.labels({"diagonal": 0.999})
    assert stricter[Head(0, 1)] != "diagonal"


def test_a_partial_result_knows_what_is_missing() -> None:
    job = detect_attention_patterns.job(cw.load_model(), ["blue dog", "two green dog"], batch=1)
    seen: list[AttentionPatterns] = []
    job.on_result(lambda result, *_: seen.append(result))
    job.start()
    assert job.wait(60) and job.error is None
    first = seen[0]
    assert not first.provenance.complete and seen[-1].provenance.complete
    assert first.score("prefix_matching").value.isnan().all()
    assert first.score("diagonal").value.isfinite().all()
    assert "other" in set(first.labels().values()) | {"other"}


def test_the_sources_own_definition_is_there_too() -> None:
    model = build(Circuit(2, 2, (0, 0), (1, 1)))
    found = detect_attention_pattern(model, 0, 0, [3, 7, 9, 4, 5, 6])
    assert found["pattern"] == "diagonal" and found["scores"]["diagonal"] == pytest.approx(1)
    assert detect_attention_pattern(model, 0, 1, [3, 7, 9, 4, 5])["pattern"] == "uniform"
    with pytest.raises(ValueError, match=r"there is no head 5\.0"):
        detect_attention_pattern(model, 5, 0, [3, 7, 9])


@pytest.mark.smollm2
def test_smollm2_as_a_plain_cache_says(smollm2) -> None:
    text = "The Queen of Hearts, she made some tarts, all on a summer day"
    found = detect_attention_patterns(smollm2, text, n_sequences=1, length=8, progress=False)
    names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(30)]
    with torch.no_grad():
        _, cache = smollm2.run_with_cache(smollm2.to_tokens(text), names_filter=names)
    for layer, head in ((0, 0), (7, 4), (16, 0), (18, 6), (29, 8)):
        known = by_loops(cache[names[layer]][0, head])
        for score in TEXT_SCORES:
            got = float(found.score(score).value[layer, head])
            assert got == pytest.approx(known[score], abs=1e-4), (layer, head, score)
