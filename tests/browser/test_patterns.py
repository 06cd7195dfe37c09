"""The view of attention patterns, as a user has it."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

TEXT = "blue dog seven river green blue dog seven river stone dog blue"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    f"patterns = cw.detect_attention_patterns(model, {TEXT!r}, progress=False)\npatterns",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1300, height=1000) as notebook:
        notebook.run(0)
        yield notebook
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


def opened(notebook, cell: int) -> ExplorerPage:
    notebook.run(cell)
    page = ExplorerPage(notebook, cell)
    expect(page.root).to_be_visible()
    return page


def test_sliders_relabel_at_once(notebook):
    page = opened(notebook, 1)
    labels = json.loads(
        notebook.python(
            "import json; from collections import Counter;"
            "print(json.dumps(Counter(patterns.labels().values())))"
        )
    )
    for name in ("induction", "diagonal", "uniform"):
        expect(page.part(f"kind-{name}").locator("[data-cw=count]")).to_have_text(
            str(labels.get(name, 0))
        )
    # To the end by the keyboard: nothing scores above 1.
    slider = page.root.get_by_role("slider", name="Threshold of Induction")
    slider.press("End")
    expect(page.part("kind-induction").locator("[data-cw=count]")).to_have_text("0")
    stricter = json.loads(
        notebook.python("print(json.dumps(Counter(patterns.labels({'induction': 1.0}).values())))")
    )
    for name in ("duplicate_token", "first_token", "diagonal", "uniform", "other"):
        expect(page.part(f"kind-{name}").locator("[data-cw=count]")).to_have_text(
            str(stricter.get(name, 0))
        )
    page.root.get_by_role("button", name="defaults").click()
    expect(page.part("kind-induction").locator("[data-cw=count]")).to_have_text(
        str(labels["induction"])
    )
    notebook.screenshot("patterns", page.root)
