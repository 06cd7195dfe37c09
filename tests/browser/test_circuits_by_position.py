"""The view of a circuit by position, as a user has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import opened

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "task = cw.Task.repeated_tokens(model, n=12, length=6)\n"
    "circuit = cw.extract_circuit(model, task, by_position=True, keep=0.6, progress=False)\n"
    "shown = circuit.view()\nshown",
]


@pytest.fixture(scope="module")
def page(lab):
    yield from opened(lab, CELLS)


def test_nodes_are_heads_at_positions(page):
    row = page.part("edges").locator("tbody tr").first
    expect(row).to_contain_text("first ")
    row.click()
    expect(page.part("subject")).to_contain_text("embedding at first")
    graph = page.root.get_by_role("application", name="The circuit, from the embedding")
    graph.focus()
    graph.press("ArrowDown")
    expect(page.part("circuit-tip")).to_contain_text(" at ")
    graph.press("Enter")
    expect(page.part("subject")).to_contain_text(" at ")
    page.notebook.python("shown.params['circuits.selected'] = '1.2@9'")
    expect(page.part("subject")).to_have_text("1.2 at second 3")
    expect(page.part("reads").locator("tbody tr").first).to_contain_text("0.1")
    page.notebook.screenshot("circuits-by-position-node", page.root)
    page.notebook.python("shown.params['circuits.selected'] = ''")


def test_it_fits_a_laptop(page):
    page.wait_for_picture("circuit", lambda shown: len(shown) > 1000)
    assert looks.overflowing(page.root) == []
    assert looks.covered(page.root) == []
    assert looks.cut(page.root) == []
    page.notebook.screenshot("circuits-by-position", page.root)
    before = page.picture("circuit")
    page.part("size").press("End")
    page.wait_for_picture("circuit", lambda shown: shown != before)
    page.notebook.screenshot("circuits-by-position-all", page.root)
