"""The view of direct logit attribution, as a user has it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

TEXT = "blue dog seven river green blue dog seven river stone dog blue"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    f"shares = cw.attribute_logits(model, {TEXT!r}, target=('dog', 'seven'), progress=False)\n"
    "shares",
    f"lost = cw.ablate_heads(model, [{TEXT!r}, 'cat red stone cat red'], progress=False)\nlost",
    f"both = cw.ablate_heads(model, {TEXT!r}, ['0.1', '1.1'], together=True, progress=False)\nboth",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1366, height=900) as notebook:
        notebook.run(0)
        notebook.run(1)
        yield notebook
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


@pytest.fixture
def page(notebook):
    page = ExplorerPage(notebook, 1)
    expect(page.root).to_be_visible()
    return page


def test_the_largest_share_is_first_and_its_head_is_selected(notebook, page):
    rows = page.part("parts").locator("tbody tr")
    expect(rows).to_have_count(10)
    name, share = notebook.python(
        "print(*[f'{part[0]} {part[1]:.2f}' for part in shares.highest(1)])"
    ).split()
    expect(rows.first).to_contain_text(name)
    # The page's minus is a true one.
    expect(rows.first).to_contain_text(share.replace("-", "−"))
    assert page.colours("grid") > 3
    expect(page.root.get_by_role("heading", level=3).first).to_contain_text(
        "Shares of the logit of “dog” less that of “seven”"
    )
    page.wait_for_picture("pattern-1-1", lambda shown: len(shown) > 100)
    notebook.screenshot("attribution", page.root)


def test_a_row_selects_its_head_and_shows_where_it_looks(notebook, page):
    row = page.part("parts").get_by_role("row").filter(has_text=re.compile(r"^0\.2"))
    row.click()
    page.wait("session.head.value[0] === 0 && session.head.value[1] === 2")
    expect(row).to_have_attribute("aria-selected", "true")
    # The rows of MLPs name no head.
    page.part("parts").locator("tbody tr", has_text="embedding").click()
    page.wait("session.head.value[0] === 0 && session.head.value[1] === 2")


def test_it_can_be_sorted_and_python_knows(notebook, page):
    page.root.get_by_role("button", name="share").click()
    page.wait("session.params.choice('attribution.parts.sort').value !== ''")
    assert "share" in notebook.python("shares_view = shares.view(); print('share')")


def test_every_width_and_theme(page):
    looks.everywhere("attribution", page)


def test_what_is_lost_without_each_head_and_without_several(notebook):
    notebook.page.set_viewport_size({"width": 1366, "height": 900})
    notebook.run(2)
    page = ExplorerPage(notebook, 2)
    expect(page.root.get_by_role("heading", level=3).first).to_contain_text("Fall of the mean")
    name, fall = notebook.python("print(*lost.highest(1)[0][:2])").split()
    first = page.part("parts").locator("tbody tr").first
    expect(first).to_contain_text(name)
    expect(first).to_contain_text(f"{float(fall):.2f}")
    expect(page.part("parts")).to_contain_text("random heads")
    notebook.screenshot("ablation", page.root)
    notebook.run(3)
    page = ExplorerPage(notebook, 3)
    expect(page.part("parts").locator("tbody tr")).to_have_count(1)
    expect(page.root).to_contain_text("ablated together, as one set")
    assert looks.overflowing(page.root) == []
    notebook.screenshot("ablation-set", page.root)
