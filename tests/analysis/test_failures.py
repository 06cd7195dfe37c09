"""The result of failing cases: its words, frames and file, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

import circuit_widgets as cw
from circuit_widgets.analysis.failures import live
from circuit_widgets.analysis.failures.answers import answer
from circuit_widgets.analysis.failures.cases import asked_of
from circuit_widgets.analysis.failures.parts import FIXES, TYPES
from circuit_widgets.analysis.failures.words import said
from tests import tiny
from tests.prompts.test_tokens import bridge, byte_level

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def models() -> tuple[Any, Any]:
    return cw.load_model(), cw.load_model()


@pytest.fixture(scope="module")
def found(models: tuple[Any, Any]) -> cw.CircuitFailures:
    model, healthy = models
    task = cw.Task.repeated_tokens(model, n=6, length=6)
    with cw.inject_fault(model, "zero_q", "0.1"):
        return cw.analyze_failures(model, task, reference=healthy, n_cases=4, **QUIET)


@pytest.fixture(scope="module")
def beside_prompts(models: tuple[Any, Any]) -> cw.CircuitFailures:
    model, _ = models
    task = cw.Task.repeated_tokens(model, n=8, length=8)
    with cw.inject_fault(model, "scale_write", "0.0"):
        return cw.analyze_failures(model, task, n_cases=3, n_healthy=24, **QUIET)


def test_sorted_and_said(found: cw.CircuitFailures) -> None:
    assert found.compared == "model" and found.provenance.complete
    assert found.failures["attention_collapse"] == [0, 1, 2, 3]
    assert list(found.failures) == [*TYPES, "unknown"]
    for case in range(4):
        name, z = next(iter(found.anomalies(case).items()))
        problem = found.problem_components(case)[0]
        assert (name, z) == ("0.1", problem.anomaly_score)
        assert [fix.kind for fix in problem.fixes[:1]] and {f.kind for f in problem.fixes} == {
            *FIXES
        }
        said = " ".join(found.diagnosis(case))
        assert "head 0.1 is out of line" in said.replace("Head", "head")
        assert "attention collapse" in said and "% of the metric" in said
    assert found.transfers and found.transfers[0].n == 3
    assert "attention_collapse 4" in repr(found)


def test_frames(found: cw.CircuitFailures, beside_prompts: cw.CircuitFailures) -> None:
    for result in (found, beside_prompts):
        frame, cases = result.to_frame(), result.cases_frame()
        n = result.n_done
        assert len(frame) == n * 8 and len(cases) == n
        assert frame["complete"].all() and "provenance" in frame.attrs
        assert frame["problem"].sum() == sum(
            each.q <= 0.05 for some in result.problems for each in some
        )
    assert set(found.cases_frame()["type"]) == {"attention_collapse"}
    assert set(found.cases_frame()["component"]) == {"0.1"}


def test_saved_and_loaded(
    found: cw.CircuitFailures, beside_prompts: cw.CircuitFailures, tmp_path: Path
) -> None:
    for result in (found, beside_prompts):
        result.save(tmp_path / "failures.safetensors")
        again = cw.load(tmp_path / "failures.safetensors")
        assert again == result and repr(again) == repr(result)
        assert isinstance(again, cw.CircuitFailures)
        assert again.diagnosis(0) == result.diagnosis(0)


def test_beside_healthy_prompts(beside_prompts: cw.CircuitFailures) -> None:
    found = beside_prompts
    assert found.compared == "prompts" and not found.usual_answers
    n = len(found.healthy)
    assert float(found.q.nan_to_num(1).min()) >= 1 / (n + 1)
    assert all(0 <= at < n for at in found.nearest)
    # Nothing is out of line only because the case fails; what promises an effect was tried.
    for problems in found.problems:
        assert any(problem.fixes for problem in problems)


def test_scores(found: cw.CircuitFailures) -> None:
    assert found.shape == (2, 4)
    for name in found.abouts:
        assert found.score(name, 0).value.shape == found.score(name).value.shape == (2, 4)
    entropy = found.score("entropy", 0)
    assert entropy.control is not None and bool((entropy.value > entropy.control)[0, 1])
    with pytest.raises(ValueError, match="there is no score 'x'"):
        found.score("x")


def test_named_by_the_first_that_holds(models: tuple[Any, Any]) -> None:
    model, healthy = models
    case = cw.Task.repeated_tokens(model, n=6, length=6)
    with cw.inject_fault(model, "zero_q", "0.1"):
        strongest, first = (
            cw.analyze_failures(
                model, case, reference=healthy, n_cases=1, fixes=False, naming=naming, **QUIET
            )
            for naming in ("strongest", "first")
        )
    assert strongest.failure_type() == first.failure_type() == "attention_collapse"
    assert not strongest.transfers and not strongest.problems[0][0].fixes
    assert torch.equal(strongest.types, first.types)


def test_the_stream_grows(models: tuple[Any, Any]) -> None:
    model, healthy = models
    task = cw.Task.repeated_tokens(model, n=4, length=6)
    with cw.inject_fault(model, "zero_v", "0.1"):
        steps = [*cw.analyze_failures.steps(model, task, reference=healthy, n_cases=2, **QUIET)]
    results = [step for step in steps if isinstance(step, cw.CircuitFailures)]
    assert [each.n_done for each in results] == [1, 2, 2]
    assert [each.provenance.complete for each in results] == [False, False, True]
    assert results[0].types[1].isnan().all() and results[0].pictured[1] == ()
    assert "not been looked into" in " ".join(results[0].diagnosis(1))


def test_live(models: tuple[Any, Any], found: cw.CircuitFailures) -> None:
    model, healthy = models
    with cw.inject_fault(model, "zero_q", "0.1"):
        fix = live.try_fix(model, found, 0, "0.1", "patch", healthy)
        kept = {each.kind: each for each in found.problems[0][0].fixes}["patch"]
        assert abs(fix.recovered - kept.recovered) < 1e-4 and fix.after.right == kept.after.right
        assert live.try_fix(model, found, 0, "1.0", "ablate", healthy).control_components
        # The toy has no MLPs.
        with pytest.raises(ValueError, match=r"there is no component '0\.mlp'"):
            live.try_fix(model, found, 0, "0.mlp", "patch", healthy)
        with pytest.raises(ValueError, match=r"there is no component '7.0'"):
            live.try_fix(model, found, 0, "7.0", "patch", healthy)
        own, usual = live.attention(model, found, 0, 0, healthy)
        assert own.shape == usual.shape and not torch.equal(own[1], usual[1])
        more = live.add_case(
            model, found, found.cases[0].ids, found.cases[0].expected, reference=healthy
        )
    assert len(more.cases) == more.n_done == 5 and torch.equal(more.anomaly[4], more.anomaly[0])
    assert more.failure_type(4) == "attention_collapse"


def test_refused(models: tuple[Any, Any]) -> None:
    model, healthy = models
    right = cw.Case("blue dog seven blue", "dog")
    wrong = cw.Case("blue dog seven blue", "cat")
    with pytest.raises(ValueError, match="the model gets the one case right"):
        cw.analyze_failures(model, [right], **QUIET)
    with pytest.raises(ValueError, match="no healthy cases to compare with; accepted are 4"):
        cw.analyze_failures(model, [wrong], **QUIET)
    with pytest.raises(ValueError, match="is 2 tokens"):
        cw.diagnose_circuit_failure(model, cw.Case("blue dog", "dog blue"), **QUIET)
    with pytest.raises(ValueError, match="the reference is the model itself"):
        cw.diagnose_circuit_failure(model, wrong, reference=model, **QUIET)
    with pytest.raises(ValueError, match="of another architecture"):
        cw.diagnose_circuit_failure(model, wrong, reference=tiny.make("gpt2"), **QUIET)
    with pytest.raises(ValueError, match="the reference gets the one case wrong too"):
        cw.diagnose_circuit_failure(model, wrong, reference=healthy, **QUIET)
    with pytest.raises(TypeError, match="accepted are a Task, or a list of Case"):
        cw.analyze_failures(model, "blue dog", **QUIET)
    with pytest.raises(ValueError, match="naming is 'last'"):
        cw.analyze_failures(model, [wrong], naming="last", **QUIET)
    with pytest.raises(ValueError, match="both expected and wrong"):
        cw.diagnose_circuit_failure(model, cw.Case("blue dog", "cat", wrong="cat"), **QUIET)


def test_missing_is_missing(found: cw.CircuitFailures) -> None:
    # Evidence in deviations needs healthy prompts, which this model still has with the fault.
    evidence = found.problems[0][0].evidence
    assert evidence and all(math.isfinite(each.value) for each in evidence)


def test_parts_of_characters_show_in_an_answer_as_everywhere(tmp_path: Path) -> None:
    model = bridge(byte_level(tmp_path), max_position_embeddings=64)
    ids = model.to_tokens("he dog蓝", prepend_bos=False)[0].tolist()
    begin, end = (asked_of(model, cw.Case(ids[:n], ids[n])) for n in (2, 4))
    logits = torch.zeros(300)
    logits[ids[4]] = 9.0
    assert answer(model, logits, end).predicted_token == "蓝⟨3/3⟩"
    # Of a character that has only begun nobody knows which it will be: a byte, its backslash once.
    assert said(answer(model, logits, begin)).endswith(r"and '\xe8' has p = 0.00")
