"""identify_induction_heads: passes, partial results, seeds, dtypes, and what it refuses."""

from __future__ import annotations

import dataclasses
import math
import warnings

import pytest
import torch

from circuit_widgets import capture
from circuit_widgets.analysis.induction import identify
from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.attention.diagonals import SCORES
from circuit_widgets.heads import Head
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.prompts.repeats import Probe
from tests.analysis.test_induction import BARE, SMALL, WithBos, random_model
from tests.circuits import Circuit, build


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


def test_everything_takes_few_passes_over_its_own_tokens() -> None:
    """Counted in tokens through attention, of all layers: a plain pass is all pairs, once."""
    circuit = Circuit(6, 8, (1, 4), (4, 0), vocabulary=50, context=48)
    model = build(circuit)
    seen = 0

    def count(_module, args, kwargs) -> None:
        nonlocal seen
        stream = args[0] if args else next(iter(kwargs.values()))
        seen += stream.shape[0] * stream.shape[1]

    for block in model.blocks:
        block.attn.register_forward_pre_hook(count, with_kwargs=True)
    result = identify_induction_heads(model, progress=False)
    assert result.pairs and result.joint_ablation is not None
    frame = result.to_frame()
    assert set(frame[frame["score"] == "ablation"]["n"]) == {8}
    assert set(frame[frame["score"] == "prefix_matching"]["n"]) == {16}
    plain = 2 * 16 * 48 * 6
    print(f"{seen / plain:.1f} plain passes")
    assert 1 < seen / plain <= 10


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


@pytest.mark.parametrize("name", ["n_sequences", "length", "batch", "ablation", "seed"])
def test_true_is_no_number(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is True; accepted is a whole number from"):
        identify_induction_heads(build(SMALL), **{name: True})


def test_the_settings_are_kept_and_progress_counts_all_stages() -> None:
    model = build(SMALL)
    steps = list(identify_induction_heads.steps(model, n_sequences=3, length=5, ablation=2))
    moved = [step for step in steps if isinstance(step, Progress)]
    results = [step for step in steps if not isinstance(step, Progress)]
    done = [step.done for step in moved]
    assert done == sorted(done) and moved[-1].done == moved[-1].total and moved[-1].stage == ""
    stages = list(dict.fromkeys(step.stage for step in moved))
    assert stages == ["attention", "copying", "ablation", "pairs", ""]
    made = results[-1].provenance
    assert made.complete and made.parameters["n_sequences"] == 3 and made.parameters["seed"] == 0
