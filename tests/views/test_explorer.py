"""The explorer's Python side: what it refuses, what it selects, what it says."""

from __future__ import annotations

import pytest
import torch
import traitlets

import circuit_widgets as cw
from circuit_widgets import Head, Selection

PROMPT = "blue dog seven river blue dog"


@pytest.fixture(scope="module")
def model():
    return cw.load_model()


@pytest.fixture
def explorer(model):
    made = cw.explore(model, PROMPT)
    yield made
    made.close()


def at(view):
    return view.selected_head["layer"], view.selected_head["head"]


def cell(view):
    return view.selected_cell["query"], view.selected_cell["key"]


# --- what it refuses, with what is accepted ---


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"prompt": ""}, ValueError, "the prompt is empty"),
        ({"prompt": "blue " * 500}, ValueError, "context is 128"),
        ({"prompt": 3}, TypeError, "accepted are one text, or the ids"),
        ({"prompt": None}, TypeError, "accepted are one text, or the ids"),
        ({"prompt": [5000]}, ValueError, "5000"),
        ({"selection": "7.0"}, ValueError, "layers 0 to 1, heads 0 to 3"),
        ({"selection": "x"}, ValueError, "x"),
        ({"colour": 1}, TypeError, "no option 'colour'. It takes score"),
        ({"scor": "entropy"}, TypeError, "Did you mean 'score'"),
        ({"score": "entropy"}, ValueError, "'text_entropy'"),
        ({"first": "gone"}, ValueError, "'show', 'dim' or 'hide'"),
        ({"memory": -1}, ValueError, "number of bytes"),
        ({"model": "gpt2"}, TypeError, "TransformerBridge"),
    ],
)
def test_a_wrong_argument_is_said_and_leaves_nothing(model, arguments, error, sentence):
    import comm

    before = len(comm.get_comm_manager().comms)
    with pytest.raises(error) as raised:
        cw.explore(**{"model": model, "prompt": PROMPT, **arguments})
    assert sentence in str(raised.value)
    assert len(comm.get_comm_manager().comms) == before
    assert all(not point.has_hooks() for point in model.hook_dict.values())


# --- selection ---


def test_it_opens_on_the_highest_head_and_the_last_token(explorer, model):
    best = cw.identify_induction_heads(model, progress=False).heads()[0]
    assert explorer.selection.as_head == best
    assert explorer.selection.query == len(explorer.tokens) - 1


@pytest.mark.parametrize("head", ["1.3", "L1H3", (1, 3), [1, 3], Head(1, 3)])
def test_a_head_can_be_named_in_many_ways(explorer, head):
    explorer.selection = head
    assert at(explorer) == (1, 3)


def test_what_is_out_of_range_changes_nothing(explorer):
    explorer.selection.set("0.1", query=2)
    for wrong in (
        lambda: explorer.selection.set("2.0"),
        lambda: explorer.selection.set("0.2", query=99),
        lambda: setattr(explorer.selection, "key", -8),
        lambda: setattr(explorer, "selection", "0.4"),
    ):
        with pytest.raises(ValueError, match="accepted"):
            wrong()
    assert repr(explorer.selection) == "<Selection head 0.1, query=2>"


def test_views_can_share_a_selection(model):
    shared = Selection()
    long = cw.explore(model, "blue dog seven river blue", selection=shared)
    short = cw.explore(model, "blue dog", selection=shared)
    shared.set("1.1", query=2)
    assert at(long) == at(short) == (1, 1)
    assert cell(long) == cell(short) == (2, None)
    # A position that a shorter text does not have is its last one there, and itself elsewhere.
    shared.query = 5
    assert (cell(long), cell(short), shared.query) == ((5, None), (2, None), 5)
    with pytest.raises(ValueError, match="0 to 5"):
        shared.query = 6
    # A view that is closed says nothing any more, to nobody.
    long.close()
    with pytest.raises(ValueError, match="0 to 2"):
        shared.query = 4
    short.close()


def test_joining_a_selection_keeps_the_query(explorer):
    explorer.selection.query = 3
    shared = Selection("0.1")
    explorer.selection = shared
    assert cell(explorer) == (3, None) and at(explorer) == (0, 1)
    other = Selection("1.1", query=2)
    explorer.selection = other
    assert cell(explorer) == (2, None)


def test_an_edge_is_selected_from_both_sides(explorer):
    explorer.selection.set(edge=("0.1", "1.3"))
    assert explorer.selected_edge["sender"] == (0, 1)
    explorer.selected_edge = {"sender": (0, 2), "receiver": (1, 0), "source": "view-x", "seq": 4}
    assert explorer.selection.edge == ((0, 2), (1, 0))
    with pytest.raises(ValueError, match="layers 0 to 1"):
        explorer.selection.edge = ("0.1", "7.0")
    with pytest.raises(ValueError, match="two heads"):
        explorer.selection.edge = "0.1"


