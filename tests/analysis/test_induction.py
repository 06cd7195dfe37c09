"""identify_induction_heads on circuits whose every score is known, and against run_with_cache."""

from __future__ import annotations

import dataclasses
import math
import warnings

import pytest
import torch

from circuit_widgets import capture, models
from circuit_widgets.analysis.induction import identify
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
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


def assert_recomputed(model, length: int, n: int) -> None:
    result = identify_induction_heads(
        model, n_sequences=n, batch=max(1, n - 1), length=length, seed=4, progress=False
    )
    for name, (repeat, control) in recomputed(model, length, n, seed=4).items():
        score = result.score(name).tensors()
        torch.testing.assert_close(score["value"], repeat.mean(1).cpu(), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(score["control"], control.mean(1).cpu(), atol=1e-5, rtol=1e-4)
        half = (score["high"] - score["low"]) / 2
        # Student's t for 0.95 and two degrees of freedom, from a table.
        spread = repeat.std(1) / math.sqrt(n) * {3: 4.302653}[n]
        torch.testing.assert_close(half, spread.cpu(), atol=1e-5, rtol=1e-3)


def test_agrees_with_whole_patterns_on_random_weights() -> None:
    assert_recomputed(random_model(), length=10, n=3)


def test_agrees_with_whole_patterns_on_the_toy() -> None:
    assert_recomputed(models.load_model(), length=10, n=3)


@pytest.mark.smollm2
def test_agrees_with_whole_patterns_on_smollm2() -> None:
    """30 layers, rotary positions, three heads to a key: and the head the field would name."""
    model = models.load_model("smollm2")
    assert_recomputed(model, length=12, n=3)
    result = identify_induction_heads(model, n_sequences=4, progress=False)
    assert result.heads()[0] == Head(18, 6)
    assert float(result.prefix_matching.value[18, 6]) > 0.8
    assert result.loss_first is not None and result.loss_second is not None
    assert float(result.loss_second.value) < float(result.loss_first.value) - 5


def test_one_pass_per_batch_and_no_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes, logits = [], []
    run = capture.run

    def counting(model, tokens, *args, **kwargs):
        shapes.append(tuple(tokens.shape))
        logits.append(kwargs["logits"])
        return run(model, tokens, *args, **kwargs)

    monkeypatch.setattr(identify.capture, "run", counting)
    result = identify_induction_heads(
        build(SMALL), n_sequences=8, batch=3, length=5, loss=False, progress=False, **BARE
    )
    assert shapes == [(2, 10), (6, 10), (6, 10), (2, 10)]
    assert logits == [False] * 4
    assert result.loss_first is None and result.loss_second is None
    identify_induction_heads(build(SMALL), n_sequences=1, length=5, progress=False, **BARE)
    assert logits[4:] == [True]


def test_partial_results_grow_and_say_so() -> None:
    stream = identify_induction_heads.job(random_model(), n_sequences=6, batch=2, length=5, **BARE)
    results: list[InductionHeads] = []
    stream.on_result(lambda result, done, total: results.append(result))
    stream.start()
    assert stream.wait(60)
    assert stream.state == "done" and stream.error is None
    assert [r.provenance.n_done for r in results] == [1, 3, 5, 6]
    assert [r.provenance.complete for r in results] == [False, False, False, True]
    assert "partial: 1 of 6 sequences" in repr(results[0])
    assert set(results[0].to_frame()["complete"]) == {False}
    assert results[0].prefix_matching.tensors()["low"].isnan().all()
    assert results[1].prefix_matching.tensors()["low"].isfinite().all()
    # A partial result is what the shorter analysis gives.
    short = identify_induction_heads(random_model(), n_sequences=3, length=5, progress=False)
    torch.testing.assert_close(results[1].prefix_matching.value, short.prefix_matching.value)


def test_the_seed_alone_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model()

    def values(**kwargs) -> torch.Tensor:
        found = identify_induction_heads(model, n_sequences=5, length=6, progress=False, **kwargs)
        return found.prefix_matching.value

    before = torch.random.get_rng_state()
    torch.testing.assert_close(values(seed=1, batch=1), values(seed=1, batch=5))
    assert not torch.allclose(values(seed=1), values(seed=2))
    assert torch.equal(torch.random.get_rng_state(), before), "the global generator was used"


def test_leaves_the_model_as_it_was() -> None:
    model = random_model()
    assert model.training
    # TransformerLens wires hooks of its own in a model's first pass, and keeps them.
    model(torch.zeros(1, 3, dtype=torch.long))
    modules = {*model.modules(), *model.original_model.modules()}
    next(iter(model.blocks)).attn.training = False
    before = {module: module.training for module in modules}
    hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.enable_grad():
        identify_induction_heads(model, n_sequences=2, length=5, progress=False)
        assert torch.is_grad_enabled()
    assert {module: module.training for module in modules} == before
    assert hooks == sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules
    )
    assert all(torch.equal(weights[name], t) for name, t in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_dtypes_are_scored_in_float32(dtype: torch.dtype) -> None:
    model = build(SMALL, dtype).to(dtype)
    result = identify_induction_heads(model, n_sequences=2, length=8, progress=False)
    assert result.prefix_matching.value.dtype == torch.float32
    assert float(result.prefix_matching.value[1, 1]) == pytest.approx(1, abs=1e-2)


def test_broken_weights_are_missing_scores_with_a_warning() -> None:
    circuit = Circuit(4, 3, (0, 0), (3, 1))
    model = build(circuit)
    weights = model.state_dict()
    broken = weights["blocks.1.attn.q.weight"].clone()
    broken[: model.cfg.d_head] = math.nan  # head 1.0
    model.load_state_dict({"blocks.1.attn.q.weight": broken}, strict=False)
    with pytest.warns(RuntimeWarning, match=r"in layer 1, 2, 3 \(first in 1\)") as caught:
        result = identify_induction_heads(model, n_sequences=9, length=5, progress=False)
    assert len(caught) == 1, "one sentence, not one a batch"
    missing = torch.zeros(4, 3, dtype=torch.bool)
    missing[1, 0] = True
    missing[2:] = True
    for name in SCORES:
        assert torch.equal(result.score(name).value.isnan(), missing)
    assert result.heads() == []
    assert "7 of 12 heads missing" in repr(result)
    rows = result.to_frame().query("score == 'prefix_matching'")
    assert rows["value"].isna().tolist() == missing.flatten().tolist()


def test_sound_models_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        identify_induction_heads(build(SMALL), n_sequences=2, length=5, progress=False)


def test_only_usable_tokens_are_drawn() -> None:
    model = build(SMALL)
    model.tokenizer = WithBos(30)  # the embedding has 40 rows
    probe = Probe(model, 8, 0, None)
    tokens = probe.pairs(40)
    assert (tokens[:, 0] == 0).all()
    assert set(tokens[:, 1:].flatten().tolist()) == set(range(4, 30))
    repeat, control = tokens.split(40)
    assert torch.equal(repeat[:, 1:9], repeat[:, 9:])
    assert torch.equal(repeat[:, :9], control[:, :9])
    assert all(len(set(row.tolist())) == 17 for row in control)
    without = Probe(model, 8, 0, prepend_bos=False).pairs(1)
    assert without.shape == (2, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_sequences": 0}, "n_sequences is 0; accepted is a whole number from 1"),
        ({"batch": 1.5}, "batch is 1.5"),
        ({"length": 2}, "length is 2; accepted is a whole number from 3"),
        ({"length": 13}, "sequences of 26 tokens and the model's context is 24.*up to 12"),
        ({"confidence": 95}, "confidence is 95"),
        ({"prepend_bos": True}, "no BOS token"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_out_of_range_is_said_at_once(arguments: dict, message: str) -> None:
    model = build(SMALL)
    with pytest.raises(ValueError, match=message):
        identify_induction_heads(model, **arguments)
    with pytest.raises(ValueError, match=message):
        identify_induction_heads.job(model, **arguments)


def test_a_small_vocabulary_is_an_error_with_the_length_that_fits() -> None:
    model = build(dataclasses.replace(SMALL, vocabulary=15))
    with pytest.raises(ValueError, match=r"16 distinct tokens.*has 15 usable ones.*up to 7"):
        identify_induction_heads(model, length=8)
    identify_induction_heads(model, length=7, n_sequences=1, progress=False)


def test_unknown_names_are_errors() -> None:
    model = build(SMALL)
    with pytest.raises(TypeError, match=r"no parameter 'n_sequence'. Did you mean 'n_sequences'"):
        identify_induction_heads(model, n_sequence=3)  # type: ignore[call-arg]
    result = identify_induction_heads(model, n_sequences=1, length=5, progress=False)
    with pytest.raises(ValueError, match="no score 'induction'; scores are prefix_matching"):
        result.heads("induction")


def test_heads_need_more_than_a_high_mean() -> None:
    """A head that is as high on the control, or whose interval is wide, is not listed."""
    result = identify_induction_heads(build(SMALL), n_sequences=3, length=5, progress=False)

    def with_score(**tensors: float) -> list[Head]:
        full = {
            **result.prefix_matching.tensors(),
            **{name: torch.full((2, 2), value) for name, value in tensors.items()},
        }
        score = dataclasses.replace(result.prefix_matching, **full)
        return dataclasses.replace(result, prefix_matching=score).heads()

    sure = {"value": 0.9, "low": 0.8, "high": 1.0, "control": 0.1, "control_high": 0.2}
    assert len(with_score(**sure)) == 4
    assert with_score(**{**sure, "control_high": 0.85}) == []
    assert with_score(**{**sure, "low": 0.3}) == []
    assert with_score(**{**sure, "value": math.nan, "low": math.nan}) == []
    nan = math.nan
    assert len(with_score(**{**sure, "low": nan, "high": nan, "control_high": nan})) == 4
