"""The explorer in a real JupyterLab: what a user sees, clicks, types, and reads back."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

PROMPT = "blue dog seven river green blue dog seven river green blue dog"
CELLS = [
    "import json\nimport circuit_widgets as cw\nmodel = cw.load_model()",
    f"explorer = cw.explore(model, {PROMPT!r})\nexplorer",
    "explorer",
]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS, width=1400, height=1300) as notebook:
        notebook.run_all()
        yield notebook


@pytest.fixture
def page(notebook):
    page = ExplorerPage(notebook, 1)
    yield page
    assert notebook.errors == []
    assert notebook.requests_elsewhere == []


def pattern(notebook, head):
    return json.loads(notebook.python(f"print(json.dumps(explorer.pattern({head!r}).tolist()))"))


def exact(value):
    """As js/src/draw/number.ts writes it."""
    return f"{value:.4f}" if value == 0 or value >= 0.001 else f"{value:.1e}".replace("e-0", "e−")


def test_the_grid_and_the_matrix_paint(page, notebook):
    page.wait_for_tile()
    assert page.colours("grid") > 8
    assert page.colours("matrix") > 8
    expect(page.part("facts")).to_contain_text("toy-induction")
    expect(page.part("facts")).to_contain_text("13 tokens")
    # It opens on the head with the highest prefix matching, and says so beside its baseline.
    assert page.head() == notebook.python("str(explorer.selection.as_head)").strip("'")
    expect(page.part("score-prefix_matching")).to_contain_text("0.9")
    notebook.screenshot("explorer-light", page.root)


@pytest.mark.parametrize(("layer", "head"), [(0, 1), (1, 3), (0, 2)])
def test_a_click_shows_that_heads_numbers(page, notebook, layer, head):
    page.click_head(layer, head)
    expect(page.part("head-name")).to_have_text(f"{layer}.{head}")
    tile = page.wait_for_tile()
    truth = pattern(notebook, f"{layer}.{head}")
    n = len(truth)
    assert (tile["rows"], tile["cols"]) == (n, n)
    for q in range(n):
        assert tile["first"][q] == truth[q][0]
        for k in range(1, n):
            shown = tile["data"][q * n + k] * tile["scale"] / 255
            assert abs(shown - truth[q][k]) <= tile["scale"] / 510 + 1e-7
    page.expect_python("str(explorer.selection.as_head)", f"{layer}.{head}")


def test_the_cell_under_the_pointer_is_exact(page, notebook):
    page.click_head(1, 2)
    truth = pattern(notebook, "1.2")
    for query, key in ((7, 3), (12, 11), (5, 0)):
        page.point_at(query, key)
        expect(page.part("exact")).to_have_text(exact(truth[query][key]))
        assert page.row(query) == truth[query]
    notebook.page.mouse.move(0, 0)


def test_a_head_set_in_python_is_shown(page, notebook):
    notebook.python('explorer.selection = "0.3"')
    expect(page.part("head-name")).to_have_text("0.3")
    notebook.python("explorer.selection.set('1.1', query=4, key=2)")
    expect(page.part("selected")).to_have_text("selection 1.1, query 4, key 2")
    assert page.row(4) == pattern(notebook, "1.1")[4]


def test_two_outputs_of_one_widget_agree(page, notebook):
    other = ExplorerPage(notebook, 2)
    page.click_head(0, 0)
    expect(other.part("head-name")).to_have_text("0.0")
    other.click_head(1, 1)
    expect(page.part("head-name")).to_have_text("1.1")
    assert other.wait_for_tile() == page.wait_for_tile()


def test_the_prompt_box_runs_the_model(page, notebook):
    page.run("seven river green dog seven river green")
    page.expect_tokens(8)
    assert notebook.python("explorer.tokens[1]") == "'seven'"
    expect(page.part("strip")).to_contain_text("seven")
    notebook.python("explorer.selection.query = 7")
    # What is expected next follows: the induction that the model has learned.
    expect(page.part("expects").locator("li").first).to_contain_text("dog")
    page.click_head(1, 2)
    n = 8
    tile, truth = page.wait_for_tile(), pattern(notebook, "1.2")
    assert all(
        abs(tile["data"][q * n + k] * tile["scale"] / 255 - truth[q][k])
        <= tile["scale"] / 510 + 1e-7
        for q in range(n)
        for k in range(1, n)
    )
    page.run(PROMPT)
    page.expect_tokens(13)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [("", "the prompt is empty"), ("blue " * 200, "the model's context is 128")],
)
def test_a_prompt_that_cannot_be_run_is_answered_with_a_sentence(page, prompt, sentence):
    page.run(prompt)
    expect(page.part("notice")).to_contain_text(sentence)
    page.expect_tokens(13)  # the old picture stays
    page.run(PROMPT)
    expect(page.part("notice")).not_to_contain_text(sentence)
    page.click_head(1, 0)
    expect(page.part("head-name")).to_have_text("1.0")


def test_words_of_the_text_show_who_looks_where(page, notebook):
    page.click_head(1, 2)
    words = page.part("strip").locator(".word")
    words.nth(11).hover()
    expect(page.part("looks-title")).to_contain_text("(position 11) attends to")
    truth = pattern(notebook, "1.2")
    best = max(range(12), key=lambda k: truth[11][k])
    expect(page.part("looks").locator("li").first).to_contain_text(f"{truth[11][best]:.2f}")
    words.nth(3).click()
    page.expect_python("explorer.selection.query", 3)
    page.root.get_by_role("radio", name="attended to by").click()
    words.nth(3).hover()
    expect(page.part("looks-title")).to_contain_text("is attended to by")
    column = [truth[q][3] for q in range(13)]
    expect(page.part("looks").locator("li").first).to_contain_text(f"{max(column):.2f}")
    page.root.get_by_role("radio", name="attends to", exact=True).click()
    notebook.page.mouse.move(0, 0)


def test_what_is_pinned_has_its_next_tokens(page, notebook):
    notebook.python("explorer.selection.set('1.2', query=9)")
    expect(page.part("expects").locator("li").first).to_contain_text("green")
    expect(page.part("actual")).to_contain_text("green")
    import_torch = (
        "import torch; torch.softmax(model(explorer._session.reading.tokens.ids)[0, 9], -1)"
    )
    most = float(notebook.python(f"{import_torch}.max().item()"))
    expect(page.part("expects").locator("li").first).to_contain_text(f"{most:.2f}")


def test_options_change_the_picture_and_python_has_them(page, notebook):
    page.root.get_by_role("radio", name="hide").click()
    page.expect_python("explorer.params['first']", "hide")
    page.root.get_by_role("radio", name="all heads (max 1)").click()
    assert page.session("session.vmax(session.tile.value)") == 1
    page.root.get_by_role("radio", name="this head (max").click()
    page.root.get_by_role("radio", name="dim").click()
    page.root.get_by_role("combobox", name="Score").select_option("previous_token")
    page.expect_python("explorer.params['score']", "previous_token")
    page.root.get_by_role("radio", name="this text").click()
    page.expect_python("explorer.params['score']", "text_induction")
    page.root.get_by_role("radio", name="random tokens").click()


def test_zoom_and_back(page, notebook):
    page.click_head(1, 2)
    notebook.page.mouse.move(0, 0)
    page.wait_for_tile()
    whole = page.picture("matrix")
    page.point_at(6, 3)
    notebook.page.keyboard.down("Control")
    notebook.page.mouse.wheel(0, -400)
    notebook.page.keyboard.up("Control")
    notebook.page.mouse.move(0, 0)
    page.wait_for_picture("matrix", lambda shown: shown != whole)
    page.root.locator(".root").press("0")
    page.wait_for_picture("matrix", lambda shown: shown == whole)


def test_everything_by_keyboard_alone(page, notebook):
    root = page.root.locator(".root")
    root.focus()
    keys = notebook.page.keyboard
    for key in "0.1":
        keys.press(key)
    expect(page.part("head-name")).to_have_text("0.1")
    keys.press("ArrowDown")
    expect(page.part("head-name")).to_have_text("1.1")
    keys.press("ArrowRight")
    expect(page.part("head-name")).to_have_text("1.2")
    notebook.python("explorer.selection.set(query=3, key=None)")
    expect(page.part("selected")).to_contain_text("query 3")
    keys.press("j")
    expect(page.part("selected")).to_contain_text("query 4")
    keys.press("Shift+ArrowLeft")
    keys.press("Shift+ArrowLeft")
    expect(page.part("selected")).to_contain_text("query 4, key 2")
    truth = pattern(notebook, "1.2")[4][2]
    expect(page.part("exact")).to_have_text(exact(truth))
    for key, option in (("f", "first"), ("c", "scale"), ("s", "score")):
        before = notebook.python(f"explorer.params[{option!r}]")
        keys.press(key)
        page.wait(f"session.params.choice('{option}').value !== {before}")
        page.expect_python(f"explorer.params[{option!r}] != {before}", True)
    keys.press("v")
    expect(page.part("looks-title")).to_contain_text("is attended to by")
    keys.press("v")
    keys.press("?")
    expect(page.part("help")).to_be_visible()
    keys.press("Escape")
    expect(page.part("help")).to_have_count(0)
    keys.press("9")
    keys.press(".")
    keys.press("9")
    expect(page.part("notice")).to_contain_text("There is no head 9.9")
    keys.press("Escape")
    expect(page.part("notice")).not_to_contain_text("9.9")
    keys.press("/")
    keys.press("Control+A")
    keys.type("dog river dog")
    keys.press("Enter")
    page.expect_tokens(4)
    keys.press("Escape")
    # Every control is reached by Tab, from the view's root on.
    root.focus()
    reached = set()
    for _ in range(40):
        keys.press("Tab")
        name = page.root.evaluate(
            "host => { const at = host.shadowRoot.activeElement;"
            " return at && (at.getAttribute('aria-label') || at.textContent); }"
        )
        if name is None:
            break
        reached.add(name)
    # Of a choice the chosen one, from which arrow keys go on.
    assert {"random tokens", "Score", "whole", "attends to", "all keys"} <= reached
    page.run(PROMPT)
    page.expect_tokens(13)
