"""The topics' views: a result's numbers are in the traits, and a stream ends with the result."""

from __future__ import annotations

from typing import Any

import ipywidgets
import numpy as np
import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.views import coordination, flow, influence, patterns
from tests import tiny
from tests.views.told import Told

TEXT = "blue dog seven river blue dog seven"
FEW = ["blue dog seven river blue dog", "two green dog two green dog"]


def same(one: Any, other: torch.Tensor) -> bool:
    known = other.float().numpy()
    return np.allclose(one, known, rtol=0, atol=1e-6, equal_nan=True)


def test_patterns() -> None:
    model = cw.load_model()  # As long as it is there, its text is live.
    result = cw.detect_attention_patterns(model, TEXT, progress=False)
    shown = patterns.view(result)
    told = Told(shown)
    assert list(told.column("classes", "name")) == list(cw.ATTENTION_PATTERNS)
    for name, pictures, scale in (
        ("thumbnails", result.thumbnails, result.thumbnail_scale),
        ("repeats", result.repeats_thumbnails, result.repeats_thumbnail_scale),
    ):
        side = pictures.shape[-1]
        assert len(told.block(name)["tiles"]) == 8
        for tile in told.block(name)["tiles"]:
            layer, head = tile["head"]
            data = told.data[name][tile["offset"] :][: side * side]
            pixels = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(side, side)
            assert torch.equal(pixels, pictures[layer, head])
            assert tile["scale"] == pytest.approx(float(scale[layer, head]))
    assert [score["name"] for score in shown.scores["scores"]] == list(result.names)
    run = shown.run_shown
    assert run.live is True and run.tokens == list(result.thumbnail_tokens)
    # A threshold a class: the result's own until somebody sets another.
    assert shown.params["threshold.induction"] == pytest.approx(
        next(kind.threshold for kind in result.classes if kind.name == "induction")
    )
    shown.close()


def test_influence_and_what_the_model_wrote() -> None:
    result = cw.compute_self_influence(cw.load_model(), TEXT, generate=3, progress=False)
    shown = influence.view(result)
    told = Told(shown)
    assert same(told.column("measures", "logp"), result.logp.value)
    assert told.scalars["position"] == result.position
    assert told.column("outputs", "position").tolist() == [result.n_prompt + i for i in range(3)]
    assert result.own is not None
    assert same(told.column("outputs", "own"), result.own.value)
    assert same(told.matrix("effects"), result.matrix)
    shown.close()


def test_influence_over_prompts() -> None:
    texts = [TEXT, "cat dog red river cat dog red", "dog red dog"]
    result = cw.compute_self_influence(cw.load_model(), texts, confidence=0.9, progress=False)
    shown = influence.view(result)
    told = Told(shown)
    assert same(told.column("measures", "logp"), result.logp.value)
    assert same(told.column("measures", "logp_high"), result.logp.high)
    assert told.column("measures", "n").tolist() == result.n_at.tolist() == [0, 2, 2, 2, 2, 3, 3, 3]
    assert told.scalars["n_prompts"] == 3 and told.scalars["by_distance"] is True
    assert same(told.matrix("logp_by_prompt"), result.logp_by_prompt.value)
    tokens = list(told.column("tokens", "token"))
    assert tokens[: len(result.tokens)] == list(result.prompts[0].tokens)
    assert tokens[-4:] == ["<bos>", "dog", "red", "dog"] and tokens[-5] == ""
    columns = [column for block in shown.topic["blocks"] for column in block.get("columns", ())]
    said = {column["about"] for column in columns if column["role"] in ("low", "high")}
    assert said == {"90 % interval over prompts"}
    shown.close()


def test_a_trace_of_several_prompts() -> None:
    texts = [TEXT, "cat dog red river cat dog red", "dog red dog"]
    result = cw.trace_induction(cw.load_model(), texts, progress=False)
    shown = result.view()
    told = Told(shown)
    attention, hop = result.mean("attention"), result.mean("first_hop")
    assert same(told.column("means", "attention"), attention.value)
    assert same(told.column("means", "attention_low"), attention.low)
    assert same(told.column("means", "added_null"), result.mean("added").control)
    assert same(told.column("first_means", "first_hop"), hop.value)
    assert same(told.column("first_means", "first_hop_null"), hop.chance.expand_as(hop.value))
    assert list(told.column("prompts", "text")) == texts
    assert told.column("prompts", "n").tolist() == [3, 3, 1]
    assert same(told.matrix("added_by_prompt"), result.by_prompt("added"))
    assert told.column("facts", "value")[0] == pytest.approx(
        float(result.mean("probability").value)
    )
    columns = [column for block in shown.topic["blocks"] for column in block.get("columns", ())]
    said = {column["about"] for column in columns if column["role"] in ("low", "high")}
    assert said == {"95 % interval over prompts"}
    assert shown.run_shown.tokens == [] and shown.run_shown.live is False
    shown.close()


