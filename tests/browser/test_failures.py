"""The failure browser as a user has it: filter, select, try a fix, type a case; with no kernel."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import opened

CELLS = [
    "import contextlib\nimport circuit_widgets as cw\n"
    "model, healthy = cw.load_model(), cw.load_model()\n"
    "planted = contextlib.ExitStack()\n"
    "planted.enter_context(cw.inject_fault(model, 'zero_q', '0.1'))\n"
    "task = cw.Task.repeated_tokens(model, n=4, length=7)\n"
    "found = cw.analyze_failures(model, task, reference=healthy, n_cases=6, progress=False)",
    "view = found.view()\nview",
]


@pytest.fixture(scope="module")
def page(lab):
    yield from opened(lab, CELLS)


def keys(page):
    """What has the keyboard."""
    return page.root.locator(".root")


def rows(page, table):
    return page.part(table).locator("tbody tr")


def test_the_faulty_head_lights_up_beside_its_healthy_attention(page):
    expect(rows(page, "cases")).to_have_count(6)
    expect(page.part("part-name")).to_contain_text("0.1")
    assert page.colours("anomalies") > 2
    for name in ("failing", "healthy"):
        page.wait_for_picture(name, lambda shown: len(shown) > 500)
    assert page.picture("failing") != page.picture("healthy")
    page.notebook.screenshot("failures-light", page.root)


def test_keys_lead_through_cases_parts_and_fixes(page):
    keys(page).press("j")
    page.wait("session.params.number('failures.case').value === 1")
    expect(page.part("case-name")).to_contain_text("Case 1")
    matrix = page.root.get_by_role("application", name="How far out of line")
    matrix.press("ArrowDown")
    matrix.press("Enter")
    page.wait("session.head.value[0] === 1")
    for key in "0.1":
        keys(page).press(key)
    expect(page.part("part-name")).to_contain_text("0.1")
    keys(page).press("t")
    first = rows(page, "tried").first
    expect(first).to_contain_text("+", timeout=30_000)
    expect(first).to_contain_text("→")
    page.notebook.screenshot("failures-tried", page.root)


def test_filters_leave_cases_out(page):
    page.part("filter-layer").select_option("0")
    page.part("filter-type").select_option("unknown")
    expect(page.part("cases-empty")).to_be_visible()
    page.expect_python("view.params['failures.type']", "unknown")
    page.part("filter-type").select_option("")
    expect(rows(page, "cases")).to_have_count(6)
    page.notebook.python("view.params['failures.layer'] = ''")


def test_a_case_is_typed_and_diagnosed(page):
    before = rows(page, "cases").count()
    keys(page).press("/")
    page.part("add-prompt").fill("blue dog seven river blue dog seven")
    page.part("add-expected").fill("river")
    page.part("add-expected").press("Enter")
    expect(rows(page, "cases")).to_have_count(before + 1, timeout=30_000)
    expect(page.part("case-name")).to_contain_text(f"Case {before}")
    expect(page.part("diagnosis")).to_contain_text("'river' is expected")
    page.part("add-expected").fill("river blue")
    page.part("add").click()
    expect(page.part("notice")).to_contain_text("2 tokens", timeout=30_000)


@pytest.mark.parametrize("width", [500, 900, 1400])
def test_every_width(page, width):
    page.notebook.page.set_viewport_size({"width": width + 110, "height": 2000})
    assert looks.overflowing(page.root) == []
    assert looks.covered(page.root) == []
    assert looks.spilled(page.root) == []
    assert looks.cut(page.root) == []
    page.notebook.screenshot(f"failures-{width}", page.root)
    page.notebook.page.set_viewport_size({"width": 1366, "height": 768})


def test_it_fits_a_laptop_in_the_dark(page):
    page.notebook.set_theme("dark")
    assert looks.height(page.root) <= 640
    assert looks.spilled(page.root) == []
    page.notebook.screenshot("failures-dark", page.root)


def test_without_a_kernel_all_stays_and_what_needs_one_says_so(page):
    page.notebook.restart_kernel()
    expect(page.part("why-not")).to_contain_text("needs the kernel", timeout=30_000)
    expect(page.part("try")).to_be_disabled()
    expect(page.part("add-prompt")).to_be_disabled()
    rows(page, "cases").first.click()
    expect(page.part("part-name")).to_contain_text("0.1")
    assert rows(page, "tried").count() > 0
    for name in ("failing", "healthy"):
        page.wait_for_picture(name, lambda shown: len(shown) > 500)
    page.notebook.screenshot("failures-no-kernel", page.root)
