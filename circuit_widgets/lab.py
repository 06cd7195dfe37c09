"""What JupyterLab's extension asks of a kernel: the page of a saved result, or why there is none.

The file is read by `circuit_widgets.load`, which runs nothing of it.
"""

from __future__ import annotations

from typing import Any

MIME = "application/vnd.circuit-widgets.page+json"


def show(path: str, *, dark: bool = False) -> None:
    """Show a saved result's page as an output of `MIME`, which the extension reads.

    Args:
        path: Of the file.
        dark: Whether JupyterLab's theme is.
    """
    from IPython.display import display

    display({MIME: told(path, dark=dark), "text/plain": path}, raw=True)


def told(path: str, *, dark: bool = False) -> dict[str, Any]:
    """`page`, the text of an HTML page, or `error`, a sentence."""
    from circuit_widgets.results import load

    try:
        return {"page": load(path).to_html(theme="dark" if dark else "light")}
    except (OSError, ValueError, ImportError) as error:
        sentence = str(error)
        return {"error": f"{sentence[:1].upper()}{sentence[1:].removesuffix('.')}."}