def test_routes() -> None:
    model = cw.load_model()
    result = cw.trace_information_flow(model, TEXT, progress=False)
    shown = flow.view(result)
    told = Told(shown)
    assert told.topic["kind"] == "flow" and shown._bundle == "flow"
    weights = sorted((path.weight for path in result.key_paths), reverse=True)
    assert told.column("paths", "weight").tolist() == pytest.approx(weights)
    assert same(told.column("sources", "route"), result.routes)
    # Edges of the last layer carry all that is read.
    source, target = (told.column("routes", end, "edges") for end in ("source", "target"))
    layer, position = (told.column("routes", name, "nodes") for name in ("layer", "position"))
    last = layer[source] == 1
    assert set(position[target[last]]) == {result.position}
    assert told.column("routes", "weight", "edges")[last].sum() == pytest.approx(1, abs=0.1)
    assert shown.run_shown.live is True
    shown.close()


def test_coordination() -> None:
    result = cw.analyze_head_coordination(cw.load_model(), FEW, pairs=2, progress=False)
    shown = coordination.view(result)
    told = Told(shown)
    order = list(result.order)
    at = torch.tensor(order)
    places = [(x, y) for x in range(2) for y in range(4)]
    assert told.block("value")["rows"]["heads"] == [places[i] for i in order]
    assert same(told.matrix("value"), result.value[at][:, at])
    assert same(told.matrix("q"), result.q[at][:, at])
    assert same(told.matrix("why"), result.why[at][:, at])
    assert told.block("reasons")["columns"][0]["texts"] == list(result.reasons)
    assert told.topic["scalars"]["significance"].startswith("No pair could be tested\n28 pairs are")
    assert told.block("pairs")["rows"] == len(result.pairs)
    shown.close()


def test_coordination_of_ids_shows_attention_too() -> None:
    """Before, nothing was shown where the model has no tokenizer to read the text again."""
    prompts = [tiny.ids(8, seed=seed)[0].tolist() for seed in range(4)]
    model = tiny.make("native")
    result = cw.analyze_head_coordination(
        model, prompts, n_permutations=20, pairs=0, progress=False
    )
    shown = coordination.view(result)
    assert shown.run_shown.live and shown.run_shown.tokens == [str(i) for i in prompts[0]]
    shown.close()


def test_a_result_gives_its_widget() -> None:
    """Sized, titled, put into a box; a wrong keyword is answered with the close one."""
    result = cw.detect_attention_patterns(cw.load_model(), TEXT, progress=False)
    shown = result.view(
        height=400,
        title="Patterns",
        caption="of the toy",
        selection="1.3",
        query=2,
        thresholds={"induction": 0.4},
        params={"first": "hide"},
    )
    assert shown.frame == {"height": 400, "hide": [], "title": "Patterns", "caption": "of the toy"}
    assert (shown.selection.as_head, shown.selection.query) == (cw.Head(1, 3), 2)
    assert (shown.params["threshold.induction"], shown.params["first"]) == (0.4, "hide")
    assert ipywidgets.VBox([shown]).children == (shown,)
    with pytest.raises(TypeError, match=r"view has no option 'heigth'\. Did you mean 'height'"):
        result.view(heigth=300)
    with pytest.raises(KeyError, match=r"Did you mean 'threshold\.induction'"):
        result.view(thresholds={"inductoin": 0.4})
    shown.close()


def test_a_stream_takes_the_same_and_opens_on_the_best_head() -> None:
    model = cw.load_model()
    shown = cw.identify_induction_heads.stream(model, n_sequences=4, height=300, title="T")
    assert shown.wait(60)
    assert shown.frame["height"] == 300 and shown.frame["title"] == "T"
    assert shown.selection.as_head == shown.result.heads()[0]
    fixed = cw.identify_induction_heads.stream(model, n_sequences=4, selection="0.1")
    assert fixed.wait(60)
    assert fixed.selection.as_head == cw.Head(0, 1)
    with pytest.raises(TypeError, match="no parameter 'colour'"):
        cw.identify_induction_heads.stream(model, colour=1)
    for view in (shown, fixed):
        view.close()


def test_a_stream_takes_thresholds_and_sliders_before_there_is_a_result() -> None:
    model = cw.load_model()
    # An argument of the analysis, which its sliders begin with.
    gallery = cw.detect_attention_patterns.stream(
        model,
        TEXT,
        thresholds={"diagonal": 0.9},
        params={"threshold.induction": 0.2, "gallery.sort": "grid"},
    )
    assert gallery.wait(60)
    for name, value in {"diagonal": 0.9, "induction": 0.2, "uniform": 0.5}.items():
        assert gallery.params[f"threshold.{name}"] == value
    assert gallery.params["gallery.sort"] == "grid"
    # This one has none: the view says what there is.
    with pytest.raises(KeyError, match=r"no parameter 'threshold\.x'.* 'pairs\.sort'"):
        cw.identify_induction_heads.stream(model, thresholds={"x": 0.2})
    flow = {
        path: cw.trace_information_flow.stream(model, TEXT, params={"flow.path": path})
        for path in (2, 99)
    }
    assert all(view.wait(60) for view in flow.values())
    # Nobody could know: 99 is forgotten once there are ten paths.
    assert flow[2].params["flow.path"] == 2 and flow[99].params["flow.path"] == 0
    for view in (gallery, *flow.values()):
        view.close()
