"""The view of coordination, as a user has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import opened

TEXT = "blue dog seven river green blue dog seven river stone dog blue"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    f"words = {TEXT!r}.split()\n"
    "texts = [' '.join(words[at:] + words[:at]) for at in range(8)]\n"
    "pairs = cw.analyze_head_coordination(model, texts, pairs=2, fdr=0.5, progress=False)\npairs",
]


@pytest.fixture(scope="module")
def page(lab):
    yield from opened(lab, CELLS)


def test_the_significant_pairs_are_counted(page):
    found = int(page.notebook.python("len(pairs.significant())"))
    assert found > 1
    expect(page.part("significant")).to_have_text(
        f"{found} significant pairs (q < 0.5); dashed = negative"
    )
    assert page.colours("heads-matrix") > 3


def test_colours_and_lines_have_their_scale(page):
    for legend in ("heads-matrix-legend", "pairs-graph-legend"):
        expect(page.part(legend)).to_contain_text("Spearman ρ")
        expect(page.part(legend)).to_contain_text("−1")


def test_a_pair_opens_both_heads_and_its_type_is_a_word(page):
    row = page.part("coordinated").locator("tbody tr").nth(1)
    expect(row).to_contain_text(page.notebook.python("pairs.pairs[1].type").strip("'"))
    row.press("Enter")
    for end in ("a", "b"):
        head = page.notebook.python(f"pairs.pairs[1].{end}").strip("'").replace(".", "-")
        expect(page.part(f"pattern-{head}").first).to_be_visible()
    page.part("coordinated").locator("tbody tr").first.click()


def test_an_edge_is_selected_by_keys(page):
    graph = page.root.get_by_role("application", name="Significant pairs")
    graph.focus()
    graph.press("Shift+ArrowRight")
    graph.press("Shift+ArrowRight")
    expect(page.part("pairs-graph-tip")).to_contain_text("Spearman ρ")
    graph.press("Enter")
    page.wait("session.selection.edge.value.source === 'coordination'")
    ends = page.session(
        "['sender', 'receiver'].map(end => session.selection.edge.value.value[end].join('.'))"
    )
    for end in ends:
        expect(page.part("pairs-graph-tip")).to_contain_text(end)


def test_it_fits_a_laptop(page):
    assert looks.wrong(page.root) == []
    assert looks.height(page.root) <= 640
    page.notebook.screenshot("coordination", page.root)


def test_every_width_and_theme(page):
    looks.everywhere("coordination", page, "pairs-graph")
