"""What one clicks is large enough for a finger, in every view, live and without a kernel."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import circuit_widgets as cw
from tests.analysis.known_results import FOLDER
from tests.browser import looks
from tests.browser.axe import violations
from tests.browser.lab import Lab
from tests.browser.static_page import opened
from tests.browser.targets import too_small

TEXT = "blue dog seven river blue dog seven river blue dog"
SAVED = sorted(path.stem for path in FOLDER.glob("toy-*.safetensors"))
SIZES = ((1366, 768), (600, 900))
# Views of a model whose kernel answers have more to click than those of a page.
LIVE = [
    "import circuit_widgets as cw\nmodel = cw.load_model()\n"
    "task = cw.Task.repeated_tokens(model, n=12)",
    f"cw.explore(model, {TEXT!r})",
    "shown = cw.extract_circuit(model, task, progress=False).view()\n"
    "shown.params['circuits.groups'] = 'early: 0.0, 0.1; late: 1.0, 1.1'\nshown",
    f"cw.analyze_failures(model, [cw.Case({TEXT!r}, 'dog')], healthy=task, n_healthy=20,"
    " progress=False)",
    f"cw.detect_attention_patterns(model, {TEXT!r}, progress=False)",
]


def page_of(name: str) -> str:
    """A saved result's page; the explorer of a text where there is none."""
    path = FOLDER / f"{name}.safetensors"
    if path.exists():
        return cw.load(path).view().to_html(picture=False)
    view = cw.explore(cw.load_model(), TEXT, selection="1.2", query=7)
    text = view.to_html(picture=False)
    view.close()
    return text


@pytest.mark.parametrize("name", ["explorer", *SAVED])
def test_without_a_kernel(lab: Lab, name: str) -> None:
    text = page_of(name)
    for width, height in SIZES:
        with opened(lab, text, width=width, height=height) as page:
            root = page.view()
            expect(root.locator("canvas").first).to_be_visible()
            assert too_small(root) == [], width
            assert violations(page.page) == [], width
            if width == 1366:
                # With two models side by side it is 660 px high.
                assert looks.height(root) <= 661
            page.screenshot(f"targets-{name}-{width}")
            assert page.errors == []


def test_with_a_kernel(lab: Lab) -> None:
    with lab.open(LIVE, width=1366, height=768) as notebook:
        notebook.run_all()
        # A finger picks nodes, too: what is picked has its own buttons.
        notebook.python("shown.params['circuits.picked'] = '0.2, 1.2'")
        expect(notebook.view(2).locator("[data-cw=picked]")).to_be_visible()
        for width, height in SIZES:
            notebook.page.set_viewport_size({"width": width, "height": height})
            for cell in range(1, len(LIVE)):
                root = notebook.view(cell)
                root.scroll_into_view_if_needed()
                expect(root.locator("canvas").first).to_be_visible()
                assert too_small(root) == [], (cell, width)
                notebook.screenshot(f"targets-live-{cell}-{width}", root)
        assert notebook.errors == []
