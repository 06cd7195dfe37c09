"""A magic's line: its words and its options, as argparse knows them, with sentences for errors."""

from __future__ import annotations

import argparse
import difflib
import re
import shlex
from collections.abc import Callable
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

WORDS = "words"


class Parser(MagicArgumentParser):
    """Options of one magic. What was not given is not in the answer."""

    def __init__(self, magic: str, about: str, words: str = "") -> None:
        super().__init__(
            prog=magic, description=about, argument_default=argparse.SUPPRESS, add_help=False
        )
        # Abbreviations would change their meaning with the next option there is.
        self.allow_abbrev = False
        if words:
            self.add_argument(WORDS, nargs="*", default=[], metavar=words)

    def read(self, line: str) -> dict[str, Any]:
        """Options by name, and the words that are none.

        Raises:
            UsageError: An option that there is not, or a value that is not accepted.
        """
        found, rest = self.parse_known_intermixed_args(_split(line))
        if rest:
            self._refuse(rest[0])
        return vars(found)

    def options(self) -> list[str]:
        """All of them, as they are written."""
        return [name for action in self._actions for name in action.option_strings]

    def choices(self, option: str) -> list[str]:
        """What an option accepts, where that is a list."""
        action = self._option_string_actions.get(option)
        return [str(choice) for choice in (action.choices or ())] if action else []

    def error(self, message: str) -> NoReturn:
        """Argparse's sentence, begun with the magic's name."""
        raise UsageError(f"%{self.prog}: {message.removeprefix('argument ')}")

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            raise UsageError(f"%{self.prog} takes no text, and got {word!r}")
        option, _, _ = word.partition("=")
        close = difflib.get_close_matches(option, self.options(), n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise UsageError(
            f"%{self.prog} has no option {option}.{hint} `%{self.prog}?` lists what it takes"
        )


def _split(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True)
    # A backslash is a folder's on Windows, and # no comment.
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise UsageError(
            "a quotation mark of the line has no partner; a text with one goes into the cell, "
            "below %% and the magic's name"
        ) from None


def described(documentation: str) -> dict[str, str]:
    r"""What the `Args:` of a docstring say, by argument.

    >>> described("Do it.\n\nArgs:\n    one: First.\n    two: Second,\n        and more.\n")
    {'one': 'First.', 'two': 'Second, and more.'}
    """
    _, _, section = documentation.partition("Args:\n")
    section = re.split(r"\n\s*\n", section)[0]
    if not section.strip():
        return {}
    indent = len(section) - len(section.lstrip())
    entry = re.compile(rf"^ {{{indent}}}\**(\w+): ", re.M)
    parts = entry.split(section)
    return {
        name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)
    }


def values(what: str, convert: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """A list with commas."""

    def read(text: str) -> list[Any]:
        return [convert(part.strip()) for part in text.split(",") if part.strip()]

    return _named(read, what)


def one_or_values(what: str, convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """A value, or a list with commas."""

    def read(text: str) -> Any:
        found = values(what, convert)(text)
        return found[0] if len(found) == 1 else found

    return _named(read, what)


def pairs(what: str, convert: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    """NAME=VALUE, with commas."""

    def read(text: str) -> dict[str, Any]:
        found = (part.partition("=") for part in text.split(",") if part.strip())
        return {name.strip(): convert(value) for name, _, value in found}

    return _named(read, what)


def value(text: str) -> Any:
    """A number if it looks like one, else the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def variable(text: str) -> str:
    """A name that Python accepts."""
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a variable")
    return text


def _named(read: Callable[[str], Any], what: str) -> Callable[[str], Any]:
    """With a sentence for what it does not accept."""

    def accepted(text: str) -> Any:
        try:
            return read(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}") from None

    return accepted