def test_a_selection_says_what_it_takes():
    assert repr(Selection("1.2", query=6)) == "<Selection head 1.2, query=6>"
    with pytest.raises(TypeError, match="Did you mean 'query'"):
        Selection("1.2", quer=6)


def test_what_the_view_sends_is_checked(explorer):
    before = explorer.selected_head, explorer.selected_cell
    for wrong in ({"layer": -1, "head": 0}, {"layer": 0, "head": 0, "query": None}, {}):
        with pytest.raises(traitlets.TraitError):
            explorer.selected_head = wrong
    explorer.selected_head = {"layer": 9, "head": 0}
    explorer.selected_cell = {"query": 1, "key": 99}
    assert (explorer.selected_head, explorer.selected_cell) == before


def test_a_query_moved_in_python_does_not_undo_a_click_on_a_head(explorer):
    """Each is a trait of its own: what is sent for one says nothing of the other."""
    sent = []
    explorer.send_state = lambda key: sent.extend([key] if isinstance(key, str) else key)
    explorer.selection.query = 1
    assert sent == ["selected_cell"]
    for wrong in ({"score": 1}, {"scale": "own"}, {"skale": "head"}):
        with pytest.raises(traitlets.TraitError):
            explorer.param_values = {"values": wrong}


def test_parameters_are_read_and_set_by_name(model):
    explorer = cw.explore(model, PROMPT, first="hide", params={"scale": "shared"}, probe=False)
    assert (explorer.params["first"], explorer.params["scale"]) == ("hide", "shared")
    explorer.params["pooling"] = "mean"
    assert explorer.param_values["values"]["pooling"] == "mean"
    explorer.param_values = {"values": {"first": "show"}, "source": "view-x", "seq": 3}
    assert explorer.params["first"] == "show" and explorer.params["pooling"] == "max"
    with pytest.raises(KeyError, match="Did you mean 'pooling'"):
        explorer.params["poling"] = "mean"
    with pytest.raises(KeyError, match="Did you mean 'pooling'"):
        cw.explore(model, PROMPT, params={"poling": "mean"})
    explorer.close()


def test_it_opens_where_it_is_asked_to(model):
    explorer = cw.explore(
        model, PROMPT, selection="1.2", query=3, key=1, height=420, title="A title", probe=False
    )
    assert at(explorer) == (1, 2) and cell(explorer) == (3, 1)
    assert explorer.frame == {"height": 420, "hide": [], "title": "A title", "caption": None}
    explorer.close()
    for wrong, error in (
        ({"query": 99}, ValueError),
        ({"query": "3"}, ValueError),
        ({"height": -3}, ValueError),
        ({"hide": ["matrx"]}, ValueError),
        ({"heigth": 300}, TypeError),
    ):
        with pytest.raises(error):
            cw.explore(model, PROMPT, probe=False, **wrong)


# --- what it shows ---


def test_the_first_screen_is_in_the_traits(explorer, model):
    text = explorer.runs["all"][0]
    assert explorer.runs["current"] == text["id"] == 0 and text["interventions"] == []
    assert text["tokens"] == list(explorer.tokens)
    assert (text["n_layers"], text["n_heads"], text["live"]) == (2, 4, True)
    assert explorer.picture["tile"]["head"] == (
        explorer.selection.layer,
        explorer.selection.head,
    )
    assert explorer.picture["next"]["position"] == explorer.selection.query
    names = [score["name"] for score in explorer.scores["scores"]]
    assert names[:3] == ["prefix_matching", "previous_token", "duplicate_token"]
    assert "text_induction" in names
    assert len(explorer.score_data) == explorer.scores["planes"] * 8 * 4


def test_the_pattern_is_the_models(explorer, model):
    tokens = explorer._session.reading.tokens.ids
    _, cache = model.run_with_cache(tokens)
    for layer in range(2):
        for head in range(4):
            truth = cache[f"blocks.{layer}.attn.hook_pattern"][0, head]
            assert torch.equal(explorer.pattern((layer, head)), truth)


def test_it_can_be_written_down(explorer):
    assert repr(explorer) == "<circuit_widgets Explorer>"


def test_a_page_that_says_what_cannot_be_is_told_what_holds(monkeypatch) -> None:
    explorer = cw.explore(cw.load_model(), "blue dog seven", selection="1.2", probe=False)
    sent = []
    monkeypatch.setattr(explorer, "_send", lambda message, buffers=None: sent.append(message))
    for wrong in ({"layer": 99, "head": -1}, {"layer": 99, "head": 0}):
        explorer.set_state({"selected_head": wrong})
        told = [m["state"] for m in sent if m["method"] == "update"][-1]["selected_head"]
        assert (told["layer"], told["head"]) == (1, 2)
        sent.clear()
    assert explorer.selection.as_head == cw.Head(1, 2)
    explorer.close()
