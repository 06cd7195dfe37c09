"""What is there where no script runs: a view in words, and as a small picture."""

from __future__ import annotations

import base64
import io
import logging
import weakref
from dataclasses import dataclass
from typing import Any

from circuit_widgets.export.drawing import png, svg
from circuit_widgets.widgets.heads_view import HeadsView

log = logging.getLogger("circuit_widgets")
# Bytes of a picture: a notebook has many.
MOST = 60_000
_COLOURS = 64
# Heads that are named in words.
_NAMED = 3
# A plot takes 0.2 s to paint; each view's last one stays while its result is the same.
_paintings: weakref.WeakKeyDictionary[HeadsView, tuple[Any, str]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Still:
    """A view without a script.

    Attributes:
        words: What it is of, and what is found.
        kind: The picture's MIME type; "": there is none.
        data: The picture: text of an SVG, or a PNG in base64.
        size: Width and height on a page, where a PNG has more pixels than that.
    """

    words: str
    kind: str
    data: str
    size: tuple[int, int] | None = None

    @property
    def address(self) -> str:
        """The picture as the address of an image."""
        if self.kind == "image/png":
            return f"data:image/png;base64,{self.data}"
        return f"data:{self.kind};base64,{base64.b64encode(self.data.encode()).decode()}"


def still(view: HeadsView, picture: bool = True, safe: bool = False) -> Still:
    """A view as it is now; its picture has fewer than 60,000 bytes.

    Heads with scores are drawn here, in a few milliseconds; of what has none there is the result's
    plot.

    Args:
        view: What is shown.
        picture: Whether a picture is wanted.
        safe: A PNG. JupyterLab shows no SVG of a notebook that its reader has not trusted, because
            one may have scripts.
    """
    result: Any = getattr(view, "result", None)
    words = repr(result) if result is not None else _words(view)
    if not picture:
        return Still(words, "", "")
    if safe and (made := png(view)) is not None:
        data, *size = made
        coded = base64.b64encode(data).decode()
        if len(coded) < MOST:
            return Still(words, "image/png", coded, (size[0], size[1]))
    elif (drawn := svg(view)) is not None and len(drawn) < MOST:
        return Still(words, "image/svg+xml", drawn)
    painted = None if result is None else _painting(view, result)
    return Still(words, "image/png" if painted else "", painted or "")


def _words(view: HeadsView) -> str:
    """What the view is of, what is selected, and the heads that score highest."""
    run = view.run_shown
    text = f", on {len(run.tokens)} tokens: {run.prompt}" if run.tokens else ""
    lines = [f"{view.kind} of {run.model}, {run.n_layers} x {run.n_heads} heads{text}"]
    lines.append(f"  {repr(view.selection).strip('<>')}")
    scores = sorted(view.grid_scores.items(), key=lambda item: -item[1])[:_NAMED]
    if scores:
        named = ", ".join(f"{layer}.{head} {value:.2f}" for (layer, head), value in scores)
        lines.append(f"  highest {view.shown_score['label']}: {named}")
    return "\n".join(lines)


def _painting(view: HeadsView, result: Any) -> str | None:
    """The view's last painting where it is of this result, or a new one."""
    last = _paintings.get(view)
    if last is not None and last[0] is result:
        return last[1]
    painted = _painted(result)
    if painted is not None:
        _paintings[view] = (result, painted)
    return painted


def _painted(result: Any) -> str | None:
    """The plot as a PNG in few colours, in base64; coarser until it is small enough."""
    from PIL import Image

    try:
        figure = result.plot()
    except (ImportError, ValueError) as error:
        log.info("a result has no picture: %s", error)
        return None
    for dpi in (80, 60, 40):
        painted = io.BytesIO()
        figure.savefig(painted, format="png", dpi=dpi, facecolor="white")
        image = Image.open(painted).convert("RGB").quantize(_COLOURS)
        small = io.BytesIO()
        image.save(small, format="png", optimize=True)
        if small.tell() * 4 / 3 < MOST:
            return base64.b64encode(small.getvalue()).decode()
    return None
