"""What holds of every line of the package, and no linter says."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import circuit_widgets

PACKAGE = Path(circuit_widgets.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def trees() -> list[tuple[str, ast.Module]]:
    return [
        (str(file.relative_to(PACKAGE)), ast.parse(file.read_text(encoding="utf-8")))
        for file in FILES
    ]


def functions(tree: ast.AST) -> Iterator[tuple[Function, bool]]:
    """Each function, and whether it is a method."""
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield child, isinstance(node, ast.ClassDef)


def parameters(function: Function) -> list[str]:
    given = function.args
    rest = [arg for arg in (given.vararg, given.kwarg) if arg is not None]
    return [arg.arg for arg in (*given.posonlyargs, *given.args, *given.kwonlyargs, *rest)]


def documented() -> Iterator[tuple[str, str, str, Function]]:
    """Files, names and docstrings, with the function that takes the arguments."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                made = [f for f, _ in functions(node) if f.name == "__init__"]
                if made:
                    yield file, node.name, ast.get_docstring(node) or "", made[0]
            elif isinstance(node, Function):
                yield file, node.name, ast.get_docstring(node) or "", node


def test_a_docstring_has_no_argument_that_the_function_has_not() -> None:
    wrong = []
    for file, name, words, function in documented():
        block = re.search(r"^Args:\n((?: {4}.*\n?|\n)*)", words, re.M)
        told = re.findall(r"^ {4}(\w[\w, *]*):", block[1], re.M) if block else []
        names = {each.strip(" *") for listed in told for each in listed.split(",")}
        wrong += [f"{file}: {name}: {each}" for each in names - {*parameters(function)}]
    assert wrong == []


def test_nothing_is_done_by_an_assert() -> None:
    """Under `python -O` it would not be done: no call, and no property that reads a model."""
    harmless = {"isinstance", "callable", "len", "all", "any", "hasattr", "issubclass"}
    wrong = []
    for file, tree in trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Assert):
                continue
            if isinstance(node.test, ast.Attribute):
                wrong.append(f"{file}:{node.lineno}: {ast.unparse(node.test)}")
            called = [call.func for call in ast.walk(node.test) if isinstance(call, ast.Call)]
            names = {ast.unparse(func) for func in called}
            wrong += [f"{file}:{node.lineno}: {name}" for name in names - harmless]
    assert wrong == []


def test_only_capture_touches_hooks() -> None:
    hooks = re.compile(r"\b(register_\w*hook|add_hook|run_with_hooks|reset_hooks)\b")
    wrong = [
        f"{file}: {node.attr}"
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and hooks.search(node.attr)
        and not file.startswith("capture/")
    ]
    assert wrong == []


def test_many_arguments_are_given_by_their_names() -> None:
    """Nobody sees which is which where more than ten are given by place, or eight are taken so."""
    wrong = []
    for file, tree in trees():
        for function, method in functions(tree):
            by_place = len(function.args.posonlyargs) + len(function.args.args) - method
            if by_place > 8:
                wrong.append(f"{file}: {function.name} takes {by_place} by place")
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and len(node.args) > 10:
                wrong.append(f"{file}:{node.lineno}: {ast.unparse(node.func)}")
    assert wrong == []


def test_sources_are_ones_that_a_reader_has() -> None:
    told = re.compile(r"the user's source|section 5\b", re.I)
    assert [str(file) for file in FILES if told.search(file.read_text(encoding="utf-8"))] == []
