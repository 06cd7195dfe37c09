"""First paint in the browser and bytes delivered, beside CircuitsVis and BertViz.

The same tensors for all. Each library's picture of 12 x 12 heads is one page: what the library puts
into a notebook's output, with its script in it. Ours is the state that Jupyter keeps of the widget
(every trait, the bundle among them), drawn without a kernel. Painted: the canvases (or SVG lines)
are there and two frames have passed. A fresh browser each time; the median of three, of one where
that took over 20 s.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Browser, Route, sync_playwright
from playwright.sync_api import TimeoutError as TooSlow

from benchmarks.measure import size, table
from tests.browser.lab import ARGUMENTS
from tests.browser.processes import find_chromium

LAYERS, HEADS = 12, 12
LIMIT = 120
ROUNDS = 3
# BertViz loads these from a CDN; they are fetched from npm once and served in its place.
CDN = {
    "require.min.js": ("requirejs@2.3.6", "package/require.js"),
    "d3.min.js": ("d3@5.7.0", "package/dist/d3.min.js"),
    "jquery.min.js": ("jquery@2.2.4", "package/dist/jquery.min.js"),
}
PAGE = "<!doctype html><html><head><meta charset=utf-8></head><body>{}</body></html>"
OURS = """<div id=out style="width:1100px"></div><script type=module>
const traits = {traits};
for (const name of {binary}) {{
  const text = atob(traits[name]);
  const bytes = Uint8Array.from(text, (c) => c.charCodeAt(0));
  traits[name] = new DataView(bytes.buffer);
}}
const esm = URL.createObjectURL(new Blob([{esm}], {{ type: "text/javascript" }}));
const view = (await import(esm)).default;
const nothing = () => {{}};
const model = {{ get: (name) => traits[name], set: nothing, save_changes: nothing, on: nothing,
  off: nothing, send: nothing }};
const signal = new AbortController().signal;
view.initialize({{ model, signal }});
view.render({{ model, el: document.getElementById("out"), signal }});
</script>"""
PAINTED = {
    "circuit_widgets": """() => {
        const root = document.querySelector('.cw-root')?.shadowRoot;
        const canvas = root?.querySelector('[data-cw=matrix]');
        if (!canvas || canvas.width < 200) return false;
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size > 8;
    }""",
    "CircuitsVis": "() => document.querySelectorAll('canvas').length > 144",
    "BertViz": "() => document.querySelectorAll('svg line').length >= 144",
}
TWO_FRAMES = """() => new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))))"""


def model_of(n_tokens: int) -> tuple[Any, Any]:
    """12 x 12 heads with random weights, and ids."""
    from tests import tiny

    model = tiny.native(
        n_layers=LAYERS, n_heads=HEADS, d_model=96, d_head=8, n_ctx=max(n_tokens, 64), d_vocab=97
    )
    return model, torch.randint(1, 90, (1, n_tokens), generator=torch.Generator().manual_seed(0))


def ours(model: Any, ids: Any) -> str:
    """The page of our explorer."""
    import circuit_widgets as cw

    explorer = cw.explore(model, ids)
    state = {
        name: explorer._trait_to_json(getattr(explorer, name), explorer)
        for name in explorer.keys
        if not name.startswith("_") and name not in ("layout", "tabbable", "tooltip")
    }
    binary = [name for name, value in state.items() if isinstance(value, bytes)]
    for name in binary:
        state[name] = base64.b64encode(state[name]).decode()
    runs = state["runs"]
    state["runs"] = {**runs, "all": [{**run, "live": False} for run in runs["all"]]}
    script = OURS.format(
        traits=json.dumps(state).replace("</", "<\\/"),
        binary=json.dumps(binary),
        esm=json.dumps(explorer._esm).replace("</", "<\\/"),
    )
    explorer.close()
    return PAGE.format(script)


def patterns(model: Any, ids: Any) -> torch.Tensor:
    """[layer, head, query, key], the same numbers for everybody."""
    names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(model.cfg.n_layers)]
    _, cache = model.run_with_cache(ids, names_filter=names)
    return torch.stack([cache[name][0] for name in names])


def circuitsvis(attention: torch.Tensor, tokens: list[str]) -> str:
    """CircuitsVis' page, with its script in it as it does when there is no network."""
    from circuitsvis.attention import attention_heads

    shown = attention_heads(attention=attention.flatten(0, 1), tokens=tokens)
    return PAGE.format(shown.local_src)


