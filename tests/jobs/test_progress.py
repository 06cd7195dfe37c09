"""What a call says of itself, its seconds, and progress that counts all of the work."""

from __future__ import annotations

import dataclasses
import inspect
import pydoc
from collections.abc import Iterator

import pytest

from circuit_widgets.analysis.induction.identify import identify_induction_heads
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.jobs import Job, Progress, Work, analysis
from circuit_widgets.results import begun
from tests.circuits import Circuit, build


@pytest.fixture(scope="module")
def model():
    return build(Circuit(2, 2, (0, 0), (1, 1)))


@pytest.fixture(scope="module")
def whole(model) -> InductionHeads:
    return identify_induction_heads(
        model, n_sequences=2, length=5, ablation=0, pairs=False, progress=False
    )


@dataclasses.dataclass(frozen=True)
class Settings:
    rounds: int
    seed: int = 5


def staged(whole: InductionHeads):
    """An analysis of two stages: results in the first, work without any in the second."""

    @analysis("induction")
    def count(model, *, progress: bool = True) -> Iterator[InductionHeads | Progress]:
        def steps() -> Iterator[InductionHeads | Progress]:
            work = Work({"attention": 2, "ablation": 3})
            made = dataclasses.replace(whole.provenance, seconds=0.0, n_total=2)
            for n in (1, 2):
                pending = ("ablation",)
                yield work.did("attention")
                now = dataclasses.replace(made, n_done=n, pending=pending)
                yield dataclasses.replace(whole, provenance=now)
            for _ in range(3):
                yield work.did("ablation")
            yield dataclasses.replace(whole, provenance=dataclasses.replace(made, n_done=2))

        return steps()

    return count


def test_help_says_what_comes_back() -> None:
    written = pydoc.plain(pydoc.render_doc(identify_induction_heads))
    assert "Iterator" not in written and "-> 'InductionHeads'" in written
    assert inspect.signature(identify_induction_heads.job).return_annotation == (
        "Job[InductionHeads]"
    )
    assert inspect.signature(identify_induction_heads.stream).return_annotation == "ResultView"
    for other in (identify_induction_heads.job, identify_induction_heads.stream):
        assert "takes what `identify_induction_heads` takes" in (other.__doc__ or "")


def test_a_job_counts_all_stages_and_names_them(model, whole: InductionHeads) -> None:
    job: Job = staged(whole).job(model)
    heard: list[Progress] = []
    told: list[tuple[int, int]] = []
    job.on_progress(heard.append)
    job.on_result(lambda result, done, total: told.append((done, total)))
    job.start()
    assert job.wait(20) and job.state == "done", job.error
    # Before, the first stage alone was the whole: (1, 2), (2, 2), (2, 2).
    assert told == [(1, 5), (2, 5), (5, 5)]
    assert [each.done for each in heard] == [1, 1, 2, 2, 3, 4, 5, 5]
    assert [each.stage for each in heard[::2]] == ["attention", "ablation", "ablation", ""]
    assert all(each.seconds > 0 for each in heard)
    assert [each.seconds for each in heard] == sorted(each.seconds for each in heard)
    assert job.progress == Progress(5, 5)


def test_the_bar_counts_all_stages(model, whole, capsys: pytest.CaptureFixture[str]) -> None:
    staged(whole)(model)
    assert "count: ablation" in capsys.readouterr().err


def test_a_stop_between_results_keeps_what_is_done(model, whole: InductionHeads) -> None:
    job: Job = staged(whole).job(model)
    job.on_progress(lambda progress: progress.done == 3 and job.stop())
    job.start()
    assert job.wait(20) and job.state == "stopped"
    assert job.result is not None and job.result.provenance.pending == ("ablation",)


def test_the_decorator_stamps_the_seconds(model, whole: InductionHeads) -> None:
    assert staged(whole)(model, progress=False).provenance.seconds > 0


def test_steps_are_for_another_analysis(model) -> None:
    steps = identify_induction_heads.steps(
        model, n_sequences=2, length=5, ablation=0, copying=False, pairs=False
    )
    results = [step for step in steps if not isinstance(step, Progress)]
    assert [result.provenance.n_done for result in results] == [1, 2]
    with pytest.raises(TypeError, match="Did you mean 'seed'"):
        identify_induction_heads.steps(model, sead=1)  # type: ignore[call-arg]


def test_provenance_keeps_the_settings(model) -> None:
    made = begun(model, "x", Settings(3), method="", probe="", n_total=1, unit="rounds")
    assert made.parameters == {"rounds": 3, "seed": 5} and made.seed == 5
    assert made.settings(Settings) == Settings(3)
    # As a file of version 0.1.0 has them.
    assert dataclasses.replace(made, parameters={"rounds": 3}).settings(Settings) == Settings(3)
