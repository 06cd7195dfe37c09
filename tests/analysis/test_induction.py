"""identify_induction_heads on circuits whose every score is known, and against run_with_cache."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from circuit_widgets import models
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.heads import Head
from circuit_widgets.prompts.repeats import Probe
from tests.circuits import At, Circuit, build, expected_logits, expected_pattern

SMALL = Circuit(2, 2, (0, 0), (1, 1))
# The scores of attention alone.
BARE = {"copying": False, "ablation": 0, "pairs": False}
CIRCUITS = {
    "two layers": SMALL,
    "last head to first": Circuit(2, 3, (0, 2), (1, 0), (((0, 0), "duplicate"),)),
    "a layer between": Circuit(
        3, 4, (0, 1), (2, 3), (((1, 0), "previous"), ((1, 2), "current"), ((0, 3), "duplicate"))
    ),
    "deep, six heads": Circuit(4, 6, (1, 4), (2, 0), (((3, 5), "duplicate"), ((0, 0), "previous"))),
    "neighbours": Circuit(4, 2, (2, 1), (3, 1), vocabulary=25),
}


class WithBos:
    """The little of a tokenizer that the probe asks: 0 begins, 1 is special, 2 and 3 are unfit."""

    bos_token_id = 0
    all_special_ids = (0, 1)

    def __init__(self, n: int) -> None:
        self._n = n

    def __len__(self) -> int:
        return self._n

    def convert_ids_to_tokens(self, id: int) -> str:
        return f"w{id}"

    def decode(self, ids: list[int]) -> str:
        return {2: " ", 3: "\ufffd"}.get(ids[0], f"w{ids[0]}")


def known(circuit: Circuit, at: At, length: int, before: int, repeats: bool) -> dict[str, float]:
    """A head's scores, written out from the definitions: nothing here uses tensors or offsets."""
    ids = list(range(1, 2 * length + 1))
    tokens = [0] * before + (ids[:length] * 2 if repeats else ids)
    pattern = expected_pattern(circuit.kind(at), tokens)
    copy = {before + length + i: before + i for i in range(length)}
    previous = {q: q - 1 for q in range(1 + before, len(tokens))}

    def mean(keys: dict[int, int]) -> float:
        return sum(pattern[q][k] for q, k in keys.items()) / len(keys)

    return {
        "prefix_matching": mean({q: k + 1 for q, k in copy.items()}),
        "duplicate_token": mean(copy),
        "previous_token": mean(previous),
    }


@pytest.mark.parametrize("length", [3, 8, 11])
@pytest.mark.parametrize("bos", [False, True], ids=["no bos", "bos"])
@pytest.mark.parametrize("name", CIRCUITS)
def test_every_head_scores_what_it_was_built_for(name: str, bos: bool, length: int) -> None:
    circuit = CIRCUITS[name]
    circuit = dataclasses.replace(circuit, vocabulary=circuit.vocabulary + 4)
    model = build(circuit)
    if bos:
        model.tokenizer = WithBos(circuit.vocabulary)
    result = identify_induction_heads(model, n_sequences=3, batch=2, length=length, progress=False)
    for at in circuit.heads():
        repeat = known(circuit, at, length, int(bos), repeats=True)
        control = known(circuit, at, length, int(bos), repeats=False)
        for score in SCORES:
            got = result.score(score).tensors()
            assert float(got["value"][at]) == pytest.approx(repeat[score], abs=1e-5), (at, score)
            assert float(got["control"][at]) == pytest.approx(control[score], abs=1e-5), (at, score)
    assert float(result.prefix_matching.value[circuit.induction]) == pytest.approx(1, abs=1e-5)
    assert float(result.previous_token.value[circuit.previous]) == pytest.approx(1, abs=1e-5)
    assert result.heads() == [Head(*circuit.induction)]
    found = set(result.heads("previous_token"))
    assert found == {Head(*at) for at in circuit.heads() if circuit.kind(at) == "previous"}


@pytest.mark.parametrize("bos", [False, True], ids=["no bos", "bos"])
def test_chance_is_what_a_uniform_head_scores(bos: bool) -> None:
    model = build(SMALL)
    if bos:
        model.tokenizer = WithBos(SMALL.vocabulary)
    result = identify_induction_heads(model, n_sequences=1, length=9, progress=False)
    uniform = (0, 1)
    for name in SCORES:
        score = result.score(name)
        chance = float(score.tensors()["chance"])
        assert float(score.value[uniform]) == pytest.approx(chance, abs=1e-6)
        assert float(score.lift[uniform]) == pytest.approx(0, abs=1e-6)
    first = 9 + bos
    by_hand = sum(1 / (q + 1) for q in range(first, first + 9)) / 9
    assert float(result.prefix_matching.tensors()["chance"]) == pytest.approx(by_hand)


