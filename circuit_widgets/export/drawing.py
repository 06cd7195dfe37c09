"""A small picture of a view, drawn in a millisecond: its grid of heads, and the selected one.

As SVG, sharp at every size; and as PNG, which is shown also where SVG is taken for a script.
"""

from __future__ import annotations

import base64
import functools
import io
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from circuit_widgets.live.store import OVERVIEW_SIDE, Missing
from circuit_widgets.widgets.heads_view import HeadsView

# Rows and columns of attention at the most: noise of so many cells is still a small picture.
MOST_CELLS = 96
# Low and high end of the colours; of scores with a sign, also those below 0.
_PAPER, _HIGH, _LOW = (247, 248, 250), (8, 48, 107), (140, 45, 4)
_MISSING = (205, 205, 205)
_SIDE, _LEFT, _TOP, _GAP = 240, 56, 44, 150
_FONT = "font-family='system-ui, sans-serif' font-size='12'"
_INK, _LINE, _LETTERS = "#1b1f24", "#c8ccd2", 12
# A PNG has so many pixels for each of the picture's, and so many colours.
FINER = 2
_COLOURS = 128


@dataclass(frozen=True)
class _Panel:
    """Cells with their colours, where they stand, and what is written around them."""

    x: int
    pixels: UInt8[np.ndarray, "row col 3"]
    texts: tuple[tuple[float, float, str, str], ...]


def svg(view: HeadsView) -> str | None:
    """The heads by the score that is shown, and the selected head's attention; None: no score.

    White is 0, blue the highest, and orange below 0; grey was not computed.
    """
    panels = _panels(view)
    if not panels:
        return None
    width, height = _size(panels)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}' {_FONT}>"
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>"
        f"{''.join(map(_as_svg, panels))}</svg>"
    )


def png(view: HeadsView) -> tuple[bytes, int, int] | None:
    """The same picture as a PNG, with its width and height on a page; None: no score."""
    from PIL import Image, ImageDraw

    panels = _panels(view)
    if not panels:
        return None
    width, height = _size(panels)
    whole = Image.new("RGB", (width * FINER, height * FINER), "white")
    pen = ImageDraw.Draw(whole)
    side, top = _SIDE * FINER, _TOP * FINER
    for panel in panels:
        left = panel.x * FINER
        cells = Image.fromarray(panel.pixels).resize((side, side), Image.Resampling.NEAREST)
        whole.paste(cells, (left, top))
        pen.rectangle((left, top, left + side, top + side), outline=_LINE, width=FINER)
        for x, y, anchor, text in panel.texts:
            # Of a line's letters: left, middle or right, and the baseline.
            place = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
            pen.text((x * FINER, y * FINER), text, fill=_INK, font=_letters(), anchor=place)
    data = io.BytesIO()
    whole.quantize(_COLOURS).save(data, format="png", optimize=True)
    return data.getvalue(), width, height


@functools.cache
def _letters() -> Any:
    """The font that comes with matplotlib: every machine has it."""
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), _LETTERS * FINER)


def _size(panels: list[_Panel]) -> tuple[int, int]:
    return len(panels) * (_LEFT + _SIDE + _GAP - 40), _TOP + _SIDE + 40


def _panels(view: HeadsView) -> list[_Panel]:
    scores, run = view.grid_scores, view.run_shown
    if not scores:
        return []
    grid = np.full((run.n_layers, run.n_heads), np.nan)
    for place, value in scores.items():
        grid[place] = value
    info = view.shown_score
    panels = [_panel(0, info["label"], grid, info["most"], ("head", "layer"))]
    pattern = _pattern(view)
    if pattern is not None:
        pooled = ", pooled" if len(pattern) < len(run.tokens) else ""
        title = f"Attention of {view.selection.as_head}{pooled}"
        panels.append(_panel(1, title, pattern, pattern.max(), ("key", "query")))
    return panels


def _pattern(view: HeadsView) -> Float[np.ndarray, "row col"] | None:
    """The selected head's attention, of a long text the strongest of each cell; None: missing."""
    reading, at = view.reading, view.selection.as_head
    if reading is None:
        return None
    store = reading.store
    try:
        tile = store.tile(at.layer, at.index, store.whole, OVERVIEW_SIDE, "max")
    except Missing:
        return None
    cells = tile.data[0].numpy() * (float(tile.scale[0]) / 255)
    if tile.first is not None:
        cells[:, 0] = np.maximum(cells[:, 0], tile.first[0].numpy())
    step = -(-len(cells) // MOST_CELLS)
    side = -(-len(cells) // step)
    padded = np.zeros((side * step, side * step), np.float32)
    padded[: len(cells), : len(cells)] = cells
    return padded.reshape(side, step, side, step).max((1, 3))


def _panel(
    number: int, title: str, values: Float[np.ndarray, "row col"], most: float, axes: Any
) -> _Panel:
    """Cells with a title, axes and the ends of the colours."""
    most = float(most) or 1.0
    signed = bool((values[np.isfinite(values)] < -1e-6).any())
    rows, cols = values.shape
    x = number * (_LEFT + _SIDE + _GAP - 40) + _LEFT
    across, down = axes
    bottom = _TOP + _SIDE
    least = f"{-most:.2f} (orange)" if signed else "0 (white)"
    texts = (
        (x, _TOP - 14, "start", title),
        (x, bottom + 16, "start", "0"),
        (x + _SIDE, bottom + 16, "end", str(cols - 1)),
        (x + _SIDE / 2, bottom + 16, "middle", across),
        (x - 6, _TOP + 10, "end", "0"),
        (x - 6, bottom - 2, "end", str(rows - 1)),
        (x - 6, _TOP + _SIDE / 2, "end", down),
        (x + _SIDE + 6, _TOP + 10, "start", f"{most:.2f} (blue)"),
        (x + _SIDE + 6, bottom - 2, "start", least),
    )
    return _Panel(x, _colours(values, most), texts)


def _as_svg(panel: _Panel) -> str:
    """A panel whose cells are a picture of one pixel each."""
    from PIL import Image

    cells = io.BytesIO()
    Image.fromarray(panel.pixels).save(cells, format="png", optimize=True)
    data = base64.b64encode(cells.getvalue()).decode()
    said = "".join(
        f"<text x='{x:g}' y='{y:g}' text-anchor='{anchor}' fill='{_INK}'>{escape(text)}</text>"
        for x, y, anchor, text in panel.texts
    )
    x = panel.x
    return (
        f"<image x='{x}' y='{_TOP}' width='{_SIDE}' height='{_SIDE}' preserveAspectRatio='none' "
        f"style='image-rendering: pixelated' href='data:image/png;base64,{data}'/>"
        f"<rect x='{x}' y='{_TOP}' width='{_SIDE}' height='{_SIDE}' fill='none' stroke='{_LINE}'/>"
        f"{said}"
    )


def _colours(values: Float[np.ndarray, "row col"], most: float) -> UInt8[np.ndarray, "row col 3"]:
    share = np.clip(np.nan_to_num(values) / most, -1, 1)[..., None]
    end = np.where(share >= 0, np.array(_HIGH), np.array(_LOW))
    mixed = np.array(_PAPER) + np.abs(share) * (end - np.array(_PAPER))
    return np.where(np.isnan(values)[..., None], _MISSING, mixed).round().astype(np.uint8)
