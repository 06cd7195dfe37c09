"""trace_information_flow: partial results, files, dtypes, and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import transformers

from circuit_widgets import capture
from circuit_widgets.analysis.flow.results import InformationFlow
from circuit_widgets.analysis.flow.trace import trace_information_flow
from circuit_widgets.results import result as results
from circuit_widgets.statistics.intervals import further_draw
from tests import tiny
from tests.analysis.test_flow_routes import SMALL, known_routes
from tests.circuits import build, expected_pattern


def test_uniform_attention_and_no_output_have_no_source() -> None:
    """A model whose heads write nothing: all of it is the position's own stream."""
    model = build(SMALL)
    weights = {
        name: torch.zeros_like(tensor)
        for name, tensor in model.state_dict().items()
        if ".attn.o." in name
    }
    model.load_state_dict(weights, strict=False)
    result = trace_information_flow(model, [3, 4, 5, 6, 3], target=4, progress=False)
    assert result.routes.tolist() == pytest.approx([0, 0, 0, 0, 1])
    assert not any(at.confirmed for at in result.information_sources)
    assert len(result.key_paths) == 1 and float(result.self_influence_score) == 0


def test_partial_results_and_a_control_drawn_by_the_seed() -> None:
    model, ids = tiny.make("llama"), tiny.ids(30)[0]
    seen: list[InformationFlow] = []
    job = trace_information_flow.job(model, ids)
    job.on_result(lambda result, done, total: seen.append(result))
    job.start()
    assert job.wait(60) and job.error is None
    # The routes, each source, each pair of the control, and the sources that are swept.
    assert seen[0].provenance.n_done == 1 and seen[0].provenance.n_total == 1 + 29 + 39 + 8
    assert seen[0].knockout.value.isnan().all() and seen[0].knockout_control.isnan().all()
    assert [at.knockout for at in seen[0].information_sources] == [None] * 29
    assert "no source is above both bounds" in repr(
        next(each for each in seen if each.provenance.n_done == 30)
    )
    last = seen[-1]
    assert last.knockout.value.isfinite().tolist() == [True] * 29 + [False]
    costs = [at.knockout for at in last.information_sources]
    assert costs == sorted(costs, reverse=True) and len(costs) == 29
    assert int(last.knockout_by_window[0].isfinite().sum()) == 8
    other = trace_information_flow(model, ids, seed=1, progress=False)
    assert trace_information_flow(model, ids, progress=False) == last
    assert torch.equal(other.knockout.value[:29], last.knockout.value[:29])
    assert not torch.equal(other.knockout_control, last.knockout_control)


@pytest.mark.parametrize("name", ["llama", "native", "gptj"])
def test_the_control_is_blocked_at_other_queries_and_read_there(name: str) -> None:
    """Against plain passes; the token read there is as here: what follows, or the likeliest."""
    model = tiny.gptj() if name == "gptj" else tiny.make(name)
    ids = tiny.ids(9, seed=3)[0]
    for position, follows in ((8, False), (7, True)):
        result = trace_information_flow(model, ids, position, sweep=0, progress=False)
        pair = trace_information_flow(model, ids, position, target=(3, 5), sweep=0, progress=False)
        clean = capture.run(model, ids[None])[0].log_softmax(-1)
        lost, between = [], []
        for query in range(1, position):
            target = int(ids[query + 1]) if follows else int(clean[query].argmax())
            for key in range(query):
                cut = capture.knock_out([0, 1, 2], query, key, renormalise=True)
                now = capture.run(model, ids[None], interventions=[cut])[0, query].log_softmax(-1)
                lost.append(float(clean[query, target] - now[target]))
                changed = clean[query] - now
                between.append(float(changed[3] - changed[5]))
        # Fewer pairs than draws: all of them.
        assert result.n_control == len(lost)
        each = 1 - 0.05 / position
        for found, costs in ((result, lost), (pair, between)):
            middle, _, high = further_draw(torch.tensor(costs), each, robust=True)
            expected = torch.stack([middle, high])
            torch.testing.assert_close(found.knockout_control, expected, atol=2e-3, rtol=1e-2)
            assert found.n_control_above == sum(cost > float(high) for cost in costs)


def test_the_bound_is_that_of_the_confidence_asked_for() -> None:
    model, ids = tiny.make("llama"), tiny.ids(20)[0]
    bounds = [
        float(
            trace_information_flow(
                model, ids, confidence=confidence, sweep=0, progress=False
            ).knockout_control[1]
        )
        for confidence in (0.5, 0.95, 0.999)
    ]
    assert bounds == sorted(bounds) and len(set(bounds)) == 3


