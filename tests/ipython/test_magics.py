"""Magics as far as they need no kernel: what they take, what they call, what they say."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from IPython.core.error import UsageError

import circuit_widgets as cw
from circuit_widgets.ipython.asking import Ask, Explore
from circuit_widgets.ipython.choosing import Circuits
from circuit_widgets.ipython.completion import matches
from circuit_widgets.ipython.options import VIEW
from circuit_widgets.ipython.questions import QUESTIONS
from circuit_widgets.ipython.user import User
from tests import rooms

# They take what a line cannot name: recipes of models, a case.
FOR_PYTHON = {"analyze_cross_model_stability", "diagnose_circuit_failure"}
TEXT = "blue dog seven river blue dog"


class Shell:
    """As much of a shell as a magic sees."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}

    def push(self, named: dict[str, Any]) -> None:
        self.user_ns |= named


@pytest.fixture
def user() -> User:
    return User(Shell(), cw.load_model(), {"name": None, "seed": None})  # type: ignore[arg-type]


def magic(user: User, name: str) -> Ask:
    return Ask(next(q for q in QUESTIONS if q.magic == name), user)


def test_every_analysis_has_a_magic() -> None:
    known = {question.analysis for question in QUESTIONS} | FOR_PYTHON
    assert rooms.missing(rooms.analyses(), known, "QUESTIONS of ipython/questions.py") == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.magic)
def test_options_are_the_arguments(user, question) -> None:
    """All that have a default which a word can say; each with what the docstring says of it."""
    asked = Ask(question, user)
    options, taken = asked.parser.options(), inspect.signature(asked.analysis).parameters
    assert question.argument in ("", *taken)
    for name, parameter in taken.items():
        if isinstance(parameter.default, (bool, int, float, str)) and name != question.argument:
            assert f"--{name.replace('_', '-')}" in options
    assert {f"--{name}" for name in VIEW} <= set(options)
    for action in asked.parser._actions:
        assert action.help or action.dest == "words", action.dest
    assert f"circuit_widgets.{question.analysis}" in asked.getdoc()


def test_a_magic_is_the_call(user) -> None:
    called = cw.trace_information_flow(user.model, TEXT, position=4, paths=3, progress=False)
    shown = magic(user, "flow")("--position 4 --paths 3 --no-progress --to kept", TEXT + "\n")
    assert shown == called
    assert user.shell.user_ns["kept"] is shown
    same = magic(user, "flow")(f"--position 4 {TEXT} --paths 3 --no-progress")
    assert same == called


def test_options_of_the_view_open_it(user) -> None:
    line = "--height 400 --title 'Two words' --selection 0.1 --params flow.least=0.05 --no-progress"
    shown = magic(user, "flow")(line, TEXT)
    assert shown.frame["height"] == 400 and shown.frame["title"] == "Two words"
    assert shown.selection.as_head == cw.Head(0, 1) and shown.params["flow.least"] == 0.05
    shown.close()
    explorer = Explore(user)("--selection 1.2 --no-probe --first hide", TEXT)
    assert explorer.tokens[1:] == tuple(TEXT.split()) and explorer.params["first"] == "hide"
    explorer.close()


def test_a_stream_fills_in(user) -> None:
    shown = magic(user, "induction")("--stream --n-sequences 4")
    assert shown.wait(60) and shown.result.provenance.complete
    shown.close()


def test_prompts_are_lines_and_tasks_are_names(user) -> None:
    lines = "blue dog seven blue dog\n\nred cat two red cat\n"
    result = magic(user, "coordination")("--pairs 0 --n-permutations 20 --no-progress", lines)
    prompts = [line for line in lines.split("\n") if line]
    assert result == cw.analyze_head_coordination(
        user.model, prompts, pairs=0, n_permutations=20, progress=False
    )
    several = magic(user, "attribution")("--lines --no-progress", lines)
    assert several == cw.attribute_logits(user.model, prompts, progress=False)
    quick = "--random 2 --check 4 --no-progress"
    circuit = magic(user, "circuit")(f"repeated_tokens --n 12 {quick}")
    user.shell.user_ns["mine"] = cw.Task.repeated_tokens(user.model, n=12)
    assert magic(user, "circuit")(f"mine {quick}") == circuit


def test_the_model_is_a_name_or_a_variable(user, capsys) -> None:
    circuits = Circuits(user)
    circuits("toy-induction --seed 1 --to second")
    assert "2 layers of 4 heads" in capsys.readouterr().out
    second = user.shell.user_ns["second"]
    user.choose(None)
    circuits("second")
    assert user.model is second
    user.shell.user_ns["name"] = "toy-induction"
    circuits("name --dtype float64")
    assert str(user.model.cfg.dtype) == "torch.float64"
    assert User(user.shell).the_model().cfg.n_heads == 4
    assert "sets another model" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("circuits", "toy-inducton", r"no model 'toy-inducton'\. Did you mean 'toy-induction'"),
        ("circuits", "three", "'three' holds 3; accepted is a model"),
        ("circuits", "toy-induction --seed x", "'x' is not a whole number"),
        ("circuits", "gpt2 --tokenizer nothing", "no variable 'nothing'"),
        ("circuits", "--seed 1", "no model that it is for"),
        ("flow", "", "%flow needs a text"),
        ("flow", "blue dog --heigth 3", "no option --heigth. Did you mean --height"),
        ("flow", "blue dog --position 99", "position is 99; accepted is a whole number"),
        ("flow", "blue dog --selection 9.9", "9.9"),
        ("flow", "blue don't", "a quotation mark of the line has no partner"),
        ("flow", "blue dog --to 3x", "'3x' is no name of a variable"),
        ("influence", "blue dog --metric lgop", "'lgop'.*'logp'"),
        ("induction", "blue dog", "takes no text"),
        ("circuit", "iou", "'iou' is none. Did you mean 'ioi'"),
        ("circuit", "", "needs a task"),
        ("explore", "", "needs a text"),
        ("explore", "blue dog --score nothing", "score is 'nothing'"),
    ],
)
def test_errors_are_sentences(user, name, line, said) -> None:
    user.shell.user_ns["three"] = 3
    others = {"circuits": Circuits, "explore": Explore}
    asked = others[name](user) if name in others else magic(user, name)
    model = user.model
    with pytest.raises(UsageError, match=said):
        asked(line)
    assert user.model is model
    assert not any(point.has_hooks() for point in model.hook_dict.values())


def test_a_text_on_the_line_and_another_in_the_cell(user) -> None:
    with pytest.raises(UsageError, match="accepted is one of them"):
        magic(user, "flow")("blue dog", "blue dog")


def test_stability_is_of_the_zoo(user) -> None:
    user.chosen = {"name": "HuggingFaceTB/SmolLM2-135M", "seed": None}
    with pytest.raises(UsageError, match="toy-induction"):
        magic(user, "stability")("repeated_tokens")


def test_completion(user) -> None:
    user.shell.user_ns["toy_of_mine"] = user.model
    circuits = Circuits(user)
    assert matches(circuits, "%circuits toy", "toy") == ["toy-induction", "toy_of_mine"]
    assert matches(circuits, "%circuits x --dt", "--dt") == ["--dtype"]
    assert matches(circuits, "%circuits x --dtype flo", "flo")[0] == "float16"
    assert matches(magic(user, "circuit"), "%circuit io", "io") == ["ioi"]
    influence = magic(user, "influence")
    assert matches(influence, "%%influence --metric k", "k") == ["kl"]
