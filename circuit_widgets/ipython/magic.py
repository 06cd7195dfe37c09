"""What every magic is: its line and its cell are read, and `?` shows what it takes."""

from __future__ import annotations

import functools
from typing import Any, ClassVar, Literal

from IPython.core.error import UsageError

from circuit_widgets.ipython.parsing import WORDS, Parser
from circuit_widgets.ipython.user import User


class Magic:
    """Called by IPython with the line, and with the cell below it where it is a cell magic."""

    kind: ClassVar[Literal["line", "line_cell"]] = "line_cell"
    name: str

    def __init__(self, user: User) -> None:
        self.user = user
        # IPython looks for a function's name.
        self.__name__ = self.name

    def __call__(self, line: str, cell: str | None = None) -> Any:
        """Run it.

        Raises:
            UsageError: What was wrong, in a sentence.
        """
        asked = self.parser.read(line)
        return self.run(asked.pop(WORDS, []), asked, cell)

    @functools.cached_property
    def parser(self) -> Parser:
        """Its options; made when they are asked for, because they may import torch."""
        return self.make_parser()

    def getdoc(self) -> str:
        """What `?` shows (IPython's protocol)."""
        return self.parser.format_help().rstrip()

    def make_parser(self) -> Parser:
        """The parser of its line."""
        raise NotImplementedError

    def run(self, words: list[str], asked: dict[str, Any], cell: str | None) -> Any:
        """Do it: the words of the line, its options by name, and the cell."""
        raise NotImplementedError

    def complete(self, word: str) -> list[str]:
        """What a word of the line could be, besides options."""
        return []

    def text(self, words: list[str], cell: str | None) -> str:
        """The cell's text, or the words of the line.

        Raises:
            UsageError: There is text in both.
        """
        below = "" if cell is None else cell.strip("\n")
        if words and below.strip():
            raise UsageError(
                f"%%{self.name} got a text on its line and another one in its cell; "
                "accepted is one of them"
            )
        return below if below.strip() else " ".join(words)
