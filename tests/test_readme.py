"""The README in Chinese says what the English one says: the same code, the same questions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _readme(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _code(text: str) -> str:
    """The Python of a README without its comments and without what is written for people."""
    [code] = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    return re.sub(r"title='[^']*'", "", ast.unparse(ast.parse(code)))


def _asked(text: str) -> list[str]:
    """The first column of the table of questions: calls, in their order."""
    rows = re.findall(r"^\| (`.*?) \| ", text, flags=re.MULTILINE)
    return [call for row in rows for call in re.findall(r"`(.+?)`", row)]


def test_the_code_is_the_same() -> None:
    assert _code(_readme("README.zh.md")) == _code(_readme("README.md"))


def test_the_questions_are_the_same() -> None:
    asked = _asked(_readme("README.md"))
    assert len(asked) > 10 and _asked(_readme("README.zh.md")) == asked
