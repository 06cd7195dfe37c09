"""What an author asks for by keyword: kept on the page, and refused in sentences."""

from __future__ import annotations

from typing import Any

import pytest
from ipywidgets.widgets import widget as ipywidget

import circuit_widgets as cw
from tests.export.test_pages import states

TEXT = "blue dog seven river blue dog seven river"


@pytest.fixture(scope="module")
def patterns():
    return cw.detect_attention_patterns(cw.load_model(), prompts=TEXT, progress=False)


def test_all_of_them_are_on_the_page(patterns) -> None:
    text = patterns.to_html(
        height=700,
        hide=["gallery"],
        title="A page",
        caption="What to look at",
        selection="1.1",
        query=3,
        thresholds={"induction": 0.6},
        lock=["induction"],
        picture=False,
    )
    [(state, _)] = states(text)
    traits = state["traits"]
    assert "<title>A page</title>" in text
    frame = {"height": 700, "hide": ["gallery"], "title": None, "caption": "What to look at"}
    assert traits["frame"] == frame
    assert (traits["selected_head"]["layer"], traits["selected_head"]["head"]) == (1, 1)
    assert traits["selected_cell"]["query"] == 3
    assert traits["param_values"]["values"]["threshold.induction"] == 0.6
    locked = [control["name"] for control in traits["controls"] if control["locked"]]
    assert locked == ["threshold.induction"]


def test_what_cannot_be_locked_is_a_sentence(patterns) -> None:
    with pytest.raises(KeyError, match=r"Did you mean 'threshold\.induction'"):
        patterns.view(lock=["threshold.inductoin"])
    with pytest.raises(ValueError, match="'score' is a choice; sliders and thresholds"):
        patterns.view(lock=["score"])
    with pytest.raises(TypeError, match="a list of names of sliders"):
        patterns.view(lock="induction")


def test_python_sets_what_readers_cannot(patterns) -> None:
    view = patterns.view(lock=["induction"])
    view.params["threshold.induction"] = 0.7
    assert view.params["threshold.induction"] == 0.7
    view.close()


@pytest.mark.parametrize("export", [cw.export.page, cw.export.render_static, cw.export.state])
def test_views_that_are_made_of_results_are_closed_again(patterns, export: Any) -> None:
    view = patterns.view()
    before = set(ipywidget._instances)
    assert view.model_id in before
    export(patterns)
    assert set(ipywidget._instances) == before
    export(view)
    assert set(ipywidget._instances) == before
    view.close()


def test_views_are_closed_where_there_is_no_page(patterns) -> None:
    before = set(ipywidget._instances)
    with pytest.raises(TypeError, match="int cannot be on a page"):
        cw.export.page([patterns, 3])
    with pytest.raises(ValueError, match="no room"):
        cw.export.render_static(patterns, budget=1000)
    assert set(ipywidget._instances) == before


def test_readers_have_the_runs_that_were_named() -> None:
    view = cw.explore(cw.load_model(), TEXT, selection="1.2")
    changes = [
        "0.1",
        ["0.0", "0.2"],
        {"ablate": "1.2", "by": "zero"},
        {"scale": "1.2", "factor": 2},
    ]
    [(state, _)] = states(view.to_html(bake={"interventions": changes}, picture=False))
    labels = [run["label"] for run in state["traits"]["runs"]["all"]]
    assert labels == [
        "",
        "without 0.1 (its mean over this text)",
        "without 0.0, 0.2 (their means over this text)",
        "without 1.2 (zero)",
        "1.2 × 2",
    ]
    assert [run["run"] for run in state["baked"]] == [
        r["id"] for r in state["traits"]["runs"]["all"]
    ]
    assert all(len(run["pictures"][0]["tiles"]) == 8 for run in state["baked"])
    last = [run["next"][-1]["tokens"][0]["probability"] for run in state["baked"]]
    assert len(set(last)) > 3
    # Scores on random tokens are of the model as it is: of another run they are missing.
    assert [other["run"] for other in state["others"]] == [run["run"] for run in state["baked"][1:]]
    assert view.run_shown.label == "" and len(view.runs["all"]) == 1
    assert not any(point.has_hooks() for point in view.model.hook_dict.values())
    view.close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["9.1"], "there is no head 9.1"),
        ([{"ablate": "0.1", "by": "median"}], "did you mean 'mean'|accepted are 'mean', 'zero'"),
        ([{"remove": "0.1"}], "is not known; accepted are a head"),
        ([{"scale": "0.1"}], "the factor of .* is None; accepted is a number"),
        ([[]], "there are no heads"),
        ("0.1", "accepted is a list of them"),
    ],
)
def test_an_intervention_that_the_model_lacks_is_a_sentence(changes: Any, said: str) -> None:
    view = cw.explore(cw.load_model(), TEXT)
    with pytest.raises(ValueError, match=said):
        view.to_html(bake={"interventions": changes}, picture=False)
    view.close()


def test_only_an_explorer_has_runs_to_choose_from(patterns) -> None:
    with pytest.raises(ValueError, match="none of these views is one"):
        patterns.to_html(bake={"interventions": ["0.1"]})
    with pytest.raises(ValueError, match="bake is 'head'; did you mean 'heads'"):
        patterns.to_html(bake={"head": "all"})
