"""The harness itself: a trivial widget in a real JupyterLab, clicked and read back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

WIDGET = '''
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = """
    function render({ model, el }) {
      const root = document.createElement("div");
      root.className = "cw-root";
      const shadow = root.attachShadow({ mode: "open" });
      const button = document.createElement("button");
      const draw = () => { button.textContent = `count ${model.get("value")}`; };
      button.onclick = () => { model.set("value", model.get("value") + 1); model.save_changes(); };
      model.on("change:value", draw);
      draw();
      shadow.append(button);
      el.append(root);
    }
    export default { render };
    """
    value = traitlets.Int(0).tag(sync=True)
'''
CELLS = [WIDGET, "counter = Counter(value=5)\ncounter", "print('done')"]


@pytest.fixture(scope="module")
def notebook(lab):
    with lab.open(CELLS) as notebook:
        notebook.run_all()
        yield notebook


def test_a_click_arrives_in_python(notebook):
    button = notebook.view(1).get_by_role("button")
    expect(button).to_have_text("count 5")
    button.click()
    expect(button).to_have_text("count 6")
    assert notebook.python("counter.value") == "6"
    notebook.python("counter.value = 41")
    expect(button).to_have_text("count 41")
    assert notebook.errors == []
    assert notebook.requests_elsewhere == []
    assert notebook.dialogs == []


def test_python_gives_what_is_printed_and_the_last_value(notebook):
    assert notebook.python("print('a'); 1 + 1") == "a\n2"
    assert notebook.python("x = 3") == ""
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        notebook.python("1 / 0")
    expect(notebook.output(2)).to_contain_text("done")


def test_a_cell_that_raises_fails_the_test(lab):
    notebook = lab.open(["raise ValueError('no such head')", "import time; time.sleep(0.5); 7"])
    with pytest.raises(AssertionError, match="no such head"):
        notebook.run(0)
    notebook.run(0, check=False)
    expect(notebook.output(0)).to_contain_text("no such head")
    notebook.run(1, wait=False)
    notebook.wait_idle()
    expect(notebook.output(1)).to_contain_text("7")


def test_limits_end_a_wait(lab):
    notebook = lab.open(["import time; time.sleep(60)"])
    with pytest.raises(Exception, match=r"cell 0 took more than 0\.2 s"):
        notebook.run(0, timeout=0.2)


def test_themes_and_screenshots(notebook, lab):
    for theme, light in (("dark", "false"), ("light", "true")):
        notebook.set_theme(theme)
        expect(notebook.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
        path = notebook.screenshot(f"harness-{theme}")
        assert path.read_bytes().startswith(b"\x89PNG")
    dark = lab.open(["1"], theme="dark", width=800, height=600)
    expect(dark.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    assert dark.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")


def test_saving_with_and_without_widget_state(notebook):
    assert "widgets" not in notebook.save().metadata
    saved = notebook.save(widgets=True)
    states = saved.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    assert "AnyModel" in {state["model_name"] for state in states.values()}
    notebook.save(widgets=False)


def test_an_error_in_the_page_is_seen(lab):
    notebook = lab.open(["1"])
    notebook.page.evaluate("console.error('our mistake')")
    notebook.page.evaluate("() => { setTimeout(() => { throw new Error('uncaught one') }) }")
    notebook.page.wait_for_event("pageerror") if len(notebook.errors) < 2 else None
    assert any("our mistake" in error for error in notebook.errors)
    assert any("uncaught one" in error for error in notebook.errors)


def test_a_restart_forgets(lab):
    notebook = lab.open(["x = 1", "x"])
    notebook.run_all()
    notebook.restart_kernel()
    assert notebook.python("'x' in globals()") == "False"
    notebook.run_all()
    assert notebook.python("x") == "1"


def test_a_closed_notebook_ends_its_kernel(lab):
    import psutil

    notebook = lab.open(["1"])
    kernel = int(notebook.python("import os; os.getpid()"))
    assert psutil.pid_exists(kernel)
    notebook.close()
    assert not psutil.pid_exists(kernel)
