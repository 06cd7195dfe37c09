"""Pages without a kernel: bytes, and time to the first paint, beside CircuitsVis and BertViz.

The same tensors for all, random weights: every head of 12 x 12 on 128 tokens, and of 30 x 9 on 129.
Ours is the one file that `view.to_html` writes, opened from the disk without a network, with every
head's matrix in it; the rivals' pages are counted, and drawn in "First paint". Below: ten views of
the toy, in one page, and what a notebook keeps of them.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Playwright, sync_playwright

from benchmarks import first_paint as fp
from benchmarks.measure import size, table
from circuit_widgets.widgets.sharing import Sharing
from tests.browser.lab import ARGUMENTS
from tests.browser.processes import find_chromium

SHAPES = ((12, 12, 128), (30, 9, 129))
ROUNDS = 3


def model_of(n_layers: int, n_heads: int, n_tokens: int) -> tuple[Any, Any]:
    """Heads with random weights, and ids."""
    from tests import tiny

    model = tiny.native(
        **{"n_layers": n_layers, "n_heads": n_heads, "d_model": 8 * n_heads, "d_head": 8},
        **{"n_ctx": n_tokens, "d_vocab": 97},
    )
    return model, torch.randint(1, 90, (1, n_tokens), generator=torch.Generator().manual_seed(0))


def ours(model: Any, ids: Any, path: Path) -> int:
    """Write our page with every head; its bytes."""
    import circuit_widgets as cw

    explorer = cw.explore(model, ids)
    explorer.to_html(path, budget="20 MB")
    explorer.close()
    text = path.read_text(encoding="utf-8")
    assert "heads is included" not in text, "a head was left out"
    return len(text.encode())


def painted(playwright: Playwright, path: Path) -> float:
    """Seconds from the start of loading to the picture, in a fresh browser; the median."""
    times = []
    for _ in range(ROUNDS):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_function(fp.PAINTED["circuit_widgets"], polling="raf")
        times.append(page.evaluate(fp.TWO_FRAMES) / 1000)
        browser.close()
    return sorted(times)[len(times) // 2]


def kept(view: Any) -> int:
    """Bytes of a widget's state: scripts, descriptions, and bytes in base64."""
    total = 0
    for value in view.get_state().values():
        binary = value.values() if isinstance(value, dict) else [value]
        if all(isinstance(part, bytes) for part in binary):
            total += sum(len(part) * 4 // 3 for part in binary)
        else:
            total += len(json.dumps(value))
    return total


def ten() -> list[list[str]]:
    """Ten views of the toy: one page, ten pages, one notebook."""
    import circuit_widgets as cw

    model = cw.load_model()
    text = "blue dog seven river " * 8
    results: list[Any] = [
        cw.identify_induction_heads(model, n_sequences=8, progress=False),
        cw.detect_attention_patterns(model, prompts=text, progress=False),
        cw.attribute_logits(model, text, progress=False),
        cw.compute_self_influence(model, text, progress=False),
        cw.trace_information_flow(model, text, progress=False),
    ]

    def made() -> list[Any]:
        return [*(cw.explore(model, text) for _ in range(5)), *(one.view() for one in results)]

    views = made()
    page = len(str(cw.export.page(views, picture=False)).encode())
    alone = sum(len(view.to_html(picture=False).encode()) for view in views)
    with_pictures = len(str(cw.export.page(views)).encode())
    outputs = [view._repr_mimebundle_()[0] for view in views]
    saved = sum(len(json.dumps(output)) for output in outputs)
    apart = sum(map(kept, views))
    cw.export.share_script()
    shared = made()
    cw.export.share_script(False)
    together = sum(map(kept, [*shared, Sharing._holder]))
    for view in [*views, *shared]:
        view.close()
    return [
        ["ten views in one page", size(page)],
        ["the same with a still picture of each", size(with_pictures)],
        ["as ten pages", size(alone)],
        ["their outputs in a notebook (pictures and words)", size(saved)],
        ["with the state of ten widgets besides (scripts and bytes)", size(saved + apart)],
        ["the same where they share one script", size(saved + together)],
    ]


def run() -> str:
    """The section of the report."""
    rows = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        extra = fp.libraries()
        for shape in SHAPES:
            model, ids = model_of(*shape)
            name = " x ".join(map(str, shape))
            path = Path(folder) / "page.html"
            mine = ours(model, ids, path)
            rows.append(
                [name, "circuit_widgets", f"{painted(playwright, path):.2f} s", size(mine), "1"]
            )
            attention = fp.patterns(model, ids)
            tokens = [str(int(id)) for id in ids[0]]
            for other, make in (("CircuitsVis", fp.circuitsvis), ("BertViz", fp.bertviz)):
                count = len(make(attention, tokens).encode())
                if other == "BertViz":
                    count += sum(map(len, extra.values()))
                rows.append([name, other, "", size(count), f"{count / mine:.0f} x"])
    first = table(["heads x tokens", "library", "first paint", "bytes", "more"], rows)
    return f"{first}\n{table(['', 'bytes'], ten())}"


if __name__ == "__main__":
    print(run())
