r"""Tokens that are parts of one character, shown as that character and which part each is.

Byte-level tokenizers cut most characters of Chinese, and nearly all emoji, into two to four tokens.
The bytes of one are no text: alone each shows as "\xe8", and nobody can read that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")
# A character has at most four bytes, and a token begins and ends inside of one at most.
LONGEST = 4


def in_characters(strings: Sequence[str]) -> tuple[str, ...]:
    r"""Tokens as text, in order; parts of a character as the character and the part's number.

    Parts that make no whole character stay as they are.

    >>> in_characters(["a", r"\xe8", r"\x93", r"\x9d", " b", r" \xf0\x9f", r"\x90\xb6", r"\xe8"])
    ('a', '蓝⟨1/3⟩', '蓝⟨2/3⟩', '蓝⟨3/3⟩', ' b', ' 🐶⟨1/2⟩', '🐶⟨2/2⟩', '\\xe8')
    """
    shown: list[str] = []
    while len(shown) < len(strings):
        shown += _character(strings[len(shown) : len(shown) + LONGEST])
    return tuple(shown)


def in_text(strings: Sequence[str]) -> str:
    r"""The text that tokens make; bytes that are no whole character stay written out.

    >>> in_text(["a", r"\xe8", r"\x93", r"\x9d", r"\xe8"])
    'a蓝\\xe8'
    """
    text = ""
    while strings:
        parts = _character(strings[:LONGEST])
        text += parts[0] if len(parts) == 1 else parts[0].rpartition("⟨")[0]
        strings = strings[len(parts) :]
    return text


def shown_after(show: Callable[[int], str], before: Sequence[int], id: int) -> str:
    r"""What a token shows as that may follow others; `show` is what each shows as alone.

    >>> show = ["a", r"\xe8", r"\x93", r"\x9d"].__getitem__
    >>> shown_after(show, [0, 1, 2], 3), shown_after(show, [0], 3)
    ('蓝⟨3/3⟩', '\\x9d')
    """
    return in_characters([show(each) for each in (*before[1 - LONGEST :], id)])[-1]


def escaped(token: str) -> str:
    r"""A token in a line: line breaks and what is not seen as escapes, bytes as they are.

    `repr` would write the backslash of a byte that is written out a second time.

    >>> print(escaped("\n"), escaped(r"\xe8"), escaped("it's"))
    \n \xe8 it's
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in token
    )


def quoted(token: str) -> str:
    r"""A token in a sentence, in quotes that it does not have.

    >>> print(quoted(" dog"), quoted("it's"), quoted(r"\xe8"))
    ' dog' "it's" '\xe8'
    """
    mark = '"' if "'" in token and '"' not in token else "'"
    return f"{mark}{escaped(token)}{mark}"


def _character(strings: Sequence[str]) -> list[str]:
    """The first token as text, or all tokens of the character that it begins."""
    for n in range(2, len(strings) + 1) if _BYTE.search(strings[0]) else ():
        text = _text("".join(strings[:n]))
        if text is not None:
            bare = text.lstrip()
            before = text[: len(text) - len(bare)]
            return [f"{'' if part else before}{bare}⟨{part + 1}/{n}⟩" for part in range(n)]
    return [strings[0]]


def _text(shown: str) -> str | None:
    """The text of bytes that are written out between others; None: no whole characters."""
    pieces = _BYTE.split(shown)
    data = b"".join(
        bytes.fromhex(piece) if i % 2 else piece.encode("utf-8") for i, piece in enumerate(pieces)
    )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
