"""Flow between layers: known answers, exact runs, its threshold, its words, what is refused."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from transformer_lens.model_bridge import TransformerBridge

import circuit_widgets as cw
from circuit_widgets.analysis.flow.layer_parts import LayerParts
from circuit_widgets.analysis.flow.layer_results import CrossLayerFlow
from circuit_widgets.analysis.flow.profiles import LENS
from circuit_widgets.causal.edge_scores import edge_scores
from circuit_widgets.causal.nodes import nodes_of
from circuit_widgets.causal.task_runs import TaskRuns
from tests import tiny
from tests.generated.asked import task as asked
from tests.generated.draw import draw
from tests.generated.truth import true_matrix
from tests.generated.weights import build

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def model() -> TransformerBridge:
    return cw.load_model()


@pytest.fixture(scope="module")
def task(model) -> cw.Task:
    return cw.Task.repeated_tokens(model, n=12, length=8)


@pytest.fixture(scope="module")
def flow(model, task) -> CrossLayerFlow:
    return cw.analyze_cross_layer_flow(model, task, **QUIET)


@pytest.mark.parametrize(
    ("family", "seed"), [("decoys", 5), ("gqa", 4), ("mlp", 3), ("chain", 5), ("noise", 3)]
)
@pytest.mark.parametrize("method", ["exact", "eap-ig-inputs"])
def test_flows_are_between_the_layers_of_the_planted_edges(
    family: str, seed: int, method: str
) -> None:
    plan = draw(family, seed)
    model, task = build(plan), asked(plan, n=8)
    nodes = nodes_of(model)
    parts = LayerParts(nodes)
    true = parts.summed(true_matrix(plan, nodes).float()[None])[0].nan_to_num(0) > 0
    found = cw.analyze_cross_layer_flow(model, task, method=method, check=0, **QUIET)
    strength = found.strength.value.abs().nan_to_num(0)
    order = strength.flatten().argsort(descending=True)[: int(true.sum())]
    strongest = torch.zeros(true.numel(), dtype=torch.bool)
    strongest[order] = True
    strongest = strongest.view(true.shape)
    if method == "exact":
        assert torch.equal(strongest, true)
    else:
        # Slopes see no query edge where the match stays in its place.
        assert int((strongest & true).sum()) >= int(true.sum()) - 2
    assert found.found().any()


def test_the_toy_is_read_from_the_previous_token_head_to_the_output(flow) -> None:
    assert {(-1, 0), (0, 1), (1, 2)} <= set(flow.flows)
    assert [*flow.flows.values()] == sorted(flow.flows.values(), key=lambda s: -abs(s))
    heads = flow.heads.value
    assert divmod(int(heads[0].argmax()), 4) == (0, 1) and int(heads[1].argmax()) == 2
    # The previous-token head is read by the keys of layer 1.
    row = [part.name for part in flow.parts.sources].index("0.attn")
    assert int(flow.by_entry[row, 1].argmax()) == 1
    lens = flow.profile[LENS].value
    assert lens[1] > lens[0] + 1


def test_parts_add_up(flow, model, task) -> None:
    nodes = flow.nodes
    scores = torch.cat([*edge_scores(model, nodes, task, "eap-ig-inputs", 5, 16)])
    total = flow.strength.value.nansum()
    assert float(total) == pytest.approx(float(scores.mean(0).nansum()), rel=1e-4)
    assert float(flow.layers.value.nansum()) == pytest.approx(float(total), rel=1e-4)
    by_head = flow.by_head.nansum(1)
    for row, part in enumerate(flow.parts.sources):
        if part.kind == "attn":
            own = flow.strength.value[row].nan_to_num(0)
            assert torch.allclose(by_head[part.layer], own, atol=1e-4)
    assert torch.allclose(flow.by_head.nansum(2), flow.heads.value, atol=1e-4)


def test_the_text_claims_no_agreement_that_its_number_does_not_show(flow) -> None:
    n = int(flow.exact.isfinite().sum())
    said = repr(dataclasses.replace(flow, agreement=0.49, metric="kl"))
    assert f"correlation of estimates with exact runs is 0.49 over {n} pairs." in said
    assert "agree" not in said and "reli" not in said
    assert "of the KL divergence, negated." in said and ",." not in said


def test_exact_is_a_run_without_the_edges(flow, model, task) -> None:
    exact = cw.analyze_cross_layer_flow(model, task, method="exact", **QUIET)
    nodes, parts = exact.nodes, exact.parts
    runs = TaskRuns(model, nodes, task, "resample", 16)
    source = [part.name for part in parts.sources].index("0.attn")
    target = [part.name for part in parts.targets].index("1.attn")
    cut = nodes.allowed.clone()
    for at, node in enumerate(nodes.sources):
        for to, reader in enumerate(nodes.targets):
            if node.layer == 0 and node.head is not None and reader.layer == 1:
                cut[at, to] = False
    scores, _ = runs.along(cut)
    expected = float((runs.clean - scores).mean())
    assert float(exact.strength.value[source, target]) == pytest.approx(expected, abs=1e-5)
    assert exact.by_head.isnan().all() and exact.agreement is None
    # What an estimate is checked with is the same.
    checked = flow.exact.isfinite()
    few = cw.analyze_cross_layer_flow(model, task.batch(slice(0, 8)), method="exact", **QUIET)
    assert torch.allclose(flow.exact[checked], few.strength.value[checked], atol=1e-5)


def test_with_few_prompts_there_is_no_threshold(model, task) -> None:
    few = task.batch(slice(0, 5))
    found = cw.analyze_cross_layer_flow(model, few, check=0, **QUIET)
    assert found.bound is None and found.flows == {}
    assert "takes 6 prompts, and there are 5" in repr(found)
    own = cw.analyze_cross_layer_flow(model, few, threshold=1.0, check=0, **QUIET)
    assert (0, 1) in own.flows and own.bound is None
    assert "(asked for)" in repr(own)


def test_words_frames_and_files(flow, tmp_path) -> None:
    frame = flow.to_frame()
    assert len(frame) == int(flow.parts.allowed.sum())
    assert frame["strength"].abs().is_monotonic_decreasing
    assert frame["flow"].sum() == int(flow.found().sum())
    evidence = flow.levels_frame()
    assert evidence["layer"].tolist() == [0, 1] and f"{LENS} low" in evidence
    assert "There are no levels: levels take 7 layers or more, and there are 2." in repr(flow)
    assert "layer 0 → layer 1" in repr(flow)
    flow.save(tmp_path / "flow")
    assert cw.load(tmp_path / "flow") == flow
    assert flow.flows_above(1e9) == {} and flow.flows_above(None) == {}


@pytest.mark.parametrize("name", [*tiny.MAKERS])
def test_any_architecture_and_levels_of_untrained_models(name: str) -> None:
    model = tiny.make(name)
    task = cw.Task.repeated_tokens(model, n=6, length=5)
    found = cw.analyze_cross_layer_flow(model, task, allow_failure=True, check=3, **QUIET)
    assert found.provenance.complete and found.strength.value[found.parts.allowed].isfinite().all()
    assert all(score.value.isfinite().all() for score in found.profile.values())
    assert found.levels is not None and not found.levels.found
    # The lens of the last layer is the model's own answer.
    right = task.score(model(task.clean)).detach().mean()
    assert float(found.profile[LENS].value[-1]) == pytest.approx(float(right), abs=1e-3)
    assert not any(point.has_hooks() for point in model.hook_dict.values())


@pytest.mark.parametrize("name", ["native", "native_gqa"])
def test_deep_untrained_models_have_no_levels(name: str) -> None:
    model = (
        tiny.native(n_layers=12)
        if name == "native"
        else tiny.native(n_layers=12, n_key_value_heads=2, positional_embedding_type="rotary")
    )
    task = cw.Task.repeated_tokens(model, n=8, length=5)
    found = cw.analyze_cross_layer_flow(model, task, allow_failure=True, check=0, **QUIET)
    assert found.levels is not None and found.levels.fit is not None
    assert not found.levels.found and "There are no levels" in repr(found)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"threshold": 0}, "accepted is a number above 0"),
        ({"threshold": "high"}, "accepted is a number above 0"),
        ({"method": "patching"}, "accepted are 'mean', 'eap'"),
        ({"steps": 0}, "accepted is a whole number from 1"),
        ({"check": -1}, "accepted is a whole number from 0"),
        ({"confidence": 95}, "accepted is between 0 and 1"),
    ],
)
def test_bad_input_is_a_sentence(model, task, changes, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        cw.analyze_cross_layer_flow(model, task, **changes, **QUIET)


def test_tasks_that_explain_nothing_are_refused(model, task) -> None:
    with pytest.raises(TypeError, match="accepted is a Task"):
        cw.analyze_cross_layer_flow(model, "blue dog", **QUIET)
    with pytest.raises(ValueError, match="accepted are 2 or more"):
        cw.analyze_cross_layer_flow(model, task.batch([0]), **QUIET)
    untrained = cw.load_model("toy-induction", step=0)
    with pytest.raises(cw.TaskFailed, match="allow_failure=True"):
        cw.analyze_cross_layer_flow(untrained, cw.Task.repeated_tokens(untrained, n=6), **QUIET)
    kl = cw.Task.repeated_tokens(model, n=6, length=6, metric="kl")
    with pytest.raises(ValueError, match="is at its minimum and has none"):
        cw.analyze_cross_layer_flow(model, kl, method="eap", **QUIET)


@pytest.mark.smollm2
def test_smollm2_on_repeated_tokens_has_flows_and_levels(smollm2) -> None:
    task = cw.Task.repeated_tokens(smollm2, n=24, length=8)
    found = cw.analyze_cross_layer_flow(smollm2, task, check=0, **QUIET)
    assert {(-1, 0), (29, 30), (23, 30), (16, 18)} <= set(found.flows)
    assert found.levels is not None and [level.first for level in found.levels.found][1:] == [
        *(0, 2, 23, 30)
    ]
