"""Dragging the checkpoint slider of the toy's training in a real JupyterLab: 22 checkpoints.

The pointer drags the handle from end to end and back for some seconds, in steps of one frame.
"Frames a second" counts animation frames meanwhile; "to the picture" is from an input of the slider
to the frame after grid, pattern and curves were drawn from it. In the last row the kernel is busy.
"""

from __future__ import annotations

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
SWEEPS = 4
STEPS = 60
# An input is painted in the frame after it: what it changes is drawn before that frame ends.
WATCH = """host => {
    const slider = host.shadowRoot.querySelector('[data-cw=step]');
    const seen = { frames: [], taken: [], end: false };
    const frame = (at) => { seen.frames.push(at); if (!seen.end) requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
    slider.addEventListener('input', () => {
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


def drag(page: ExplorerPage) -> list[str]:
    """Frames a second, the longest frame, and the time to the picture."""
    slider = page.part("step")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    mouse, y = page.notebook.page.mouse, box["y"] + box["height"] / 2
    value = float(slider.input_value()) / float(slider.get_attribute("max") or 1)
    mouse.move(box["x"] + 8 + value * (box["width"] - 16), y)
    mouse.down()
    page.root.evaluate(WATCH)
    for sweep in range(SWEEPS):
        for step in range(STEPS):
            share = step / (STEPS - 1) if sweep % 2 == 0 else 1 - step / (STEPS - 1)
            mouse.move(box["x"] + 8 + share * (box["width"] - 16), y)
            page.notebook.page.wait_for_timeout(16)
    mouse.up()
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
    finally:
        lab.close()
    return table(["shown", "frames a second", "longest frame", "to the picture"], rows)


if __name__ == "__main__":
    print(run())
