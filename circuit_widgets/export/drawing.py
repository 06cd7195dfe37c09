"""A small picture of a view, drawn in a millisecond: its grid of heads, and the selected one."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape
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


def svg(view: HeadsView) -> str | None:
    """The heads by the score that is shown, and the selected head's attention; None: no score.

    White is 0, blue the highest, and orange below 0; grey was not computed.
    """
    scores, run = view.grid_scores, view.run_shown
    if not scores:
        return None
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
    width = len(panels) * (_LEFT + _SIDE + _GAP - 40)
    height = _TOP + _SIDE + 40
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}' {_FONT}>"
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>{''.join(panels)}</svg>"
    )


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
) -> str:
    """Cells as a picture of one pixel each, with a title, axes and the ends of the colours."""
    most = float(most) or 1.0
    signed = bool((values[np.isfinite(values)] < -1e-6).any())
    rows, cols = values.shape
    x = number * (_LEFT + _SIDE + _GAP - 40) + _LEFT
    data = base64.b64encode(_png(_colours(values, most))).decode()
    across, down = axes
    bottom = _TOP + _SIDE
    least = f"{-most:.2f} (orange)" if signed else "0 (white)"
    texts = [
        (x, _TOP - 14, "start", title),
        (x, bottom + 16, "start", "0"),
        (x + _SIDE, bottom + 16, "end", str(cols - 1)),
        (x + _SIDE / 2, bottom + 16, "middle", across),
        (x - 6, _TOP + 10, "end", "0"),
        (x - 6, bottom - 2, "end", str(rows - 1)),
        (x - 6, _TOP + _SIDE / 2, "end", down),
        (x + _SIDE + 6, _TOP + 10, "start", f"{most:.2f} (blue)"),
        (x + _SIDE + 6, bottom - 2, "start", least),
    ]
    said = "".join(
        f"<text x='{at:g}' y='{y:g}' text-anchor='{anchor}' fill='#1b1f24'>{escape(text)}</text>"
        for at, y, anchor, text in texts
    )
    return (
        f"<image x='{x}' y='{_TOP}' width='{_SIDE}' height='{_SIDE}' preserveAspectRatio='none' "
        f"style='image-rendering: pixelated' href='data:image/png;base64,{data}'/>"
        f"<rect x='{x}' y='{_TOP}' width='{_SIDE}' height='{_SIDE}' fill='none' stroke='#c8ccd2'/>"
        f"{said}"
    )


def _colours(values: Float[np.ndarray, "row col"], most: float) -> UInt8[np.ndarray, "row col 3"]:
    share = np.clip(np.nan_to_num(values) / most, -1, 1)[..., None]
    end = np.where(share >= 0, np.array(_HIGH), np.array(_LOW))
    mixed = np.array(_PAPER) + np.abs(share) * (end - np.array(_PAPER))
    return np.where(np.isnan(values)[..., None], _MISSING, mixed).round().astype(np.uint8)


def _png(pixels: UInt8[np.ndarray, "row col 3"]) -> bytes:
    rows, cols, _ = pixels.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    lines = b"".join(b"\x00" + row.tobytes() for row in pixels)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(lines, 9))
        + chunk(b"IEND", b"")
    )
