"""Completion of a magic's line: its options, what they accept, models and tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circuit_widgets.ipython.magic import Magic

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def complete_with(shell: InteractiveShell, magic: Magic) -> None:
    """Ask this magic when its line is completed."""

    def complete(_: Any, event: Any) -> list[str]:
        return matches(magic, event.line, event.symbol)

    for key in (f"%{magic.name}", f"%%{magic.name}"):
        shell.set_hook("complete_command", complete, str_key=key)


def matches(magic: Magic, line: str, word: str) -> list[str]:
    """What the last word of a line could become."""
    before = line[: len(line) - len(word)].split()
    if word.startswith("-"):
        found = magic.parser.options()
    elif before and magic.parser.choices(before[-1]):
        found = magic.parser.choices(before[-1])
    else:
        found = magic.complete(word)
    return sorted(name for name in found if name.startswith(word))
