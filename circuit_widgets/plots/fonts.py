"""Letters that matplotlib's font lacks: another font has them, or a word on what to install."""

from __future__ import annotations

import functools
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.font_manager import findSystemFonts, fontManager

log = logging.getLogger("circuit_widgets")
# Fonts that have Chinese, Japanese or Korean glyphs, which the font of matplotlib lacks.
_WIDE = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC"),
    *("PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "SimHei", "Yu Gothic", "Malgun Gothic"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS"),
)
_LACKED = re.compile(r"Glyph (\d+) ")
# Letters that somebody has been told of: a notebook's figures have the same ones again and again.
_told: set[str] = set()


@functools.cache
def wide_fonts() -> tuple[str, ...]:
    """The first of these fonts that this machine has, if any: for glyphs that the others lack."""
    found = _known()
    if not found:
        _look_again()
        found = _known()
    return found[:1]


def _known() -> tuple[str, ...]:
    here = {font.name for font in fontManager.ttflist}
    return tuple(name for name in _WIDE if name in here)


def _look_again() -> None:
    """Matplotlib keeps a list of fonts in a file: one that was installed since is not in it."""
    known = {font.fname for font in fontManager.ttflist}
    for path in findSystemFonts():
        if path in known:
            continue
        try:
            fontManager.addfont(path)
        except Exception as error:  # Each kind of broken font has its own.
            log.debug("matplotlib cannot read %s: %s", path, error)


@contextmanager
def one_word_on_glyphs() -> Iterator[None]:
    """While a figure is painted: one warning of all letters that no font has, with what helps.

    Matplotlib warns of each letter, and never says what to do.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", message=_LACKED.pattern)
        yield
    lacked: list[str] = []
    for one in caught:
        if found := _LACKED.match(str(one.message)):
            lacked.append(chr(int(found[1])))
        else:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if new := [letter for letter in dict.fromkeys(lacked) if letter not in _told]:
        _told.update(new)
        warnings.warn(_said(new), UserWarning, stacklevel=3)


def _said(letters: list[str]) -> str:
    more = "" if len(letters) <= 12 else f" and {len(letters) - 12} more"
    return (
        f"no font of this figure has {''.join(letters[:12])}{more}: it has boxes in their place. "
        "For Chinese, Japanese and Korean install Noto Sans CJK (Debian and Ubuntu: apt install "
        "fonts-noto-cjk) and restart the kernel; another font by its name: "
        'matplotlib.rcParams["font.family"] = ["DejaVu Sans", "its name"]'
    )
