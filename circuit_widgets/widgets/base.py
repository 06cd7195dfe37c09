"""What every view shares: its bundle, its wire, and how it comes and goes."""

from __future__ import annotations

import difflib
import functools
import logging
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from circuit_widgets.widgets.sharing import Sharing

log = logging.getLogger("circuit_widgets")
STATIC = Path(__file__).parents[1] / "static"


def bundle(name: str) -> str:
    """The built script of a view; a sentence instead of a blank widget where it is missing."""
    path = STATIC / f"{name}.js"
    if not path.exists():
        raise FileNotFoundError(
            f"the view {name!r} has not been built: run `make js` in the source folder, "
            "or install circuit_widgets from a wheel, which brings the built views"
        )
    return _text(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=32)
def _text(path: Path, changed: int) -> str:
    # One string for all views of a kind.
    return path.read_text(encoding="utf-8")


class View(anywidget.AnyWidget):
    """A widget that answers while the kernel is busy, and that can be shown again after closing."""

    _bundle = ""

    def __init__(self, **kwargs: Any) -> None:
        self._esm = (
            Sharing.loader(self._bundle, lambda: bundle("page"))
            if Sharing.on
            else bundle(self._bundle)
        )
        # In an HBox a view without a width has none: its canvases take what there is.
        kwargs.setdefault("layout", {"width": "100%", "min_width": "0"})
        super().__init__(**kwargs)
        self.on_msg(lambda _, content, buffers: self._receive(content, buffers))

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """What the page says of its traits; where that is not accepted, it is told what holds.

        ipywidgets sends the page's own words back before it looks at them, so that a page which
        says what cannot be would go on showing it.
        """
        try:
            super().set_state(sync_data)
        except traitlets.TraitError as error:
            log.info("what the page says is not accepted: %s", error)
            self.send_state([name for name in sync_data if name in self.keys])

    def _receive(self, content: object, buffers: list[memoryview]) -> None:
        """A custom message of the front end."""

    @traitlets.observe("comm")
    def _keep_the_front_ends_route(self, change: Any) -> None:
        """Answer on the thread the front end chose, not on the one that last sent something.

        JupyterLab sends comm messages on a subshell, so that they are handled while a cell runs.
        ipykernel 7 sends a message to the shell that last published on its comm instead: after a
        cell has touched the widget, a click would wait for the end of that cell. Comms of other
        versions have no such method and are left alone.
        """
        comm = change["new"]
        if comm is not None and hasattr(comm, "_reply_subshell_for"):
            comm._reply_subshell_for = lambda data, default: default

    def open(self) -> None:
        """Open the wire to the front end; a closed view can be opened again."""
        if self.comm is None:
            # ipywidgets forbids showing a closed widget by setting this on the instance.
            vars(self).pop("_repr_mimebundle_", None)
            for part in self._parts():
                part.open()
            super().open()

    def close(self) -> None:
        """Release the front end's side. Showing the view again opens it again."""
        if self.comm is None:
            return
        super().close()
        for part in self._parts():
            part.close()
        vars(self).pop("_repr_mimebundle_", None)

    def _parts(self) -> list[Any]:
        """The widgets that ipywidgets makes for a widget, with comms of their own."""
        return [self.layout] if self.trait_has_value("layout") else []

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self.open()
        return super()._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        return f"<circuit_widgets {type(self).__name__}>"


def unknown_keyword(callee: str, name: str, accepted: list[str]) -> str:
    """The sentence for a keyword that is not known."""
    close = difflib.get_close_matches(name, accepted, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{callee} has no option {name!r}.{hint} It takes {', '.join(accepted)}."


def refuse_unknown(callee: str, kwargs: dict[str, Any], accepted: list[str]) -> None:
    """Raise TypeError for the first keyword that is left over."""
    for name in kwargs:
        raise TypeError(unknown_keyword(callee, name, accepted))


@functools.cache
def _shown_by_cell() -> dict[str, tuple[object, list[View]]]:
    return {}


def replace_earlier(view: View) -> None:
    """Close what an earlier run of the same notebook cell has shown.

    Running a cell again replaces its output, but the old view's comm, model hooks and buffers would
    stay until the kernel ends. Views that one run of a cell makes stay together.
    """
    cell, run = _cell_and_run()
    if cell is None:
        return
    shown = _shown_by_cell()
    known_run, views = shown.get(cell, (run, []))
    if known_run != run:
        for old in views:
            old.close()
        views = []
    shown[cell] = (run, [*views, view])


def _cell_and_run() -> tuple[str | None, object]:
    """The notebook cell that is being executed, and which of its runs; (None, None) elsewhere."""
    try:
        from IPython.core.getipython import get_ipython

        parent = get_ipython().kernel.get_parent("shell")  # type: ignore[union-attr]
        return parent["metadata"].get("cellId"), parent["header"]["msg_id"]
    except (ImportError, AttributeError, KeyError, TypeError):
        return None, None