def test_a_long_text_has_its_strongest_sources_cut_off() -> None:
    model = tiny.native(n_ctx=140)
    result = trace_information_flow(model, tiny.ids(135)[0], sweep=0, progress=False)
    strongest = result.routes[:134].argsort(descending=True)[:32].tolist()
    assert {at.position for at in result.information_sources} == set(strongest)
    assert int(result.knockout.value.isfinite().sum()) == 32
    some = trace_information_flow(model, tiny.ids(30)[0], confirm=3, sweep=0, progress=False)
    assert len(some.information_sources) == 3


def test_without_knockouts() -> None:
    model = tiny.make("native")
    with capture.counting(model) as passes:
        result = trace_information_flow(model, tiny.ids(9), confirm=0, progress=False)
    assert passes.forwards == 1
    assert result.provenance.complete and result.knockout.value.isnan().all()
    assert len(result.information_sources) == 8
    assert {at.confirmed for at in result.information_sources} == {False}
    assert result.windows == () and "control" not in repr(result)


def test_it_saves_and_shows(tmp_path) -> None:
    result = trace_information_flow(
        build(SMALL), [1, 5, 7, 9, 11, 5], renormalise=False, progress=False
    )
    path = tmp_path / "flow.safetensors"
    result.save(path)
    assert InformationFlow.load(path) == result == results.load(path)
    text = repr(result)
    assert (
        "2 '7': attention knockout costs" in text
        and "; above both bounds), most in layer 1 (" in text
    )
    assert "routes give it 0.167 of the final residual stream" in text
    assert "carries 0.083" not in text and "-[1.1]-> 5 '5'" in text
    frame = result.to_frame()
    by_window = frame[frame["score"] == "knockout_by_window"]
    assert set(frame["score"]) == {"routes", "rollout", "knockout", "knockout_by_window"}
    assert len(frame) == 18 + 10 and len(by_window) == 10
    assert (
        by_window["first_layer"].tolist() == by_window["last_layer"].tolist() == [0] * 5 + [1] * 5
    )
    assert frame[frame["confirmed"]]["source"].tolist() == [2] * 5
    assert frame.attrs["provenance"]["analysis"] == "trace_information_flow"
    edges = result.edges(0.05)
    moved = edges[edges["name"] == "1.1"].to_dict("records")
    assert [
        [row[name] for name in ("layer", "head", "source", "query", "flow")] for row in moved
    ] == [[1, 1, 2, 5, pytest.approx(0.25)]]
    assert str(edges["layer"].dtype) == "int64" and str(edges["head"].dtype) == "Int64"
    assert set(edges[edges["head"].isna()]["name"]) == {"residual"}
    assert edges.attrs["provenance"] == frame.attrs["provenance"]
    assert result.edges(2).empty
    # What flows into the first layer is everything.
    assert float(edges[edges["layer"] == 0]["flow"].sum()) == pytest.approx(1)
    with pytest.raises(ValueError, match=r"routes has shape \[2\]; accepted is \[6\]"):
        dataclasses.replace(result, routes=torch.zeros(2))


class Bos:
    bos_token_id = 0
    all_special_ids = (0,)

    def __len__(self) -> int:
        return 20

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))

    def convert_ids_to_tokens(self, id: int) -> str:
        return str(id)


def test_a_bos_is_no_source() -> None:
    circuit = dataclasses.replace(SMALL, vocabulary=20)
    model = build(circuit)
    model.tokenizer = Bos()
    result = trace_information_flow(
        model, [0, 5, 7, 9, 11, 13, 15, 5], renormalise=False, progress=False
    )
    assert result.knockout.value.isnan().tolist() == [True] + [False] * 6 + [True]
    assert 0 not in {at.position for at in result.information_sources}
    expected = float(result.routes[1:7].sum())
    assert float(result.self_influence_score) == pytest.approx(expected, abs=1e-6)
    pattern = torch.tensor(expected_pattern("induction", [0, 5, 7, 9, 11, 13, 15, 5]))
    assert int(pattern[-1].argmax()) == 2
    assert [at.position for at in result.information_sources if at.confirmed] == [2]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_dtypes(dtype: torch.dtype) -> None:
    model = build(SMALL, dtype).to(dtype)
    result = trace_information_flow(model, [1, 5, 7, 9, 11, 5], progress=False)
    torch.testing.assert_close(result.routes, known_routes(6, 1), atol=2e-2, rtol=0)
    assert result.contributions.dtype == torch.float32


