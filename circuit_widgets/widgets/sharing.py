"""One script for all widgets of a notebook, held by a widget that shows nothing.

Each view carries its script in its state (120 to 160 kB): a front end imports every widget's module
by itself. With anywidget 0.11 a module may ask for another widget by its id, and use what its
`initialize` gave: the script is then in the notebook once, and a view carries a few lines.
"""

from __future__ import annotations

import base64
import threading
import zlib
from typing import Any

import anywidget
import traitlets

# The bundle is a script that leaves one variable; with a line more it is a module.
_HOLDER = """export default {
  async initialize({ model }) {
    const packed = Uint8Array.from(atob(model.get("packed")), (letter) => letter.charCodeAt(0));
    const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const text = await new Response(plain).text();
    const code = new Blob([text, "\\nexport const { modules } = circuitWidgets;"],
      { type: "text/javascript" });
    const url = URL.createObjectURL(code);
    try {
      return { modules: (await import(url)).modules };
    } finally {
      URL.revokeObjectURL(url);
    }
  },
};"""
# What is the widget's own lives as long as it does, and not as its first output.
_LOADER = """let life;
export default {
  initialize({ signal }) { life = signal; },
  async render({ model, el, signal, host }) {
    if (typeof host?.getWidget !== "function") {
      el.textContent = "This front end does not let widgets share a script. "
        + "Run circuit_widgets.export.share_script(False), then the cell again.";
      return;
    }
    const { exports } = await host.getWidget("anywidget:ID");
    const view = exports.modules["NAME"];
    view.initialize({ model, signal: life ?? signal });
    return view.render({ model, el, signal });
  },
};"""
_lock = threading.Lock()


def packed(text: str | bytes) -> str:
    """Deflated, in base64."""
    data = text.encode() if isinstance(text, str) else text
    return base64.b64encode(zlib.compress(data, 9)).decode()


class _Holder(anywidget.AnyWidget):
    """Holds the script; shown nowhere."""

    packed = traitlets.Unicode("").tag(sync=True)
    _esm = _HOLDER


class Sharing:
    """Whether views made from now on share one script."""

    on: bool = False
    _holder: _Holder | None = None

    @classmethod
    def loader(cls, name: str, script: Any) -> str:
        """The module of a view that finds its script elsewhere; `script` gives all views' one."""
        with _lock:
            if cls._holder is None or cls._holder.comm is None:
                cls._holder = _Holder(packed=packed(script()))
            id = cls._holder.model_id
        return _LOADER.replace("ID", str(id)).replace("NAME", name)
