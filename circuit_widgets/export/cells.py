"""What a notebook's output has beside the widget: words and a picture, and a frame where asked.

GitHub, nbviewer, e-mail and screen readers run no widget; what they show is this.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from circuit_widgets import arguments
from circuit_widgets.export.frames import render_static
from circuit_widgets.export.stills import still
from circuit_widgets.widgets.heads_view import HeadsView
from circuit_widgets.widgets.result_view import ResultView
from circuit_widgets.widgets.sharing import Sharing

log = logging.getLogger("circuit_widgets")
# "1": frames with the script inside; else the address of the script.
VARIABLE = "CIRCUIT_WIDGETS_STATIC"
WIDGET = "application/vnd.jupyter.widget-view+json"


class _Wanted:
    """Whether outputs have frames, and where those find their script."""

    on: bool = False
    script: str | None = None
    widget: bool = True


def notebooks(on: bool = True, *, script: str | None = None, widget: bool = True) -> None:
    """From now on outputs have a frame too, as `text/html`, that needs no kernel.

    nbconvert, myst-nb and Quarto can show it in the widget's place, without a network. The
    environment variable CIRCUIT_WIDGETS_STATIC does the same for notebooks as they are, without the
    widget: 1, or the address of the script.

    Args:
        on: False: as before.
        script: As for `render_static`: the address of a file with the text of `script()`.
        widget: Whether outputs have the widget too. Tools that prefer it need a network to show it.

    >>> import circuit_widgets as cw
    >>> cw.export.notebooks(False)
    """
    _Wanted.on, _Wanted.script = arguments.flag("on", on), script
    _Wanted.widget = arguments.flag("widget", widget)


def share_script(on: bool = True) -> None:
    """From now on the views of this notebook share one script, so that it is saved small.

    Ten views saved with their widgets' state are under 600 kB in this way, and 1.6 MB without.
    It needs a front end with anywidget 0.11 (JupyterLab, Notebook 7, and pages of nbconvert with a
    network); in others a view says that it cannot be shown. Views that are there stay as they are.

    Args:
        on: False: each view made from now on has its script.

    >>> import circuit_widgets as cw
    >>> cw.export.share_script(False)
    """
    Sharing.on = arguments.flag("on", on)


def with_stills(
    view: HeadsView, data: dict[str, Any], metadata: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An output with its other forms, by their MIME types. It is shown whatever fails here."""
    data, metadata = dict(data), dict(metadata)
    try:
        wanted = _script()
        if wanted is not None and isinstance(view, ResultView):
            # Nothing comes later to a frame: what streams is shown when it is done.
            view.wait()
        shown = still(view, picture=getattr(view, "result", view) is not None, safe=True)
        data["text/plain"] = shown.words
        if shown.kind:
            data[shown.kind] = shown.data
        if shown.size:
            metadata[shown.kind] = dict(zip(("width", "height"), shown.size, strict=True))
        if wanted is not None:
            data["text/html"] = render_static(view, script=wanted or None)
            if not (_Wanted.on and _Wanted.widget):
                data.pop(WIDGET, None)
    except Exception as error:
        log.warning("an output has no picture: %s", error)
    return data, metadata


def _script() -> str | None:
    """The script's address, "" for inside; None: frames are not wanted."""
    if _Wanted.on:
        return _Wanted.script or ""
    said = os.environ.get(VARIABLE, "")
    return None if said in ("", "0") else "" if said == "1" else said
