"""A view as an iframe for pages of others: all of it is in an attribute, nothing is served."""

from __future__ import annotations

from html import escape
from typing import Any

from circuit_widgets import arguments
from circuit_widgets.export.document import document
from circuit_widgets.export.fitting import render
from circuit_widgets.export.wishes import title_of, views_of, wish

FRAME_WISHES = ("budget", "height", "script", "bake", "picture")
# Where the page around a frame runs no script, the frame is so high, and scrolls.
_HEIGHT = {"explorer": 640}
_OTHERS = 760
# In the page around it. The frame has no origin of its own to check (a sandboxed `srcdoc` is of
# none): what counts is that the message comes from this frame's window, and it is one number.
LISTENER = """(() => {
  const frame = document.currentScript?.previousElementSibling;
  if (!frame) return;
  const background = (node) => {
    for (; node; node = node.parentElement) {
      const rgb = getComputedStyle(node).backgroundColor.match(/[\\d.]+/g)?.map(Number);
      if (rgb && (rgb.length < 4 || rgb[3] > 0.5)) return rgb;
    }
    return null;
  };
  let dark = null;
  const tell = () => {
    const rgb = background(frame);
    const now = rgb && 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2] < 110;
    if (rgb === null || now === dark) return;
    dark = now;
    frame.contentWindow.postMessage({ circuit_widgets: "theme", dark }, "*");
  };
  addEventListener("message", ({ source, data }) => {
    if (source !== frame.contentWindow || data?.circuit_widgets !== "height") return;
    const height = Number(data.height);
    if (height > 0 && height < 20000) frame.style.height = `${Math.ceil(height)}px`;
    tell();
  });
  const observer = new MutationObserver(tell);
  for (const node of [document.documentElement, document.body])
    observer.observe(node, { attributes: true });
})();"""


def render_static(
    view: Any,
    *,
    budget: int | str = "300 kB",
    height: int | None = None,
    script: str | None = None,
    bake: Any = None,
    picture: bool = False,
) -> str:
    """A view as HTML for a page of somebody else's: an iframe, and a few lines that fit its height.

    The frame is sandboxed: it has no origin (unless its script is a file of the site), reaches
    nothing of the page around it, and loads nothing. Where the page around it strips scripts, the
    frame keeps its first height and scrolls.

    Args:
        view: `explore(...)`, `result.view(...)`, or a result.
        budget: Bytes of the page in the frame, without the script if that is a file of its own.
        height: In px, before the frame says what it needs; None is what suits the view.
        script: Address of a file with the text of `script()`, for a site with many frames. None:
            the frame has the script inside, about 150 kB.
        bake: As for `page`.
        picture: Whether there is a still picture for where no script runs.

    Raises:
        ValueError: The budget has no room for one head, or an argument is not known.

    >>> import circuit_widgets as cw
    >>> cw.export.render_static(cw.explore(cw.load_model(), "blue dog"))[:16]
    '<iframe sandbox='
    """
    with views_of([view]) as [shown]:
        asked = wish([shown], budget=budget, bake=bake, link=True, picture=picture)
        title = title_of(shown)
        text = render(
            [shown],
            asked,
            lambda sections: document(title, sections, heading=False, framed=True, address=script),
        )
        first = height or shown.frame["height"] or _HEIGHT.get(shown._bundle, _OTHERS)
    # A file of the site is out of reach for a frame of no origin, where the site is on a disk.
    sandbox = "allow-scripts" if script is None else "allow-scripts allow-same-origin"
    first = arguments.whole("height in px", first, least=1)
    return (
        f'<iframe sandbox="{sandbox}" title="{escape(title)}" width="100%" height="{first}" '
        f'style="border: 0; display: block" srcdoc="{escape(text)}"></iframe>'
        f"<script>{LISTENER}</script>"
    )
