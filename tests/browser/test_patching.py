"""The views of activation patching, of heads and of places, as a user has them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()\n"
    "task = cw.Task.repeated_tokens(model, n=8, length=7)",
    "heads = cw.patch_activations(model, task, progress=False)\nheads",
    "stream = cw.patch_activations(model, task, 'stream', progress=False)\nstream",
    "few = cw.patch_activations(model, task.batch([0, 1]), 'attention', progress=False)\nfew",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1366, height=900) as notebook:
        for cell in range(3):
            notebook.run(cell)
        yield notebook
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


@pytest.fixture
def heads(notebook):
    page = ExplorerPage(notebook, 1)
    expect(page.root).to_be_visible()
    return page


@pytest.fixture
def stream(notebook):
    page = ExplorerPage(notebook, 2)
    expect(page.root).to_be_visible()
    return page


def test_the_head_with_the_largest_effect_is_selected(notebook, heads):
    rows = heads.part("parts").locator("tbody tr")
    expect(rows).to_have_count(8)
    expect(rows.first).to_contain_text("0.1")
    expect(rows.first).to_contain_text("%")
    expect(rows.first).to_have_attribute("aria-selected", "true")
    expect(heads.root.get_by_role("heading", level=3).first).to_contain_text(
        "from the corrupt prompt into the clean one (mean of 8 prompts)"
    )
    assert heads.colours("grid") > 2
    heads.wait_for_picture("pattern-0-1", lambda shown: len(shown) > 50)
    notebook.screenshot("patching-heads", heads.root)
    rows.nth(1).click()
    heads.wait("session.head.value[0] === 1 && session.head.value[1] === 2")


def test_a_place_is_selected_in_the_map_and_in_the_table(notebook, stream):
    assert stream.colours("place-map") > 2
    rows = stream.part("parts").locator("tbody tr")
    expect(rows.first).to_contain_text("layer 0, first")
    rows.nth(1).click()
    expect(rows.nth(1)).to_have_attribute("aria-selected", "true")
    expect(stream.part("place-map-tip")).to_contain_text("of clean − corrupt")
    matrix = stream.root.get_by_role("application", name="The effect of patching")
    matrix.press("ArrowDown")
    matrix.press("Enter")
    stream.wait("session.head.value[0] === 1")
    notebook.screenshot("patching-stream", stream.root)


def test_the_map_shows_shares_when_asked_and_python_sets_it(notebook, stream):
    stream.root.get_by_role("radio", name="share of clean").click()
    stream.wait("session.params.choice('patching.measure').value === 'share'")
    expect(stream.part("place-map-legend")).to_contain_text("share of clean")
    notebook.python("shown = stream.view(params={'patching.measure': 'share'})")


def test_every_width_and_theme(heads, stream):
    looks.everywhere("patching-heads", heads)
    looks.everywhere("patching-stream", stream)


def test_few_prompts_test_nothing(notebook):
    notebook.page.set_viewport_size({"width": 1366, "height": 900})
    notebook.run(3)
    page = ExplorerPage(notebook, 3)
    expect(page.root).to_contain_text("With fewer than 5 prompts no effect is tested.")
    notebook.screenshot("patching-few", page.root)
