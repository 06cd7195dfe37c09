"""Every package that ours imports is asked for, with a lower bound that is tested."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata

import pytest

from tests import rooms

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((rooms.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Rooms that say which extra they need.
EXTRAS = {"testing": "testing"}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(extra: str | None = None) -> set[str]:
    """Names of the packages that are asked for."""
    asked = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    return {plain(re.split(r"[<>=\[; ]", line)[0]) for line in asked}


def imported() -> set[tuple[str, str]]:
    """The room and the module of every import."""
    found = set()
    for path in (rooms.ROOT / "circuit_widgets").rglob("*.py"):
        room = path.relative_to(rooms.ROOT / "circuit_widgets").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {(room, alias.name.split(".")[0]) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                found.add((room, node.module.split(".")[0]))
    own = {*sys.stdlib_module_names, "circuit_widgets"}
    return {(room, module) for room, module in found if module not in own}


def test_what_is_imported_is_asked_for() -> None:
    packages = metadata.packages_distributions()
    missing = []
    for room, module in sorted(imported()):
        known = required() | (required(EXTRAS[room]) if room in EXTRAS else set())
        # ipykernel brings jupyter_client.
        owners = {plain(name) for name in packages.get(module, [module])}
        if not owners & (known | {"jupyter-client"}):
            missing.append(f"{room} imports {module}")
    assert missing == []


@pytest.mark.parametrize("extra", [None, "dask", "testing"])
def test_lower_bounds_are_those_that_are_tested(extra) -> None:
    asked = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    lines = (rooms.ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    pinned = {plain(name): version for name, _, version in (line.partition("==") for line in lines)}
    for line in asked:
        name, _, least = line.partition(">=")
        if plain(name) in pinned and least:
            bound = least.split(".")
            assert pinned[plain(name)].split(".")[: len(bound)] == bound, line
        else:
            assert plain(name) in pinned and least, f"{line} has no lower bound that is tested"
