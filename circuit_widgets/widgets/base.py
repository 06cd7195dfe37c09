"""What every view shares: its bundle, its wire, and how it comes and goes."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import anywidget
import traitlets

STATIC = Path(__file__).parents[1] / "static"


def bundle(name: str) -> Path:
    """The built script of a view; a sentence instead of a blank widget where it is missing."""
    path = STATIC / f"{name}.js"
    if not path.exists():
        raise FileNotFoundError(
            f"the view {name!r} has not been built: run `make js` in the source folder, "
            "or install circuit_widgets from a wheel, which brings the built views"
        )
    return path


class View(anywidget.AnyWidget):
    """A widget that answers while the kernel is busy, and that can be shown again after closing."""

    _bundle = ""

    def __init__(self, **kwargs: Any) -> None:
        known = self.trait_names()
        for name in kwargs:
            if name not in known:
                raise TypeError(unknown_keyword(type(self).__name__, name, self._public_names()))
        self._esm = bundle(self._bundle).read_text(encoding="utf-8")
        super().__init__(**kwargs)
        self.on_msg(lambda _, content, buffers: self._receive(content, buffers))

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

    def close(self) -> None:
        """Release the front end's side. Showing the view again opens it again."""
        if self.comm is not None:
            self.layout.close()
        super().close()
        # ipywidgets forbids showing a closed widget by setting this on the instance.
        self.__dict__.pop("_repr_mimebundle_", None)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        if self.comm is None:
            self.layout.open()
            self.open()
        return super()._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        return f"<circuit_widgets {type(self).__name__}>"

    def _public_names(self) -> list[str]:
        return [name for name in self.class_own_traits() if not name.startswith("_")]


def unknown_keyword(callee: str, name: str, accepted: list[str]) -> str:
    """The sentence for a keyword that is not known."""
    close = difflib.get_close_matches(name, accepted, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{callee} has no option {name!r}.{hint} Accepted: {', '.join(sorted(accepted))}."
