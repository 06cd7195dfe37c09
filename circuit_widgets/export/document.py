"""The text of a page: HTML around what the script reads. Texts of a user are text, never HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from circuit_widgets.export.script import BOOT, SHEET, packed_script, policy
from circuit_widgets.export.stills import Still
from circuit_widgets.results.provenance import versions

Theme = Literal["auto", "light", "dark"]
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class Section:
    """One view of a page.

    Attributes:
        label: What it is, for who does not see it.
        state: Its traits, deflated, in base64.
        tiles: Its heads' matrices, as `state`; "" where there are none.
        still: In words and as a picture, where no script runs.
        note: What is not on the page; "" where all is.
    """

    label: str
    state: str
    tiles: str
    still: Still
    note: str

    def html(self) -> str:
        """As the script finds it. Base64 has no character that means something in HTML."""
        tiles = f'\n<script type="text/plain" data-cw-tiles>{self.tiles}</script>'
        return (
            f'<section aria-label="{escape(self.label)}">\n<div data-cw-view>\n'
            f"<figure data-cw-still>{self._picture()}"
            f"<figcaption><pre>{escape(self.still.words)}</pre></figcaption></figure>\n"
            f'<script type="text/plain" data-cw-state>{self.state}</script>'
            f"{tiles if self.tiles else ''}\n</div>\n"
            + (f'<p class="note">{escape(self.note)}</p>\n' if self.note else "")
            + "</section>"
        )

    def _picture(self) -> str:
        if not self.still.kind:
            return ""
        said = self.still.words.split("\n")[0]
        return f'<img alt="{escape(said)}" src="{self.still.address}">'


def document(
    title: str,
    sections: Sequence[Section],
    *,
    heading: bool = True,
    theme: Theme = "auto",
    framed: bool = False,
    address: str | None = None,
) -> str:
    """The whole page.

    Args:
        title: Of the page, for the browser's tab, and above the views with `heading`.
        sections: Its views.
        heading: Whether the title is shown.
        theme: "auto": as the reader's system, or the page around the frame, says.
        framed: Without a margin of its own.
        address: Of the script, where it is a file of its own.
    """
    meta = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="circuit_widgets {versions()["circuit_widgets"]}">',
    ]
    if address is None:
        # Even where the site says nothing: no network, and no script but these two texts.
        allowed = f"default-src 'none'; {policy()}; base-uri 'none'; form-action 'none'"
        meta.insert(1, f'<meta http-equiv="Content-Security-Policy" content="{escape(allowed)}">')
        scripts = (
            f'<script type="text/plain" data-cw-bundle>{packed_script()}</script>\n'
            f"<script>{BOOT}</script>"
        )
    else:
        scripts = f'<script src="{escape(address)}"></script>'
    set_theme = "" if theme == "auto" else f' data-theme="{theme}"'
    above = f"<h1>{escape(title)}</h1>\n" if heading and title else ""
    head = "\n".join([*meta, f"<title>{escape(title)}</title>", f"<style>{SHEET}</style>"])
    views = "\n".join(section.html() for section in sections)
    main = '<main class="framed">' if framed else "<main>"
    return (
        f'<!doctype html>\n<html lang="en"{set_theme}>\n<head>\n{head}\n</head>\n<body>\n'
        f"{main}\n{above}{views}\n</main>\n{scripts}\n</body>\n</html>\n"
    )
