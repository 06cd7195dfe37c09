"""The failure browser: what it is told, fixes that are tried in it, cases that are added to it."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch

import circuit_widgets as cw
from circuit_widgets import capture
from circuit_widgets.analysis.failures.results import TYPES
from circuit_widgets.wire import messages as m
from circuit_widgets.wire.channel import Refused
from tests.views.told import Told

WAIT = 60


@pytest.fixture(scope="module")
def failing():
    """A model with a fault that stands, a healthy one, and what was found of three cases."""
    model, healthy = cw.load_model(), cw.load_model()
    with contextlib.ExitStack() as planted:
        planted.enter_context(cw.inject_fault(model, "zero_q", "0.1"))
        task = cw.Task.repeated_tokens(model, n=4, length=6)
        found = cw.analyze_failures(model, task, reference=healthy, n_cases=3, progress=False)
        yield model, healthy, found, planted


@pytest.fixture
def shown(failing):
    view = failing[2].view()
    yield view
    view.close()


def wish(view, asked) -> None:
    view._source().wish(asked)
    assert view._cases._job.wait(WAIT)


def test_it_is_told_what_was_found(failing, shown):
    result, told = failing[2], Told(shown)
    n_layers, n_heads = result.shape
    answers = result.answers
    assert list(told.column("cases", "predicted")) == [one.predicted_token for one in answers]
    assert told.column("cases", "p_expected").tolist() == pytest.approx(
        [one.p_expected for one in answers]
    )
    assert list(told.column("cases", "type")) == [result.failure_type(at) for at in range(3)]
    z = told.matrix("z").reshape(3, n_layers, n_heads + 1)
    np.testing.assert_allclose(z[..., :n_heads], result.anomaly.numpy(), rtol=1e-6)
    np.testing.assert_allclose(told.matrix("scores"), result.types.numpy(), rtol=1e-6)
    assert list(told.column("kinds", "name")[:4]) == list(TYPES)
    parts = [p.component for problems in result.problems for p in problems]
    assert list(told.column("parts", "name")) == parts and parts[0] == "0.1"
    fixes = [f.kind for problems in result.problems for p in problems for f in p.fixes]
    assert list(told.column("tried", "fix")) == fixes
    assert not told.column("tried", "by_hand").any()
    assert shown.selection.as_head == cw.Head(0, 1)
    assert shown.run_shown.live and told.scalars["missing"] == ""


def test_each_case_has_attention_of_both_models(failing, shown):
    model, healthy, result, _ = failing
    ids = torch.tensor([result.cases[1].ids])
    n = ids.shape[1]
    for run, of in ((2, model), (3, healthy)):
        _, data = shown._source().answer(m.Cells(1, run, (1, 2), (0, n, 0, n)))
        kept = capture.Keep("pattern", {1})
        capture.run(of, ids, [kept])
        found = torch.frombuffer(bytearray(data), dtype=torch.float32).view(n, n)
        torch.testing.assert_close(found, kept.tensors[1][0, 2])


def test_a_fix_is_tried_and_shown_once(failing, shown):
    result = failing[2]
    known = next(f for f in result.problems[0][0].fixes if f.kind == "patch")
    for _ in range(2):
        wish(shown, m.TryFix(1, 0, "0.1", "patch"))
        assert shown.status["state"] == "idle", shown.status
    told = Told(shown)
    here = [*zip(told.column("tried", "case"), told.column("tried", "part"), strict=True)]
    kinds, by_hand = told.column("tried", "fix"), told.column("tried", "by_hand")
    same = [at for at, one in enumerate(here) if one == (0, "0.1") and kinds[at] == "patch"]
    assert same == [0] and by_hand.tolist() == [1] + [0] * (len(by_hand) - 1)
    assert told.column("tried", "p_expected")[0] == pytest.approx(known.after.p_expected, abs=1e-5)
    assert told.column("tried", "back")[0] == pytest.approx(known.recovered, abs=1e-4)


def test_a_case_is_added_and_selected(failing, shown):
    result = failing[2]
    shown.params["failures.type"] = "unknown"
    wish(shown, m.AddCase(1, "blue dog seven river blue dog seven", "river"))
    assert shown.status["state"] == "idle", shown.status
    told = Told(shown)
    assert told.column("cases", "added").tolist() == [0, 0, 0, 1]
    assert told.column("cases", "expected")[3] == "river"
    assert (shown.params["failures.case"], shown.params["failures.type"]) == (3, "")
    assert len(shown.result.cases) == 4 and len(result.cases) == 3
    n = len(shown.result.cases[3].ids)
    _, data = shown._source().answer(m.Cells(1, 6, (1, 2), (0, n, 0, n)))
    assert len(data) >= 4 * n * n
    # The new case is one like the others: a fix can be tried on it.
    wish(shown, m.TryFix(2, 3, "0.1", "redirect"))
    assert Told(shown).column("tried", "case")[0] == 3


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (m.TryFix(1, 9, "0.1", "patch"), "there is no case 9"),
        (m.TryFix(1, 0, "0.1", "pray"), "there is no fix 'pray'"),
        (m.AddCase(1, " ", "dog"), "A case needs a prompt"),
    ],
)
def test_a_wish_that_means_nothing_is_refused_at_once(shown, asked, sentence):
    with pytest.raises(Refused, match=sentence):
        shown._source().wish(asked)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (m.TryFix(1, 0, "7.2", "patch"), "7"),
        (m.AddCase(1, "blue dog blue", "dog blue"), "2 tokens"),
    ],
)
def test_what_the_analysis_refuses_is_said_and_nothing_is_added(shown, asked, sentence):
    before = shown.topic
    wish(shown, asked)
    assert shown.status["state"] == "failed" and sentence in shown.status["message"]
    assert shown.topic == before


def test_without_the_fault_and_without_a_model_it_shows_what_it_has(failing, shown, tmp_path):
    _, _, result, planted = failing
    result.save(tmp_path / "found")
    alone = cw.load(tmp_path / "found").view()
    told = Told(alone)
    assert not alone.run_shown.live and "run the cell again" in told.scalars["missing"]
    names = {block["name"] for block in alone.topic["blocks"]}
    assert {"pictures.0", "pictures.1"} <= names
    tiles = told.block("pictures.0")["tiles"]
    assert tuple(tiles[0]["head"]) == (0, 1)
    alone.close()
    planted.close()
    with pytest.raises(Refused, match=r"not as it was .* Hooks then: .*zero_q"):
        shown._source().wish(m.TryFix(1, 0, "0.1", "patch"))
