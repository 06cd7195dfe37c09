"""A topic is in every tree by the same word, and its names are public."""

from __future__ import annotations

import ast

import pytest

import circuit_widgets as cw
from circuit_widgets.results.topics import topics
from tests import rooms

# A topic's files; where there is one, DEVELOP.md ("Add a topic") says what is in it.
FILES = (
    "circuit_widgets/plots/{}.py",
    "circuit_widgets/wire/topics/{}.py",
    "circuit_widgets/views/{}.py",
    "js/src/views/{}.tsx",
    "js/src/styles/{}.css",
    "tests/browser/test_{}.py",
)


@pytest.mark.parametrize("topic", topics())
def test_a_topic_has_a_file_in_every_tree(topic: str) -> None:
    for file in FILES:
        name = file.format(topic)
        assert (rooms.ROOT / name).exists(), f"the topic {topic} has no {name} (see DEVELOP.md)"


def test_questions_and_results_are_public_names() -> None:
    names = {**rooms.analyses(), **rooms.results()}
    assert names and rooms.missing(names, cw.__all__, "circuit_widgets/__init__.pyi") == []


def test_names_that_are_imported_are_names_that_are_told() -> None:
    """Python reads the imports of the stub, an editor its `__all__`."""
    stub = rooms.ROOT / "circuit_widgets" / "__init__.pyi"
    told = next(
        ast.literal_eval(node.value)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    where = "`__all__` of circuit_widgets/__init__.pyi"
    assert rooms.missing(cw.__all__, told, where) == []
    assert told == sorted(cw.__all__)


def test_every_view_is_found() -> None:
    files = {file.stem for file in (rooms.ROOT / "circuit_widgets" / "views").glob("[!_]*.py")}
    assert rooms.widgets().keys() == files
    assert {*topics()} <= files
