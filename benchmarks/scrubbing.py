"""Dragging the checkpoint slider of the toy's training in a real JupyterLab: 22 checkpoints.

The pointer drags the handle from end to end and back for some seconds, in steps of one frame.
"Frames a second" counts animation frames meanwhile; "to the picture" is from an input of the slider
to the frame after grid, pattern and curves were drawn from it. In the third row the kernel is busy.

Below: a circuit of a model with GPT-2 small's layers and heads. Its size slider is dragged through
all sizes (of more than 2,000 edges the strongest are drawn), and the pointer crosses its graph of
500 edges.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import spread, table
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import Lab

SET_UP = """
import functools, time
import circuit_widgets as cw
task = functools.partial(cw.Task.repeated_tokens, n=16)
shown = cw.analyze_training_stability("toy-induction", task, progress=False).view()
shown
"""
CIRCUIT = """
import circuit_widgets as cw
from tests import tiny
model = tiny.native(n_layers=12, n_heads=12, d_model=48, d_head=4)
task = cw.Task.repeated_tokens(model, n=8, length=8)
found = cw.extract_circuit(
    model, task, method="eap", size=500, random=1, check=0, minimality=False, allow_failure=True,
    progress=False,
)
shown = found.view()
shown
"""
SWEEPS = 4
STEPS = 60
# An input is painted in the frame after it: what it changes is drawn before that frame ends.
WATCH = """(host, name) => {
    const moved = host.shadowRoot.querySelector(`[data-cw="${name}"]`);
    const seen = { frames: [], taken: [], end: false };
    const frame = (at) => { seen.frames.push(at); if (!seen.end) requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
    const of = moved.matches('input') ? 'input' : 'mousemove';
    moved.parentElement.addEventListener(of, () => {
        const started = performance.now();
        requestAnimationFrame(() => requestAnimationFrame(
            () => seen.taken.push(performance.now() - started)));
    });
    host.seen = seen;
}"""
READ = """host => {
    const { seen } = host;
    seen.end = true;
    const { frames, taken } = seen;
    const apart = frames.slice(1).map((at, i) => at - frames[i]);
    const seconds = (frames.at(-1) - frames[0]) / 1000;
    return { rate: apart.length / seconds, longest: Math.max(...apart), taken };
}"""


def drag(page: ExplorerPage, name: str = "step") -> list[str]:
    """Frames a second, the longest frame, and the time to the picture."""
    slider = page.part(name)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    mouse, y = page.notebook.page.mouse, box["y"] + box["height"] / 2
    value = float(slider.input_value()) / float(slider.get_attribute("max") or 1)
    mouse.move(box["x"] + 8 + value * (box["width"] - 16), y)
    mouse.down()
    page.root.evaluate(WATCH, name)
    for share in _there_and_back():
        mouse.move(box["x"] + 8 + share * (box["width"] - 16), y)
        page.notebook.page.wait_for_timeout(16)
    mouse.up()
    return _seen(page)


def cross(page: ExplorerPage, name: str) -> list[str]:
    """The same of a pointer that goes over a picture, from the lower left to the upper right."""
    canvas = page.part(name)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    page.root.evaluate(WATCH, name)
    for share in _there_and_back():
        x, y = box["x"] + share * box["width"], box["y"] + (1 - share) * box["height"]
        page.notebook.page.mouse.move(x, y)
        page.notebook.page.wait_for_timeout(16)
    return _seen(page)


def _there_and_back() -> Iterator[float]:
    for sweep in range(SWEEPS):
        for step in range(STEPS):
            yield step / (STEPS - 1) if sweep % 2 == 0 else 1 - step / (STEPS - 1)


def _seen(page: ExplorerPage) -> list[str]:
    seen = page.root.evaluate(READ)
    return [f"{seen['rate']:.0f}", f"{seen['longest']:.0f} ms", spread(seen["taken"])]


def run() -> str:
    """The section of the report."""
    rows: list[list[str]] = []
    lab = Lab()
    try:
        cells = [SET_UP, "time.sleep(60)"]
        with lab.open(cells, width=1366, height=900) as notebook:
            notebook.run(0)
            page = ExplorerPage(notebook, 0)
            drag(page)  # warm
            for show, name in (("heads", "grids and patterns"), ("circuit", "two circuits")):
                notebook.python(f"shown.params['stability.show'] = {show!r}")
                notebook.page.wait_for_timeout(500)
                rows.append([name, *drag(page)])
            notebook.run(1, wait=False)
            rows.append(["two circuits, while a cell runs", *drag(page)])
        with lab.open([CIRCUIT], width=1366, height=900) as notebook:
            notebook.run(0, timeout=300)
            page = ExplorerPage(notebook, 0)
            drag(page, "size")  # warm
            edges = [["the size of a circuit, dragged", *drag(page, "size")]]
            notebook.python("shown.params['circuits.size'] = found.chosen")
            notebook.page.wait_for_timeout(500)
            edges.append(["its 500 edges, the pointer over them", *cross(page, "circuit-over")])
            notebook.screenshot("circuit-500", page.root)
    finally:
        lab.close()
    header = ["shown", "frames a second", "longest frame", "to the picture"]
    return f"{table(header, rows)}\n{table(header, edges)}"


if __name__ == "__main__":
    print(run())
