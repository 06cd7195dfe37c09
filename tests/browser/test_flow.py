"""The view of information flow, as a user has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage, opened

TEXT = "blue dog seven river green blue dog seven river stone dog blue"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    f"flow = cw.trace_information_flow(model, {TEXT!r}, progress=False)\nflow",
    "words = (('dog', 'cat'), ('red', 'two'), ('sun', 'ring'))\n"
    "pairs = [f'blue {one} {other} river blue {one}' for one, other in words]\n"
    "cw.trace_information_flow(model, pairs, progress=False)",
]


@pytest.fixture(scope="module")
def page(lab):
    yield from opened(lab, CELLS)


def test_it_opens_on_the_strongest_path_and_its_head(page):
    paths = page.part("paths").locator("tbody tr")
    weights = "sorted((path.weight for path in flow.key_paths), reverse=True)"
    strongest = float(page.notebook.python(f"{weights}[0]"))
    assert float(paths.first.inner_text().split()[0]) == pytest.approx(strongest, rel=0.03)
    expect(paths.first).to_have_attribute("aria-selected", "true")
    head = page.session("session.head.value.join('.')")
    assert f"–{head}" in paths.first.inner_text()
    shown = [float(text.split()[0]) for text in paths.all_inner_texts()]
    assert shown == sorted(shown, reverse=True)


def test_a_threshold_hides_steps(page):
    page.wait_for_picture("routes", lambda shown: len(shown) > 0)
    before = page.picture("routes")
    slider = page.root.get_by_role("slider", name="Hide steps below")
    slider.press("End")
    page.wait_for_picture("routes", lambda shown: shown != before)
    slider.press("Home")


def test_a_path_is_drawn_over_the_graph_that_is_kept(page):
    page.part("paths").locator("tbody tr").nth(1).click()
    expect(page.part("paths").locator("tbody tr").nth(1)).to_have_attribute("aria-selected", "true")
    base = page.picture("routes")
    over = page.picture("routes-over")
    page.part("paths").locator("tbody tr").first.click()
    page.wait_for_picture("routes-over", lambda shown: shown != over)
    assert page.picture("routes") == base


def test_the_graph_is_walked_through_by_keys(page):
    graph = page.root.get_by_role("application", name="Routes from the tokens")
    graph.focus()
    graph.press("ArrowDown")
    expect(page.part("routes-tip")).to_contain_text("residual stream")
    graph.press("Shift+ArrowRight")
    expect(page.part("routes-tip")).to_contain_text("of the final residual stream")
    graph.press("Escape")
    expect(page.part("routes-tip")).not_to_contain_text("of the final residual stream")


def test_a_source_is_told_in_words(page):
    page.root.locator(".word").nth(2).hover()
    route = float(page.notebook.python("flow.routes[2].item()"))
    expect(page.part("route-tip")).to_contain_text(f"(position 2): share by route {route:.2f}")
    expect(page.part("routes-legend")).to_contain_text("share of the final residual stream")


def test_the_source_whose_knockout_costs_most_comes_first(page):
    first = page.part("sources").locator("tbody tr").first
    source = "flow.information_sources[0]"
    position, cost = (
        float(page.notebook.python(f"{source}.{name}")) for name in ("position", "knockout")
    )
    expect(first).to_contain_text(f"{position:.0f}")
    expect(first).to_contain_text(f"{cost:.2f}".replace("-", "−"))
    (layer, _), most = eval(page.notebook.python(f"flow.strongest_window({position:.0f})"))
    expect(first).to_contain_text(f"{layer}: {most:+.2f}".replace("-", "−"))


def test_it_fits_a_laptop(page):
    assert looks.wrong(page.root) == []
    assert looks.height(page.root) <= 640
    page.notebook.screenshot("flow", page.root)


def test_every_width_and_theme(page):
    looks.everywhere("flow", page, "routes")


def test_means_over_prompts_have_their_intervals_and_room(page):
    page.notebook.page.set_viewport_size({"width": 1366, "height": 768})
    many = ExplorerPage(page.notebook, 2)
    many.root.scroll_into_view_if_needed()
    share = many.part("sources").locator("tbody tr").first.locator("td").nth(4)
    assert " to " in (share.get_attribute("title") or "")
    assert looks.wrong(many.root) == []
    page.notebook.screenshot("flow-prompts", many.root)