def bertviz(attention: torch.Tensor, tokens: list[str]) -> str:
    """BertViz' model view, which shows every head as ours and CircuitsVis' do."""
    from bertviz import model_view

    shown = model_view([layer[None] for layer in attention], tokens, html_action="return")
    assert shown is not None
    return PAGE.format(shown.data)


def libraries() -> dict[str, bytes]:
    """What BertViz' CDN addresses hold."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (package, member) in CDN.items():
            packed = subprocess.run(
                ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True
            )
            archive = Path(folder) / packed.stdout.decode().split()[-1]
            with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as tar:
                inner = tar.extractfile(member)
                assert inner is not None
                found[name] = inner.read()
    return found


def paint(browser: Browser, page_text: str, painted: str, extra: dict[str, bytes]) -> float:
    """Seconds from the start of loading to the picture; infinity if it takes over two minutes."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()

    def serve(route: Route) -> None:
        url = route.request.url
        if url == "http://127.0.0.1:1/page.html":
            route.fulfill(body=page_text, content_type="text/html; charset=utf-8")
        else:
            route.fulfill(body=extra[url.rsplit("/", 1)[-1]], content_type="text/javascript")

    page.route("**/*", serve)
    try:
        page.goto("http://127.0.0.1:1/page.html", wait_until="commit", timeout=LIMIT * 1000)
        page.wait_for_function(painted, timeout=LIMIT * 1000, polling="raf")
        return page.evaluate(TWO_FRAMES) / 1000
    except TooSlow:
        return float("inf")
    finally:
        context.close()


def run() -> str:
    """The section of the report."""
    extra = libraries()
    rows = []
    with sync_playwright() as playwright:
        for n_tokens in (32, 128):
            model, ids = model_of(n_tokens)
            attention = patterns(model, ids)
            tokens = [str(int(id)) for id in ids[0]]
            makers: dict[str, Callable[[], str]] = {
                "circuit_widgets": lambda model=model, ids=ids: ours(model, ids),
                "CircuitsVis": lambda a=attention, t=tokens: circuitsvis(a, t),
                "BertViz": lambda a=attention, t=tokens: bertviz(a, t),
            }
            found = {}
            for name, make in makers.items():
                text = make()
                count = len(text.encode())
                if name == "BertViz":
                    count += sum(map(len, extra.values()))
                times = []
                for _ in range(ROUNDS):
                    # A fresh browser: one that has drawn the last page is not measured.
                    browser = playwright.chromium.launch(
                        executable_path=find_chromium(), args=list(ARGUMENTS)
                    )
                    times.append(paint(browser, text, PAINTED[name], extra))
                    browser.close()
                    if times[-1] > 20:
                        break
                found[name] = (sorted(times)[len(times) // 2], count)
            mine = found["circuit_widgets"]
            for name, (taken, count) in found.items():
                said = f"{taken:.2f} s" if taken < LIMIT else f"not in {LIMIT} s"
                least = "at least " if taken >= LIMIT else ""
                slower = min(taken, LIMIT) / mine[0]
                rows.append(
                    [
                        f"12 x 12 x {n_tokens}",
                        name,
                        said,
                        f"{least}{slower:.0f} x" if name != "circuit_widgets" else "1",
                        size(count),
                        f"{count / mine[1]:.0f} x" if name != "circuit_widgets" else "1",
                    ]
                )
    header = ["heads x tokens", "library", "first paint", "slower", "bytes", "more"]
    return table(header, rows)


if __name__ == "__main__":
    print(run())
