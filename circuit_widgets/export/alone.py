"""A result on a page of its own: its view is made for the page, and closed again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from circuit_widgets.export.frames import FRAME_WISHES
from circuit_widgets.export.frames import render_static as frame
from circuit_widgets.export.pages import PAGE_WISHES, page
from circuit_widgets.results.result import Result


def to_html(
    result: Result, path: str | os.PathLike[str] | None = None, **wishes: Any
) -> str | Path:
    """`result.to_html`: wishes are those of `page`, and options of `result.view`."""
    view = result.view(**{name: wish for name, wish in wishes.items() if name not in PAGE_WISHES})
    try:
        return page(view, path, **{name: wishes[name] for name in PAGE_WISHES if name in wishes})
    finally:
        view.close()


def render_static(result: Result, **wishes: Any) -> str:
    """`result.render_static`: wishes are those of `render_static`, and options of `result.view`."""
    view = result.view(**{name: wish for name, wish in wishes.items() if name not in FRAME_WISHES})
    try:
        return frame(view, **{name: wishes[name] for name in FRAME_WISHES if name in wishes})
    finally:
        view.close()
