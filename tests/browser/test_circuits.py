"""The view of a circuit, as a user has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import opened

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "task = cw.Task.repeated_tokens(model, n=12)\n"
    "circuit = cw.extract_circuit(model, task, progress=False)\n"
    "shown = circuit.view()\nshown",
]


@pytest.fixture(scope="module")
def page(lab):
    yield from opened(lab, CELLS)


def graph_of(page):
    return page.root.get_by_role("application", name="The circuit, from the embedding")


def test_it_opens_on_the_chosen_circuit(page):
    n, everything = (page.notebook.python(f"circuit.{name}") for name in ("n_edges", "n_all"))
    slider = page.part("size")
    assert (slider.get_attribute("aria-valuetext") or "").startswith(f"{n} of {everything} edges")
    expect(page.part("drawn")).to_have_text("the chosen circuit")
    edge = "circuit.edges[0]"
    source, score = (page.notebook.python(f"{edge}.{name}") for name in ("source", "score"))
    first = page.part("edges").locator("tbody tr").first
    expect(first).to_contain_text(source.strip("'"))
    expect(first).to_contain_text(f"{float(score):.2f}")
    expect(page.part("effect")).to_contain_text("faithfulness falls by")
    assert page.colours("circuit") > 3 and page.colours("faithfulness") > 3


def test_graph_numbers_table_and_curves_move_together(page):
    before = page.picture("circuit")
    page.part("size").press("Home")
    smallest = page.notebook.python("circuit.sizes[0]")
    expect(page.part("faithfulness-tip")).to_contain_text(f"{smallest} edges: faithfulness")
    expect(page.part("edges").locator("tbody tr")).to_have_count(int(smallest))
    page.wait_for_picture("circuit", lambda shown: shown != before)
    page.expect_python("shown.params['circuits.size']", 0.0)
    curve = page.root.get_by_role("application", name="Faithfulness by the number of edges")
    curve.press("ArrowRight")
    page.expect_python("shown.params['circuits.size']", 1.0)
    page.notebook.python("shown.params.update({'circuits.size': circuit.chosen})")
    expect(page.part("drawn")).to_have_text("the chosen circuit")


def test_a_line_has_its_parts_and_a_node_what_it_reads_and_writes(page):
    row = page.part("edges").locator("tbody tr").nth(1)
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    expect(page.part("subject")).to_have_text("0.1 → 1.2")
    expect(page.part("parts").locator("tbody tr").first).to_contain_text("k")
    expect(page.part("pattern-1-2").first).to_be_visible()
    page.notebook.python("shown.params['circuits.selected'] = 'embedding'")
    expect(page.part("subject")).to_have_text("embedding")
    expect(page.part("reads")).to_have_count(0)
    expect(page.part("writes").locator("tbody tr").first).to_contain_text("0.1")
    page.notebook.python("shown.params['circuits.selected'] = '0.0'")
    expect(page.part("effect")).to_contain_text("Not in the circuit of")
    page.notebook.python("shown.params['circuits.selected'] = ''")


def test_the_ring_of_the_focus_is_inside_so_that_it_keeps_off_the_legend(page):
    graph = graph_of(page)
    graph.focus()
    graph.press("ArrowDown")
    ring = """e => [getComputedStyle(e).outlineStyle, getComputedStyle(e, '::after').borderStyle,
        getComputedStyle(e, '::after').inset]"""
    assert graph.evaluate(ring) == ["none", "solid", "0px"]
    graph.press("Escape")


def test_nodes_are_walked_to_picked_and_folded_by_keys(page):
    graph = graph_of(page)
    graph.focus()
    graph.press("ArrowDown")
    expect(page.part("circuit-tip")).to_contain_text("reads along")
    base = page.picture("circuit")
    names = []
    for _ in range(2):
        names.append((page.part("circuit-tip").inner_text()).split(":")[0])
        graph.press("Shift+Enter")
        graph.press("ArrowDown")
    expect(page.part("picked")).to_contain_text(", ".join(names))
    page.root.get_by_label("Name of the group").fill("mine")
    page.root.get_by_label("Name of the group").press("Enter")
    page.expect_python("shown.params['circuits.groups']", f"mine: {', '.join(names)}")
    page.wait_for_picture("circuit", lambda shown: shown != base)
    expect(page.part("subject")).to_have_text("mine")
    page.root.get_by_role("button", name="unfold").click()
    page.expect_python("shown.params['circuits.open']", "mine")
    page.root.get_by_role("button", name="Forget the group mine").click()
    page.expect_python("shown.params['circuits.groups']", "")
    page.notebook.python("shown.params['circuits.selected'] = ''")
    graph.press("Escape")


def test_pointing_at_a_node_lets_the_rest_step_back(page):
    graph = graph_of(page)
    graph.press("ArrowDown")
    page.wait_for_picture("circuit-over", lambda shown: len(shown) > 3000)
    page.notebook.screenshot("circuits-node", page.root)
    graph.press("Escape")


def test_it_fits_a_laptop(page):
    assert looks.wrong(page.root) == []
    assert looks.height(page.root) <= 620
    page.notebook.screenshot("circuits", page.root)


def test_every_width_and_theme(page):
    looks.everywhere("circuits", page, "circuit")
