"""What holds of every topic's view: it is streamed, loaded, and says which intervals it shows."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import circuit_widgets as cw
from circuit_widgets.results.result import part
from tests import rooms
from tests.views.told import Told

TEXT = "blue dog seven river blue dog seven"
TASK = cw.Task.repeated_tokens(cw.load_model(), n=6)
OTHER = "cat red river stone cat red river"
FEW = ["blue dog seven river blue dog", "two green dog two green dog"]

CALLS = {
    "identify_induction_heads": {"n_sequences": 4},
    "detect_attention_patterns": {"prompts": TEXT},
    "compute_self_influence": {"tokens": TEXT},
    "trace_information_flow": {"tokens": TEXT},
    "analyze_cross_layer_flow": {"task": cw.Task.repeated_tokens(cw.load_model(), n=7), "check": 4},
    "trace_induction": {"prompt": TEXT},
    "analyze_head_coordination": {"prompts": FEW, "pairs": 1},
    "attribute_logits": {"prompts": TEXT},
    "ablate_heads": {"prompts": [TEXT, OTHER], "heads": ["0.1", "1.2"]},
    "extract_circuit": {"task": TASK, "random": 2, "check": 4},
    "patch_activations": {"task": TASK, "what": "stream"},
    "analyze_failures": {"cases": [cw.Case(TEXT, "dog")], "healthy": TASK, "n_healthy": 20},
    "diagnose_circuit_failure": {"case": cw.Case(TEXT, "dog"), "healthy": TASK, "n_healthy": 20},
    "suggest_circuit_optimizations": {"task": TASK, "random": 3, "upto": 0.25},
    "analyze_cross_model_stability": {
        "models": {f"seed {seed}": cw.Load("toy-induction", seed=seed) for seed in (0, 1)},
        "task": TASK,
        "draws": 20,
    },
    "analyze_training_stability": {
        "checkpoints": {step: cw.Load("toy-induction", step=step) for step in (0, 693, 2500)},
        "task": TASK,
        "draws": 20,
    },
}

CONFIDENT = [
    name
    for name, analysis in rooms.analyses().items()
    if "confidence" in inspect.signature(analysis).parameters
]
# Of one prompt these have no interval.
OVER_PROMPTS = {
    "trace_induction": {"prompt": [TEXT, OTHER]},
    "trace_information_flow": {"tokens": [TEXT, OTHER]},
}


@pytest.mark.parametrize("name", CONFIDENT)
def test_intervals_are_called_by_the_confidence_that_was_asked_for(name: str) -> None:
    analysis = getattr(cw, name)
    on = () if analysis.several else (cw.load_model(),)
    asked = {**CALLS[name], **OVER_PROMPTS.get(name, {}), "confidence": 0.9}
    result = analysis(*on, **asked, progress=False)
    assert result.provenance.interval == "90 % interval"
    shown = result.view()
    told = Told(shown)
    said = [
        column["about"]
        for block in shown.topic["blocks"]
        for column in block.get("columns", ())
        if column["role"] in ("low", "high")
        # An interval that nothing has needs no name.
        and (column["about"] or np.isfinite(told.column(block["name"], column["name"])).any())
    ]
    said += [score["interval"] for score in shown.scores["scores"]]
    assert said and {*said} <= {"90 % interval", "90 % interval over prompts"}
    shown.close()


def test_every_analysis_is_streamed() -> None:
    assert rooms.missing(rooms.analyses(), CALLS, "CALLS of tests/views/test_every_topic.py") == []


@pytest.mark.parametrize("name", CALLS)
def test_a_stream_ends_as_a_call_does(name: str, tmp_path) -> None:
    model, analysis = cw.load_model(), getattr(cw, name)
    on = () if analysis.several else (model,)
    shown = analysis.stream(*on, **CALLS[name])
    assert shown.wait(120)
    assert shown.status["state"] == "idle", shown.status
    called = analysis(*on, **CALLS[name], progress=False)
    assert shown.result == called
    by_call = part("views", called.topic, "view")(called)
    assert by_call.topic == shown.topic and by_call.topic_data == shown.topic_data
    assert by_call.scores == shown.scores
    assert by_call.run_shown.tokens == shown.run_shown.tokens
    # A result from a file has no model: it shows what it has.
    called.save(tmp_path / "result")
    alone = part("views", called.topic, "view")(cw.load(tmp_path / "result"))
    assert alone.run_shown.live is False and alone.topic["kind"] == shown.topic["kind"]
    for view in (shown, by_call, alone):
        view.close()
    assert not any(point.has_hooks() for point in model.hook_dict.values())
