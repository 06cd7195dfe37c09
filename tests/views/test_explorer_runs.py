"""The explorer runs other prompts, is closed and opened, and takes messages of any kind."""

from __future__ import annotations

import math
import threading

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.live import session as sessions
from tests import tiny
from tests.views.test_explorer import PROMPT, explorer, model

# Fixtures are found by their names.
__all__ = ["explorer", "model"]


def test_another_prompt_replaces_everything_at_once(explorer):
    seen = []
    explorer.observe(
        lambda change: seen.append((len(explorer.run_shown.tokens), len(explorer.picture_data))),
        ["picture_data"],
    )
    explorer.run("dog river")
    assert explorer.tokens == ("<bos>", "dog", "river")
    assert explorer.runs["current"] == 1 and explorer.picture["run"] == 1
    assert explorer.selection.query == 2  # it was the last one
    with pytest.raises(ValueError, match="empty"):
        explorer.run("")
    assert explorer.tokens == ("<bos>", "dog", "river")


def test_a_prompt_that_fails_while_it_runs_is_said_and_the_old_one_stays(explorer, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(sessions, "read", broken)
    with pytest.raises(RuntimeError, match="out of memory"):
        explorer.run("dog river")
    assert explorer.status["state"] == "failed" and "out of memory" in explorer.status["message"]
    assert explorer.run_shown.prompt == PROMPT
    monkeypatch.undo()
    explorer.run("dog river")
    assert explorer.status["state"] == "idle"


def test_the_latest_of_many_prompts_wins(explorer, model):
    threads = [
        threading.Thread(target=explorer._session.run, args=(f"dog {word}",))
        for word in ("river", "blue", "green", "seven")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    explorer.run("seven seven")
    assert explorer.tokens[1:] == ("seven", "seven")
    assert all(not point.has_hooks() for point in model.hook_dict.values())


def test_a_model_that_the_probe_does_not_fit_keeps_the_texts_scores():
    small = tiny.native(n_ctx=20)
    explorer = cw.explore(small, tiny.ids(9))
    names = [score["name"] for score in explorer.scores["scores"]]
    assert all(name.startswith("text_") or name == "attribution" for name in names)
    assert explorer.status["state"] == "partial"
    assert "No scores on random tokens" in explorer.status["message"]
    explorer.close()


def test_heads_are_coloured_by_what_they_add_to_the_next_token(model):
    explorer = cw.explore(model, PROMPT, score="attribution", probe=False)
    shown = next(score for score in explorer.scores["scores"] if score["name"] == "attribution")
    planes = torch.frombuffer(bytearray(explorer.score_data), dtype=torch.float32)
    value = planes.unflatten(0, (-1, 2, 4))[shown["value"]]
    known = cw.attribute_logits(model, PROMPT, progress=False)
    torch.testing.assert_close(value, known.heads.value)
    assert known.targets[0] in shown["label"]
    assert shown["least"] == -shown["most"]
    explorer.close()


def test_scores_that_are_not_numbers_are_missing():
    model = tiny.native()
    with torch.no_grad():
        model.blocks[1].attn.q.original_component.weight.fill_(math.nan)
    explorer = cw.explore(model, tiny.ids(9), probe=False)
    planes = torch.frombuffer(bytearray(explorer.score_data), dtype=torch.float32)
    values = planes.unflatten(0, (-1, 3, 4))[0]
    assert values[0].isfinite().all() and values[1].isnan().all()
    assert "not numbers (NaN) in layer 1" in explorer.status["message"]
    explorer.close()


def test_a_closed_view_holds_no_activations_and_opens_again(model):
    explorer = cw.explore(model, PROMPT)
    truth = explorer.pattern("1.1")
    explorer.close()
    assert explorer.comm is None and explorer._session._reading is None
    explorer.close()  # twice is once
    assert explorer._repr_mimebundle_() is not None
    assert explorer.comm is not None
    assert torch.equal(explorer.pattern("1.1"), truth)
    explorer.close()


def test_what_is_asked_after_the_close_is_answered_and_not_kept(model):
    explorer = cw.explore(model, PROMPT)
    truth = explorer.pattern("1.1")
    explorer.close()
    explorer._take_picture()  # a timer that had begun
    assert torch.equal(explorer.pattern("1.1"), truth)
    assert explorer._session._reading is None


def test_a_view_that_is_closed_while_heads_are_scored_keeps_nothing(model, monkeypatch):
    monkeypatch.setattr("circuit_widgets.views.explorer.PROBE_PATIENCE", 0)
    explorer = cw.explore(model, PROMPT)
    explorer.close()
    explorer._job.wait(10)
    assert explorer._session._reading is None


def test_messages_of_every_size_leave_it_alive(explorer):
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    explorer._channel._send = explorer.send
    explorer._receive("nonsense", [])
    explorer._receive({"client": "a", "requests": [{"kind": "hello", "id": 1}]}, [])
    assert [reply["kind"] for reply in sent] == ["error", "ok"]
