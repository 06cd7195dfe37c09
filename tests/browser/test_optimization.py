"""The view of optimization, as a user has it: a model that gets smaller, without the kernel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import opened

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()\n"
    "task = cw.Task.repeated_tokens(model, n=16, length=10)",
    "found = cw.suggest_circuit_optimizations(\n"
    "    model, task, upto=0.75, random=4, passes=6, progress=False\n)\nfound",
]


@pytest.fixture(scope="module")
def page(lab):
    yield from opened(lab, CELLS)


def test_suggestions_have_their_evidence(page):
    rows = page.part("suggestions").locator("tbody tr")
    expect(rows.first).to_contain_text("pruning")
    expect(rows.first).to_contain_text("holds")
    capacity = rows.filter(has_text="capacity increase").filter(has_text="1.2")
    expect(capacity).to_contain_text("takes training")
    capacity.click()
    expect(page.part("evidence")).to_contain_text("of the task is lost")
    expect(page.part("evidence")).to_contain_text("not known before such a model has been trained")
    page.wait("session.head.value[0] === 1 && session.head.value[1] === 2")
    page.notebook.screenshot("optimization", page.root)


def test_the_slider_prunes_without_the_kernel(page):
    slider = page.root.get_by_role("slider", name="Heads pruned")
    code = page.part("python")
    slider.press("Home")
    expect(code).to_have_text("small = model")
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    heads = page.notebook.python("', '.join(f'\"{h}\"' for h in found.heads(2))").strip("'")
    expect(code).to_have_text(f"small = cw.prune_heads(model, [{heads}])")
    expect(page.part("rise-tip")).to_contain_text("2 of 8 heads pruned: loss")
    parameters = page.part("costs").locator("tbody tr").first
    expect(parameters).to_contain_text("11.2 %")
    said = r"A pass saves −?[\d.]+ % of its time \(95 % interval −?[\d.]+ to −?[\d.]+ %\)\."
    expect(page.part("time")).to_have_text(re.compile(said))
    assert page.notebook.python("found.view().params['optimization.point']") != "2.0"
    # By keys as well, and by the curve.
    page.root.locator(".root").focus()
    page.notebook.page.keyboard.press("j")
    expect(page.part("rise-tip")).to_contain_text("3 of 8 heads pruned")
    page.root.get_by_role("application", name="Rise of the loss").press("ArrowLeft")
    expect(page.part("rise-tip")).to_contain_text("2 of 8 heads pruned")


def test_it_is_copied_as_python(page):
    page.notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.part("copy").click()
    expect(page.part("copied")).to_contain_text("Copied: ")
    said = page.notebook.page.evaluate("navigator.clipboard.readText()")
    assert said == page.part("python").inner_text()


def test_every_width_and_theme(page):
    looks.everywhere("optimization", page)
