"""Keys inside a view: ours work on any layout, and the notebook keeps its own."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import TimeoutError, expect

from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "explorer = cw.explore(model, 'blue dog seven blue dog', probe=False, score='text_induction')\n"
    "explorer.selection = '0.0'\nexplorer",
]
# What the browser says of a key press where another layout is on.
PRESS = """(root, [key, code]) => {
  const options = { key, code, bubbles: true, composed: true, cancelable: true };
  root.shadowRoot.activeElement.dispatchEvent(new KeyboardEvent("keydown", options));
}"""


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS) as notebook:
        notebook.run_all()
        yield notebook


@pytest.fixture
def page(notebook):
    page = ExplorerPage(notebook, 1)
    page.wait_for_tile()
    page.root.locator(".root").focus()
    yield page
    assert notebook.errors == []


def cells(notebook):
    return notebook.page.locator(".jp-Notebook .jp-Cell").count()


def save(notebook) -> None:
    """Ctrl+S until the notebook is saved: JupyterLab ignores it while an earlier save ends."""
    dirty = "window.jupyterapp.shell.currentWidget.context.model.dirty"
    notebook.page.evaluate(f"() => {{ {dirty} = true; }}")
    for _ in range(5):
        notebook.page.keyboard.press("Control+s")
        with contextlib.suppress(TimeoutError):
            notebook.page.wait_for_function(f"!{dirty}", timeout=4000)
            return
    raise AssertionError("Ctrl+S does not save the notebook")


def test_ctrl_s_saves_the_notebook_with_the_focus_inside(page, notebook):
    """Before, all of JupyterLab's shortcuts were dead there."""
    save(notebook)
    page.part("prompt").focus()
    save(notebook)


def test_our_keys_do_not_reach_the_notebook(page, notebook):
    """J, the arrows and F mean something to the notebook, too; so does each letter of a prompt."""
    active = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"
    before, count = notebook.page.evaluate(active), cells(notebook)
    for key in ("ArrowDown", "ArrowRight", "ArrowUp", "j", "k", "c", "v"):
        notebook.page.keyboard.press(key)
    expect(page.part("head-name")).to_have_text("0.1")
    page.part("prompt").focus()
    notebook.page.keyboard.type("abjkdd")
    notebook.page.keyboard.press("Escape")
    assert (notebook.page.evaluate(active), cells(notebook)) == (before, count)


def test_keys_that_mean_nothing_here_are_the_notebooks(page, notebook):
    count = cells(notebook)
    notebook.page.locator(".jp-Notebook .jp-Cell").nth(1).locator(".jp-InputPrompt").click()
    page.root.locator(".root").focus()
    notebook.page.keyboard.press("b")
    expect(notebook.page.locator(".jp-Notebook .jp-Cell")).to_have_count(count + 1)


@pytest.mark.parametrize(("key", "code"), [("J", "KeyJ"), ("о", "KeyJ"), ("j", "KeyC")])
def test_a_letter_works_with_capslock_and_on_other_layouts(page, key, code):
    page.session("session.select({ query: 0, key: null })")
    page.root.evaluate(PRESS, [key, code])
    expect(page.part("selected")).to_contain_text("query 1")


def test_a_heads_name_is_typed_on_a_cyrillic_layout(page):
    for key, code in (("1", "Digit1"), ("ю", "Period"), ("2", "Digit2")):
        page.root.evaluate(PRESS, [key, code])
    expect(page.part("head-name")).to_have_text("1.2")
