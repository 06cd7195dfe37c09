"""The view of `identify_induction_heads`: of a result, and of a job."""

from __future__ import annotations

import threading

import torch

import circuit_widgets as cw
from circuit_widgets.views.induction import view
from tests.views.told import Told


def planes(shown):
    values = torch.frombuffer(bytearray(shown.score_data), dtype=torch.float32)
    return values.unflatten(0, (-1, shown.run_shown.n_layers, shown.run_shown.n_heads))


def test_a_results_numbers_are_in_the_view():
    model = cw.load_model()  # As long as it is there, its text is live.
    result = cw.identify_induction_heads(model, n_sequences=4, progress=False)
    shown = view(result)
    info = {score["name"]: score for score in shown.scores["scores"]}
    for name, score in info.items():
        value = result.score(name).value
        assert torch.allclose(planes(shown)[score["value"]], value, rtol=0, atol=0, equal_nan=True)
        low = result.score(name).low
        assert torch.allclose(planes(shown)[score["low"]], low, rtol=0, atol=0, equal_nan=True)
    control = info["prefix_matching"]["control"]
    assert torch.equal(planes(shown)[control], result.prefix_matching.control)
    # A previous token is there without repeats too: chance is its null.
    assert info["previous_token"]["control"] is None
    assert shown.run_shown.live is True and shown.run_shown.prompt == result.provenance.probe
    assert shown.run_shown.tokens == list(result.example_tokens)
    # Pairs' patterns are there for a page without a kernel.
    told = Told(shown)
    best = int(told.column("pairs", "path").argmax())
    pictured = [tile["head"] for tile in told.block("pictures")["tiles"]]
    for end in ("sender", "receiver"):
        assert tuple(told.column("pairs", end)[best]) in pictured
    assert shown.selection.as_head == result.heads()[0]
    shown.close()


def test_a_stream_ends_with_the_result_of_a_call():
    model = cw.load_model()
    shown = cw.identify_induction_heads.stream(model, n_sequences=6)
    assert shown.wait(60)
    assert shown.result == cw.identify_induction_heads(model, n_sequences=6, progress=False)
    assert torch.equal(planes(shown)[0], shown.result.prefix_matching.value)
    assert shown.status["state"] == "idle"
    shown.close()


def test_stop_leaves_a_partial_result_that_says_so():
    model = cw.load_model()
    some = threading.Event()
    job = cw.identify_induction_heads.job(model, n_sequences=100_000)
    job.on_result(lambda *_: some.set())
    from circuit_widgets.views.induction import stream

    shown = stream(job)
    assert some.wait(60)
    shown.stop()
    assert shown.wait(60)
    assert shown.status["state"] == "partial"
    assert shown.status["message"].startswith("Stopped. partial: ")
    assert not shown.result.provenance.complete
    assert all(not point.has_hooks() for point in model.hook_dict.values())
    shown.close()


def test_a_job_that_fails_says_why():
    model = cw.load_model()
    job = cw.identify_induction_heads.job(model, n_sequences=4)
    job._steps = iter_broken()
    from circuit_widgets.views.induction import stream

    shown = stream(job)
    assert shown.wait(60)
    assert shown.status["state"] == "failed" and "out of memory" in shown.status["message"]
    shown.close()


def iter_broken():
    raise RuntimeError("out of memory")
    yield