def test_losses_are_those_of_the_circuit() -> None:
    length = 9
    result = identify_induction_heads(
        build(SMALL), n_sequences=2, length=length, loss=True, progress=False
    )

    def loss(tokens: list[int], queries: range) -> float:
        logits = expected_logits(SMALL, tokens)
        each = [
            math.log(sum(math.exp(logit) for logit in logits[q])) - logits[q][tokens[q + 1]]
            for q in queries
        ]
        return sum(each) / len(each)

    ids = list(range(2 * length))
    repeat = ids[:length] * 2
    first, second = range(length - 1), range(length, 2 * length - 1)
    assert result.loss_first is not None and result.loss_second is not None
    assert float(result.loss_first.value) == pytest.approx(loss(repeat, first), abs=1e-4)
    assert float(result.loss_second.value) == pytest.approx(loss(repeat, second), abs=1e-4)
    control = result.loss_second.tensors()["control"]
    assert float(control) == pytest.approx(loss(ids, second), abs=1e-4)
    # Second copy: one logit of 12 among 39 of 0.
    assert float(result.loss_second.value) == pytest.approx(
        math.log(1 + 39 * math.exp(-12)), abs=1e-5
    )


def random_model(seed: int = 0, dtype: torch.dtype = torch.float32):
    """Weights that mean nothing: every head attends a little to everything."""
    model = build(SMALL)
    generator = torch.Generator().manual_seed(seed)
    model.load_state_dict(
        {
            name: torch.randn(tensor.shape, generator=generator) * 0.3
            for name, tensor in model.state_dict().items()
        }
    )
    return model.to(dtype)


def recomputed(model, length: int, n: int, seed: int) -> dict[str, list[torch.Tensor]]:
    """The scores once more: whole patterns from run_with_cache, masks instead of diagonals."""
    probe = Probe(model, length, seed, None)
    before = probe.layout.before
    tokens = probe.pairs(n)
    _, cache = model.run_with_cache(tokens)
    pattern = torch.stack(
        [cache[f"blocks.{layer}.attn.hook_pattern"].float() for layer in range(model.cfg.n_layers)]
    )
    q, k = torch.meshgrid(*[torch.arange(tokens.shape[1])] * 2, indexing="ij")
    second = q >= before + length
    masks = {
        "prefix_matching": second & (q - k == length - 1),
        "duplicate_token": second & (q - k == length),
        "previous_token": (q > before) & (q - k == 1),
    }
    return {
        name: [
            (side * mask).sum((-1, -2)).div(mask.any(1).sum()) for side in pattern.split(n, dim=1)
        ]
        for name, mask in masks.items()
    }


# What else there is, and takes longer, has tests of its own.
SCORES_ALONE = {"copying": False, "ablation": 0, "pairs": False, "progress": False}


def assert_recomputed(model, length: int, n: int) -> None:
    asked = {"n_sequences": n, "batch": max(1, n - 1), "length": length, "seed": 4}
    result = identify_induction_heads(model, **asked, **SCORES_ALONE)
    for name, (repeat, control) in recomputed(model, length, n, seed=4).items():
        score = result.score(name).tensors()
        torch.testing.assert_close(score["value"], repeat.mean(1).cpu(), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(score["control"], control.mean(1).cpu(), atol=1e-5, rtol=1e-4)
        half = (score["high"].logit() - score["low"].logit()) / 2
        # Student's t for 0.95 and two degrees of freedom, from a table; in logits.
        spread = repeat.std(1) / math.sqrt(n) * {3: 4.302653}[n]
        slope = repeat.mean(1) * (1 - repeat.mean(1))
        torch.testing.assert_close(half, (spread / slope).cpu(), atol=1e-3, rtol=1e-2)


def test_agrees_with_whole_patterns_on_random_weights() -> None:
    assert_recomputed(random_model(), length=10, n=3)


def test_agrees_with_whole_patterns_on_the_toy() -> None:
    assert_recomputed(models.load_model(), length=10, n=3)


@pytest.mark.smollm2
def test_agrees_with_whole_patterns_on_smollm2(smollm2) -> None:
    """30 layers, rotary positions, three heads to a key: and the head the field would name."""
    assert_recomputed(smollm2, length=12, n=3)
    result = identify_induction_heads(smollm2, n_sequences=4, **SCORES_ALONE)
    assert result.heads()[0] == Head(18, 6)
    assert float(result.prefix_matching.value[18, 6]) > 0.8
    assert result.loss_first is not None and result.loss_second is not None
    assert float(result.loss_second.value) < float(result.loss_first.value) - 5
