"""The view of flow between layers, as a user has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import opened

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "task = cw.Task.repeated_tokens(model, n=12)\n"
    "flow = cw.analyze_cross_layer_flow(model, task, progress=False)\n"
    "shown = flow.view()\nshown",
]


@pytest.fixture(scope="module")
def page(lab):
    yield from opened(lab, CELLS)


def diagram_of(page):
    return page.root.get_by_role("application", name="Flow between layers, from the embedding")


def test_it_opens_on_the_strongest_flow_and_its_threshold(page):
    n = int(page.notebook.python("int(flow.found().sum())"))
    slider = page.part("least")
    assert f"{n} flows of" in (slider.get_attribute("aria-valuetext") or "")
    expect(page.part("bound")).to_have_text("the largest by chance")
    expect(page.part("flows").locator("tbody tr")).to_have_count(n)
    expect(page.part("subject")).to_have_text("0.attn → 1.attn")
    expect(page.part("about")).to_contain_text("by an exact run")
    expect(page.part("said")).to_contain_text("pairs of layers have a flow above")
    expect(page.part("levels-said")).to_contain_text("levels take 7 layers or more")
    assert page.colours("flow") > 3


def test_the_threshold_moves_diagram_and_table_without_python_asking(page):
    before = page.picture("flow")
    slider = page.part("least")
    slider.press("End")
    expect(page.root.get_by_text("No flow is above the threshold")).to_be_visible()
    page.wait_for_picture("flow", lambda shown: shown != before)
    slider.press("ArrowLeft")
    expect(page.part("flows").locator("tbody tr")).to_have_count(1)
    strongest = "abs(flow.pairs(1)[0].strength)"
    page.expect_python(f"0 < shown.params['layers.least'] < {strongest}", True)
    page.root.get_by_role("button", name="reset").click()
    expect(page.part("bound")).to_have_text("the largest by chance")


def test_a_flow_opens_the_heads_that_write_it(page):
    row = page.part("flows").locator("tbody tr").nth(1)
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    expect(page.part("subject")).to_have_text("0.attn → 1.attn")
    heads = page.part("heads").locator("tbody tr")
    expect(heads.first).to_contain_text("0.1")
    heads.nth(1).click()
    expect(heads.nth(1)).to_have_attribute("aria-selected", "true")
    other = heads.nth(1).inner_text().split()[0].replace(".", "-")
    expect(page.part(f"pattern-{other}").first).to_be_visible()
    page.part("profile").locator("tbody tr").nth(1).click()
    expect(page.part("subject")).to_have_text("1.attn")
    expect(page.part("reads").locator("tbody tr").first).to_contain_text("0.attn")
    expect(page.part("writes").locator("tbody tr").first).to_contain_text("logits")


def test_the_diagram_is_walked_through_by_keys(page):
    diagram = diagram_of(page)
    diagram.focus()
    diagram.press("ArrowDown")
    expect(page.part("flow-tip")).to_contain_text("flows in")
    diagram.press("Shift+ArrowRight")
    expect(page.part("flow-tip")).to_contain_text("→")
    diagram.press("Enter")
    said = page.part("flow-tip").inner_text()
    expect(page.part("subject")).to_have_text(said.split(":")[0])
    page.expect_python("shown.params['layers.selected']", said.split(":")[0])
    diagram.press("Escape")
    expect(page.part("subject")).to_have_text("0.attn → 1.attn")


def test_it_fits_a_laptop(page):
    assert looks.wrong(page.root) == []
    assert looks.height(page.root) <= 620
    page.notebook.screenshot("layers", page.root)


def test_every_width_and_theme(page):
    looks.everywhere("layers", page, "flow")


LEVELS = (
    "import dataclasses\nfrom circuit_widgets.analysis.flow.levels import Level, Levels\n"
    'names = ("embedding", "low", "middle", "output")\n'
    "found = tuple(Level(name, at, at, at, at) for at, name in enumerate(names, -1))\n"
    'shown = dataclasses.replace(flow, levels=Levels(found, "", None)).view()\nshown'
)


def test_a_click_on_a_band_opens_the_heads_of_its_level(lab):
    """A toy has too few layers for levels: here they are set."""
    for page in opened(lab, [CELLS[0], CELLS[1].removesuffix("shown") + LEVELS]):
        box = diagram_of(page).bounding_box()
        assert box is not None
        # Left of all parts, a quarter of a row above the row of layer 0.
        row = (box["height"] - 32) / 3
        diagram_of(page).click(position={"x": 34, "y": box["height"] - 16 - 1.25 * row})
        expect(page.part("subject")).to_have_text("low")
        page.expect_python("shown.params['layers.selected']", "low")
        expect(page.root.get_by_role("button", name="low 0–0")).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(page.part("heads").locator("tbody tr")).to_have_count(4)
