"""The topics' views: a result's numbers are in the traits, and a stream ends with the result."""

from __future__ import annotations

import math

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.results.result import part
from circuit_widgets.views import coordination, flow, influence, patterns

TEXT = "blue dog seven river blue dog seven"


def planes(shown, n: int, count: int, at: int = 0) -> list[torch.Tensor]:
    data = bytearray(shown.topic_data[at : at + 4 * n * n * count])
    return list(torch.frombuffer(data, dtype=torch.float32).view(count, n, n))


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(one.float(), other.float(), rtol=0, atol=0, equal_nan=True)


def test_patterns() -> None:
    result = cw.detect_attention_patterns(cw.load_model(), TEXT, progress=False)
    shown = patterns.view(result)
    topic = shown.topic
    assert [kind["name"] for kind in topic["kinds"]] == list(cw.ATTENTION_PATTERNS)
    side = topic["rows"]
    size = 8 * side * side
    pictures = torch.frombuffer(bytearray(shown.topic_data[:size]), dtype=torch.uint8)
    assert torch.equal(pictures.view(2, 4, side, side), result.thumbnails)
    scales = torch.frombuffer(bytearray(shown.topic_data[size:]), dtype=torch.float32)
    assert same(scales.view(2, 4), result.thumbnail_scale)
    names = [score["name"] for score in shown.scores["scores"]]
    assert names == list(result.names)
    assert shown.text["live"] is True and shown.text["tokens"] == list(result.thumbnail_tokens)
    shown.close()


def test_influence_and_what_the_model_wrote() -> None:
    result = cw.compute_self_influence(cw.load_model(), TEXT, generate=3, progress=False)
    shown = influence.view(result)
    topic = shown.topic
    logp = topic["measures"][0]
    assert logp["name"] == "logp" and topic["position"] == result.position
    for got, known in zip(logp["value"], result.logp.value.tolist(), strict=True):
        assert got == pytest.approx(known) if got is not None else math.isnan(known)
    assert [o["position"] for o in topic["outputs"]] == [result.n_prompt + i for i in range(3)]
    assert topic["outputs"][1]["own"] == pytest.approx(float(result.own.value[1]))
    n = len(result.ids)
    assert topic["pairs"] is True and same(planes(shown, n, 1)[0], result.matrix)
    shown.close()


def test_routes() -> None:
    result = cw.trace_information_flow(cw.load_model(), TEXT, progress=False)
    shown = flow.view(result)
    topic = shown.topic
    assert topic["kind"] == "flow" and len(topic["paths"]) == len(result.key_paths)
    assert topic["paths"][0]["weight"] == pytest.approx(result.key_paths[0]["weight"])
    routes = [source["route"] for source in topic["sources"]]
    assert routes == pytest.approx(result.routes.tolist())
    # Edges of the last layer carry all that is read.
    last = [edge for edge in topic["edges"] if edge["layer"] == 1]
    assert {edge["target"] for edge in last} == {result.position}
    assert sum(edge["weight"] for edge in last) == pytest.approx(1, abs=0.1)
    assert shown.text["live"] is True
    shown.close()


def test_coordination() -> None:
    prompts = ["blue dog seven river blue dog", "two green dog two green dog"]
    result = cw.analyze_head_coordination(cw.load_model(), prompts, pairs=2, progress=False)
    shown = coordination.view(result)
    topic = shown.topic
    assert [tuple(head) for head in topic["heads"]] == [(x, y) for x in range(2) for y in range(4)]
    value, q = planes(shown, 8, 2)
    assert same(value, result.value) and same(q, result.q)
    assert topic["order"] == list(result.order) and len(topic["pairs"]) == len(result.pairs)
    shown.close()


CALLS = {
    "detect_attention_patterns": {"prompts": TEXT},
    "compute_self_influence": {"tokens": TEXT},
    "trace_information_flow": {"tokens": TEXT},
    "trace_induction": {"prompt": TEXT},
    "analyze_head_coordination": {
        "prompts": ["blue dog seven river blue dog", "two green dog two green dog"],
        "pairs": 1,
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_a_stream_ends_as_a_call_does(name: str, tmp_path) -> None:
    model, analysis = cw.load_model(), getattr(cw, name)
    shown = analysis.stream(model, **CALLS[name])
    assert shown.wait(120)
    assert shown.status["state"] == "idle", shown.status
    called = analysis(model, **CALLS[name], progress=False)
    assert shown.result == called
    by_call = part("views", called.topic, "view")(called)
    assert by_call.topic == shown.topic and by_call.topic_data == shown.topic_data
    assert by_call.scores == shown.scores
    assert by_call.text["tokens"] == shown.text["tokens"]
    # A result from a file has no model: it shows what it has.
    called.save(tmp_path / "result")
    alone = part("views", called.topic, "view")(cw.load(tmp_path / "result"))
    assert alone.text["live"] is False and alone.topic["kind"] == shown.topic["kind"]
    for view in (shown, by_call, alone):
        view.close()
    assert not any(point.has_hooks() for point in model.hook_dict.values())
