"""analyze_head_coordination: streams, passes, seeds, frames, files, errors."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

from circuit_widgets import capture
from circuit_widgets.analysis.coordination.analyze import analyze_head_coordination
from circuit_widgets.analysis.coordination.results import MATRICES, HeadCoordination
from circuit_widgets.analysis.coordination.words import could_have_been, detectable
from circuit_widgets.heads import Head
from circuit_widgets.results.result import load
from circuit_widgets.statistics.permutations import two_sided
from tests import tiny
from tests.circuits import Circuit, build

SAME = [tiny.ids(9, seed=seed)[0].tolist() for seed in range(9)]
RAGGED = [tiny.ids(7 + seed % 3, seed=seed)[0].tolist() for seed in range(6)]
QUICK = {"n_permutations": 20, "pairs": 0, "progress": False}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tiny models: threads that wait for each other would take most of the time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> TransformerBridge:
    return tiny.make("gpt2")


# --- what it is to use ---


def test_it_streams_the_matrix_and_then_each_pair(model) -> None:
    job = analyze_head_coordination.job(model, SAME, fdr=0.999, pairs=3, n_permutations=20)
    results: list[HeadCoordination] = []
    stages: list[str] = []
    job.on_result(lambda result, done, total: results.append(result))
    job.on_progress(lambda progress: stages.append(progress.stage))
    job.start()
    assert job.wait(60) and job.error is None
    assert [len(result.pairs) for result in results] == [0, 1, 2, 3]
    made = [result.provenance for result in results]
    assert [each.n_done for each in made] == [1, 2, 3, 4] and {each.n_total for each in made} == {4}
    assert results[0].value[0, 1].isfinite() and "partial: 1 of 4 steps" in repr(results[0])
    assert [pair.value for pair in results[-1].pairs] == [
        value for _, _, value, _ in results[-1].significant()[:3]
    ]
    assert "shuffles of prompts of one length, and 50 random turns" in made[0].method
    assert list(dict.fromkeys(stages)) == ["shuffled prompts", "random readers", "pairs", ""]


def test_one_pass_forwards_a_batch_and_no_more(model) -> None:
    for method, times in {"contribution": 2, "pearson": 1, "cka": 1}.items():
        with capture.counting(model) as passes:
            analyze_head_coordination(model, SAME, method=method, batch=4, **QUICK)
        # All turns of a batch are one pass of each layer's attention.
        assert passes.blocks == 3 * 3 * times + 3 * 3, method
    with capture.counting(model) as passes:
        analyze_head_coordination(model, SAME, method="projection", **QUICK)
    assert passes.blocks == 0


def test_the_seed_decides_and_batches_do_not(model) -> None:
    ragged = [tiny.ids(7 + seed % 3, seed=seed)[0].tolist() for seed in range(12)]

    def of(**changes) -> HeadCoordination:
        return analyze_head_coordination(model, ragged, **{**QUICK, **changes})

    before = torch.random.get_rng_state()
    one = of()
    assert torch.equal(torch.random.get_rng_state(), before), "the global generator was used"
    torch.testing.assert_close(one.p, of().p, equal_nan=True)
    assert not torch.allclose(one.null_mean.nan_to_num(), of(seed=1).null_mean.nan_to_num())
    torch.testing.assert_close(one.value, of(batch=1).value, atol=2e-3, rtol=0, equal_nan=True)
    assert one == of() and one != of(seed=1)


def test_matrices_frame_and_text(model) -> None:
    result = analyze_head_coordination(
        model, SAME, fdr=0.999, pairs=2, n_permutations=20, progress=False
    )
    n = len(result.heads)
    assert n == 12 and result.heads[:5] == ("0.0", "0.1", "0.2", "0.3", "1.0")
    for name in MATRICES[:-1]:
        matrix = getattr(result, name)
        torch.testing.assert_close(matrix, matrix.T, equal_nan=True)
        assert matrix.diagonal().isnan().all() and int(matrix.isnan().sum()) == n
    frame = result.to_frame()
    assert len(frame) == n * (n - 1) // 2 and frame["complete"].all()
    row = frame.iloc[11]
    assert (row["a"], row["b"]) == ("0.1", "0.2")
    assert row["value"] == pytest.approx(float(result.value[1, 2]))
    assert int(frame["significant"].sum()) == len(result.significant())
    assert frame["type"].notna().sum() == 2 and frame.attrs["provenance"]["seed"] == 0
    a, b, value, q = result.significant()[0]
    assert isinstance(a, Head) and a < b and q < 0.999
    assert abs(value) == pytest.approx(float(frame["value"][frame["significant"]].abs().max()))
    assert result.matrix().loc[str(a), str(b)] == pytest.approx(value)
    clustered = result.matrix(clustered=True)
    assert [*clustered.index] == [result.heads[at] for at in result.order]
    text = repr(result)
    assert "significant (q < 0.999) by contribution" in text and result.pairs[0].type in text
    together = f"95 % interval for all {len(result.significant())} significant pairs together"
    assert f"Of pairs, intervals are the {together}\n" in text and text.count(together) == 1


def test_order_puts_like_heads_together() -> None:
    """Two groups of heads, mixed: in the order each is in one piece."""
    from circuit_widgets.analysis.coordination.analyze import Settings, _matrices
    from circuit_widgets.analysis.coordination.similarity import untested

    group = torch.tensor([0, 1, 0, 1, 1, 0])
    i, j = torch.triu_indices(6, 6, 1)
    value = torch.where(group[i] == group[j], -0.9, 0.1)
    made = analyze_head_coordination(tiny.make("native"), SAME, **QUICK).provenance
    compared = untested(value, "", "")
    found = _matrices(compared, tuple("abcdef"), made.settings(Settings), made)
    assert sorted(map(int, group[list(found.order)].diff().abs())) == [0, 0, 0, 0, 1]


def test_save_and_load(model, tmp_path) -> None:
    result = analyze_head_coordination(
        model, SAME, fdr=0.9, pairs=2, n_permutations=20, progress=False
    )
    result.save(tmp_path / "it.safetensors")
    again = load(tmp_path / "it.safetensors")
    assert isinstance(again, HeadCoordination) and again == result
    assert again.pairs == result.pairs and again.order == result.order
    assert again.to_frame().equals(result.to_frame())


def test_a_head_that_does_nothing_is_missing(tmp_path) -> None:
    model = build(Circuit(2, 2, (0, 0), (1, 1), vocabulary=30))
    prompts = [[1 + (at + s) % (4 + s) for at in range(14)] for s in range(9)]
    result = analyze_head_coordination(model, prompts, method="cka", **QUICK)
    # 0.1 and 1.0 write nothing.
    missing = result.value.isnan()
    assert missing[1].all() and missing[2].all() and not missing[0, 3]
    said = "5 pairs are without a p: one of the heads writes the same everywhere"
    assert said in repr(result) and len(result.to_frame()) == 6
    assert int((result.to_frame()["no_p"] == said.split(": ")[1]).sum()) == 5
    projection = analyze_head_coordination(model, prompts, method="projection", **QUICK)
    assert projection.p[1].isnan().all() and float(projection.value[0, 3]) == pytest.approx(0)


def test_one_prompt_has_no_intervals(model) -> None:
    prompt = tiny.ids(24)[0].tolist()
    result = analyze_head_coordination(
        model, prompt, method="projection", fdr=0.999, pairs=2, progress=False
    )
    assert [pair.type for pair in result.pairs] == ["not resolved", "not resolved"]
    pair = result.pairs[0]
    assert pair.interaction is not None and pair.interaction_low is None
    assert "None" not in repr(result)


@pytest.mark.parametrize("method", ["contribution", "pearson", "cka"])
def test_few_prompts_have_values_and_no_p(model, method: str) -> None:
    for prompts, n in ((SAME[:6], 720), (RAGGED, 8), (SAME[0], 1), (SAME[:4] * 3, 24)):
        result = analyze_head_coordination(model, prompts, method=method, **QUICK)
        assert result.value[0, 1:].isfinite().all() and result.p.isnan().all()
        text = repr(result)
        assert "66 pairs are without a p: a p needs 1000 orders" in text and f"are {n}\n" in text
        assert "0 of 0" not in text and "The most similar are" in text
        assert result.n_tested == 0 and result.why[0, 1] == 0 and result.significant() == []


def test_a_prompt_that_comes_twice_counts_once(model) -> None:
    one = analyze_head_coordination(model, SAME, **QUICK)
    two = analyze_head_coordination(model, SAME + SAME[::-1], **QUICK)
    for name in MATRICES:
        torch.testing.assert_close(getattr(one, name), getattr(two, name), equal_nan=True)
    assert two.provenance.probe == "9 prompts (of 18, each once), 81 tokens"
    alike = analyze_head_coordination(model, SAME[:1] * 9, **QUICK)
    assert "66 pairs are without a p: a p needs 1000 orders" in repr(alike)


def test_heads_that_share_keys_and_values_are_alike_by_construction() -> None:
    for name, n in {"llama": 6, "gemma": 18}.items():
        result = analyze_head_coordination(tiny.make(name), SAME, method="cka", **QUICK)
        assert f"{n} pairs are without a p: the heads share keys and values" in repr(result)
        assert result.value[0, 1].isfinite() and result.p[0, 1].isnan() and result.why[0, 1] == 1
        assert result.p[0, 4].isfinite() and result.why[0, 4] == -1


def test_what_would_have_been_significant_is(model) -> None:
    """A value just beyond what the text says is a find, one well below it is not."""
    result = analyze_head_coordination(model, SAME, **{**QUICK, "n_permutations": 200})
    least = detectable(result)
    assert least is not None and f"about {least:.2f} would have been" in could_have_been(result)
    needed = result.fdr / result.n_tested
    generator = torch.Generator().manual_seed(0)
    null = torch.randn(200, 66, generator=generator) * result.null_std[0, 1]
    value = torch.full((66,), float(result.null_std[0, 1]))
    beyond = float(detectable(dataclasses.replace(result, **_alike(result))) or 0)
    for factor, found in ((1.15, True), (0.85, False)):
        value[0] = factor * beyond
        assert (float(two_sided(value, null)[0]) < needed) == found


def _alike(result: HeadCoordination) -> dict[str, torch.Tensor]:
    """Nulls as of one pair, and no random readers to speak of."""
    one = torch.full_like(result.null_std, float(result.null_std[0, 1]))
    return {"null_mean": 0 * one, "null_std": one, "random_mean": 0 * one, "random_std": 0 * one}


def test_a_metric_of_the_last_token_counts_where_it_can(model) -> None:
    def last(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        return logits[:, -1, 5] - logits[:, -1, 6]

    result = analyze_head_coordination(model, SAME, 2, metric=last, **QUICK)
    assert result.value[0, 1].isfinite() and result.provenance.parameters["metric"] == "last"
    # The last layer changes the last logits at the last position only: one row a prompt, whatever
    # its length.
    ragged = RAGGED + [tiny.ids(7 + seed % 3, seed=seed)[0].tolist() for seed in range(6, 12)]
    result = analyze_head_coordination(model, ragged, 2, metric=last, **QUICK)
    assert "20 shuffles of prompts of one length" in result.provenance.method
    with pytest.raises(ValueError, match="the prompts have 6 positions at which a head can"):
        analyze_head_coordination(model, RAGGED, 2, metric=last, **QUICK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 3}, "layer is 3; accepted is a whole number from 0 to 2"),
        ({"layer": True}, "layer is True"),
        ({"method": "cosine"}, "method is 'cosine'; accepted are 'contribution', 'pearson', 'cka'"),
        ({"n_permutations": 5}, "n_permutations is 5; accepted is a whole number from 20"),
        ({"pairs": -1}, "pairs is -1; accepted is a whole number from 0"),
        ({"batch": 0}, "batch is 0"),
        ({"equivalence": 0}, "equivalence is 0; accepted is a number above 0, like 0.02"),
        ({"fdr": 0}, "fdr is 0; accepted is between 0 and 1"),
        ({"confidence": 95}, "confidence is 95"),
        (
            {"prompts": [3, 1, 4]},
            r"the prompts have 3 positions \(tokens\); accepted are 8 or more",
        ),
        ({"prompts": []}, "there are no prompts"),
        ({"metric": lambda logits, tokens: logits.mean()}, r"the metric gave \[\]; accepted is"),
    ],
)
def test_what_cannot_be_is_said(model, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analyze_head_coordination(model, **{"prompts": SAME, **QUICK, **arguments})


def test_other_errors_are_sentences(model) -> None:
    with pytest.raises(TypeError, match="metric cannot be str; accepted is a function"):
        analyze_head_coordination(model, SAME, metric="logp")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"no parameter 'methods'. Did you mean 'method'"):
        analyze_head_coordination(model, SAME, methods="cka")  # type: ignore[call-arg]
    lonely = tiny.native(n_heads=1, n_layers=2)
    with pytest.raises(ValueError, match="layer 1 has one head; accepted are 2 or more"):
        analyze_head_coordination(lonely, SAME, 1)
    assert len(analyze_head_coordination(lonely, SAME, **QUICK).heads) == 2
    result = analyze_head_coordination(model, SAME, **QUICK)
    with pytest.raises(ValueError, match=r"q has shape \[2, 2\]; accepted is \[12, 12\]"):
        dataclasses.replace(result, q=torch.zeros(2, 2))


def test_leaves_the_model_as_it_was() -> None:
    model = tiny.make("llama")
    model.train()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    analyze_head_coordination(model, SAME, fdr=0.9, pairs=1, n_permutations=20, progress=False)
    assert model.training
    assert all(torch.equal(weights[name], t) for name, t in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    hooks = [module for module in model.modules() if module._forward_hooks]
    analyze_head_coordination(model, SAME, **QUICK)
    assert [module for module in model.modules() if module._forward_hooks] == hooks