def test_a_norm_after_attention_is_held_as_it_was() -> None:
    """Gemma 2 normalises what attention writes before it adds it: the parts are what is added."""
    config = transformers.Gemma2Config(
        **tiny._LLAMA_LIKE, num_key_value_heads=2, head_dim=8, sliding_window=16
    )
    model = tiny.of_config(config)
    result = trace_information_flow(model, tiny.ids(6), progress=False)
    assert bool(result.contributions[:-1].isfinite().all())
    # What does not move is the residual stream's share alone: a layer whose attention is silent.
    model.blocks[1]._original_component.post_attention_layernorm.weight.data.fill_(-1.0)
    silent = trace_information_flow(model, tiny.ids(6), progress=False)
    torch.testing.assert_close(silent.contributions[1], torch.eye(6))


def test_architectures_whose_parts_do_not_add_up_are_errors() -> None:
    model = tiny.make("llama")
    # Something of the user's own that mixes what the heads gave.
    model.blocks[1].hook_attn_out.add_hook(lambda tensor, hook: tensor + tensor.roll(1, -1))
    with pytest.raises(RuntimeError, match="routes cannot be traced in this architecture"):
        trace_information_flow(model, tiny.ids(6), progress=False)


def test_attention_inside_transformers_has_routes_and_knockout() -> None:
    model = tiny.gptj()
    ids = tiny.ids(6)
    result = trace_information_flow(model, ids, progress=False)
    assert float(result.routes.sum()) == pytest.approx(1, abs=1e-5)
    source = result.information_sources[0].position
    cut = capture.knock_out([0, 1, 2], 5, source, renormalise=True)
    logits = [capture.run(model, ids, interventions=edits)[0, -1] for edits in ([], [cut])]
    clean, without = (each.log_softmax(-1)[result.target] for each in logits)
    torch.testing.assert_close(result.knockout.value[source], clean - without, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("tokens", "arguments", "message"),
    [
        ([], {}, "the prompt is empty"),
        ([3], {}, "is 1 token; accepted are prompts of 2 tokens or more"),
        ([3, 4, 5], {"position": 3}, "position is 3; accepted is a whole number from 0 to 2"),
        ([3, 4, 5], {"target": -1}, "the target is -1; accepted is a whole number from 0 to 39"),
        ([3, 4, 5], {"window": (1, 2)}, "a layer of window is 2; accepted is a whole"),
        ([3, 4, 5], {"window": (1, 0)}, r"window is \(1, 0\)"),
        ([3, 4, 5], {"window": 1}, r"window is 1; accepted"),
        ([3, 4, 5], {"confirm": -1}, "confirm is -1; accepted is a whole number from 0"),
        ([3, 4, 5], {"paths": 0}, "paths is 0; accepted is a whole number from 1"),
        ([3, 4, 5], {"draws": 1}, "draws is 1; accepted is a whole number from 2"),
        ([3, 4, 5], {"sweep": 3}, "sweep is 3; accepted is a whole number from 0 to 2"),
        ([3, 4, 5], {"confidence": 95}, "confidence is 95"),
    ],
)
def test_what_cannot_be_is_said_at_once(tokens, arguments, message: str) -> None:
    model = build(SMALL)
    with pytest.raises(ValueError, match=message):
        trace_information_flow(model, tokens, **arguments)
    with pytest.raises(ValueError, match=message):
        trace_information_flow.job(model, tokens, **arguments)


@pytest.mark.smollm2
def test_two_heads_that_carry_one_edge_both_have_a_row(smollm2) -> None:
    """The name movers of SmolLM2: 23.0 and 23.1 attend to the name from the last position."""
    text = "When Mary and John went to the store, John gave a drink to"
    flow = trace_information_flow(smollm2, text, confirm=0, progress=False)
    assert flow.tokens[2] == " Mary"
    edges = flow.edges(0.01).query("layer == 23 and source == 2 and query == @flow.position")
    assert {"23.0", "23.1"} <= set(edges["name"])
    assert edges["flow"].sum() == pytest.approx(edges["edge"].iloc[0], rel=1e-3)
    step = next(path for path in flow.key_paths if path.moves and path.steps[0][1] == 2)
    assert " %]->" in flow.path_text(step)
