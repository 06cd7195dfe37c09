"""The view of influence, as a user has it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

TEXT = "blue dog seven river green blue dog seven river stone dog blue"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    f"effects = cw.compute_self_influence(model, {TEXT!r}, progress=False)\neffects",
    "own = cw.compute_self_influence(model, 'blue dog seven blue', generate=4)\nown",
    f"texts = [{TEXT!r}, 'cat red seven river two blue cat red', 'red dog red dog two red']\n"
    "several = cw.compute_self_influence(model, texts, progress=False)\nseveral",
    f"view = cw.compute_self_influence.stream(model, {TEXT!r}, draws=400, batch=1)\nview",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1366, height=768) as notebook:
        notebook.run(0)
        yield notebook
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


def opened(notebook, cell: int) -> ExplorerPage:
    if notebook.view(cell).count() == 0:
        notebook.run(cell)
    page = ExplorerPage(notebook, cell)
    expect(page.root).to_be_visible()
    return page


def test_a_tokens_effect_is_told_with_what_it_is_a_mean_over(notebook):
    page = opened(notebook, 1)
    expect(page.root.get_by_role("heading").first).to_contain_text(
        "Influence on “dog” (predicted after position 12)"
    )
    page.root.locator(".word").nth(7).hover()
    value = float(notebook.python("effects.logp.value[7].item()"))
    expect(page.part("effect")).to_contain_text("(position 7)")
    expect(page.part("effect")).to_contain_text(f"{value:.2f}".replace("-", "−"))
    expect(page.part("effect")).to_contain_text("mean over all replacements")
    expect(page.part("replaced-by")).to_contain_text(
        "all other tokens of the text (5 at each position): the means have no sampling error"
    )
    notebook.screenshot("influence", page.root)


def test_dots_stand_below_their_words(notebook):
    page = opened(notebook, 1)
    # Colour columns of the canvas over the words: the dot of a strong effect is below its word.
    at = page.part("strip-over").evaluate(
        """canvas => {
            const root = canvas.getRootNode();
            const word = root.querySelectorAll('.word')[12].getBoundingClientRect();
            const box = canvas.getBoundingClientRect();
            const ratio = canvas.width / box.width;
            const [x, y] = [word.left + word.width / 2 - box.left, word.bottom - box.top + 6];
            const { data } = canvas.getContext('2d')
                .getImageData((x - 3) * ratio, y * ratio, 6 * ratio, 130 * ratio);
            let coloured = 0;
            for (let i = 0; i < data.length; i += 4)
                if (data[i + 3] > 200 && Math.abs(data[i] - data[i + 2]) > 40) coloured++;
            return coloured;
        }"""
    )
    assert at > 4


def test_tokens_are_walked_through_by_keys(notebook):
    page = opened(notebook, 1)
    strip = page.root.get_by_role("group", name="The text.")
    strip.focus()
    strip.press("Home")
    strip.press("ArrowRight")
    expect(page.part("effect")).to_contain_text("(position 1)")
    strip.press("Enter")
    page.wait("session.cell.value.query === 1")


def test_the_foot_has_only_keys_that_mean_something_here(notebook):
    page = opened(notebook, 1)
    foot = page.root.locator("footer")
    expect(foot).not_to_contain_text("head")
    expect(foot).not_to_contain_text("selection 0.0")
    expect(foot).to_contain_text("token")


def test_what_the_model_wrote_is_told_apart_from_the_prompt(notebook):
    page = opened(notebook, 2)
    rows = page.part("outputs").locator("tbody tr")
    expect(rows).to_have_count(4)
    own = float(notebook.python("own.own.value[2].item()"))
    expect(rows.nth(2)).to_contain_text(f"{own:.2f}")
    assert page.colours("pairs-matrix") > 3
    expect(page.part("pairs-matrix-legend")).to_contain_text("nats")
    notebook.screenshot("generate", page.root)


def test_means_over_prompts_are_told_with_the_prompts(notebook):
    page = opened(notebook, 3)
    expect(page.root.get_by_role("heading").first).to_contain_text("the targets of 3 prompts")
    page.root.locator(".word").nth(11).hover()
    low = float(notebook.python("several.logp.low[11].item()"))
    expect(page.part("effect")).to_contain_text("(1 token before the output)")
    expect(page.part("effect")).to_contain_text("95 % interval over prompts")
    expect(page.part("effect")).to_contain_text(f"{low:.2f}".replace("-", "−"))
    expect(page.part("effect")).to_contain_text("n = 3")
    assert page.colours("by-prompt") > 3
    notebook.screenshot("influence-prompts", page.root)


def test_it_fits_a_laptop(notebook):
    for cell in (1, 2, 3):
        page = opened(notebook, cell)
        assert looks.wrong(page.root) == []
        assert looks.height(page.root) <= 640


def test_positions_fill_in_and_stop_leaves_what_is_done(notebook):
    notebook.run(4)
    page = ExplorerPage(notebook, 4)
    page.wait(
        "session.topic.value?.table('measures')?.numbers('logp').some((v) => !Number.isNaN(v))"
    )
    page.part("stop").click()
    expect(page.part("notice")).to_contain_text("Stopped. partial: ")
    done = int(notebook.python("view.result.logp.value.isfinite().sum().item()"))
    assert 0 < done < 13
    notebook.screenshot("influence-stopped", page.root)


def test_every_width_and_theme(notebook):
    for cell, name in ((1, "influence"), (2, "generate"), (3, "influence-prompts")):
        looks.everywhere(name, opened(notebook, cell), "strip-over")
