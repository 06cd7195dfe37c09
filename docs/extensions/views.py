"""The one script that all views of a page share; see `CIRCUIT_WIDGETS_STATIC` in conf.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def put_script(app: Any) -> None:
    """Write it where the pages look for it."""
    from circuit_widgets import export

    folder = Path(app.outdir) / "_static"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "circuit_widgets.js").write_text(export.script(), encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Sphinx calls this."""
    app.connect("builder-inited", put_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
