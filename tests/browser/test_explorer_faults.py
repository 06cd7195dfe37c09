"""The explorer when things go wrong or get heavy: busy or gone kernels, reruns, hostile text."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

SET_UP = "import json, time\nimport circuit_widgets as cw\nmodel = cw.load_model()"
SHOW = "explorer = cw.explore(model, 'blue dog seven river blue dog seven')\nexplorer"


@pytest.fixture
def notebook(lab, request):
    cells = getattr(request, "param", [SET_UP, SHOW])
    with lab.open(cells, width=1300, height=1200) as notebook:
        notebook.run(0)
        notebook.run(1)
        yield notebook
        assert notebook.requests_elsewhere == []


def running(notebook, cell):
    """Whether a cell still runs, by its prompt."""
    return notebook.cell(cell).locator(".jp-InputPrompt").inner_text().strip() == "[*]:"


BUSY = """
for i in range(2000):
    time.sleep(0.01)
    if i % 20 == 0:
        explorer.selection.query = i % 3   # the cell touches the widget while it runs
"""


@pytest.mark.parametrize("notebook", [[SET_UP, SHOW, BUSY]], indirect=True)
def test_a_click_is_answered_while_a_cell_runs(lab, notebook):
    page = ExplorerPage(notebook, 1)
    page.wait_for_tile()
    notebook.run(2, wait=False)
    expect(notebook.cell(2).locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\*\]"))
    # A prompt typed now is run now, and its heads, rows and expectations come.
    page.run("river green river")
    page.expect_tokens(4)
    page.click_head(1, 3)
    expect(page.part("head-name")).to_have_text("1.3")
    assert page.wait_for_tile()["rows"] == 4
    page.point_at(3, 1)
    assert sum(page.row(3)) == pytest.approx(1, abs=1e-4)
    expect(page.part("exact")).not_to_be_empty()
    assert running(notebook, 2)
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"
    )
    expect(notebook.cell(2).locator(".jp-InputPrompt")).not_to_have_text(re.compile(r"\[\*\]"))
    assert notebook.errors == []


def test_after_a_restart_the_view_says_so_and_keeps_its_picture(notebook):
    page = ExplorerPage(notebook, 1)
    page.wait_for_tile()
    page.click_head(1, 2)
    before = page.colours("matrix")
    notebook.restart_kernel()
    expect(page.part("notice")).to_contain_text("The kernel does not answer")
    assert page.colours("matrix") >= before - 4
    assert page.colours("grid") > 8
    # Heads that are here are shown; running the cells again brings it back to life.
    page.click_head(0, 1)
    expect(page.part("head-name")).to_have_text("0.1")
    notebook.run(0)
    notebook.run(1)
    page = ExplorerPage(notebook, 1)
    page.click_head(1, 1)
    expect(page.part("notice")).not_to_contain_text("does not answer")
    page.run("dog river")
    page.expect_tokens(3)


SLOW = """
import circuit_widgets.live.session as sessions
def slowly(model, tokens, gen, memory, name_token, on_layer=None, read=sessions.read):
    def slow(layer):
        if on_layer is not None:
            time.sleep(1)
            on_layer(layer)
    return read(model, tokens, gen, memory, name_token, slow)
sessions.read = slowly
"""


def test_while_a_prompt_runs_there_is_progress_and_the_old_picture_stays(notebook):
    page = ExplorerPage(notebook, 1)
    page.wait_for_tile()
    notebook.python(SLOW)
    page.run("river green river")
    expect(page.part("notice")).to_contain_text("Running 4 tokens")
    expect(page.part("progress")).to_be_visible()
    page.click_head(0, 2)  # the old text is still there to be looked at
    assert page.wait_for_tile()["rows"] == 8
    notebook.screenshot("explorer-running", page.root)
    page.expect_tokens(4)
    expect(page.part("progress")).to_be_hidden()
    page.run("dog dog")
    expect(page.part("notice")).to_contain_text("Running 3 tokens")
    page.part("stop").click()
    expect(page.part("notice")).not_to_contain_text("Running")
    page.expect_tokens(4)
    # A prompt that comes while another runs takes its place.
    page.run("dog dog")
    page.run("dog river green blue")
    page.expect_tokens(5)
    assert notebook.errors == []


COUNT = """
import gc, threading, ipywidgets, comm
gc.collect()
print(json.dumps({
    "hooks": sum(len(point.fwd_hooks) + len(point.bwd_hooks) for point in model.hook_dict.values()),
    "torch hooks": sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()),
    "comms": len(comm.get_comm_manager().comms),
    "widgets": len(ipywidgets.widgets.widget._instances),
    "threads": threading.active_count(),
    # IPython keeps every cell's value in Out; a closed one has let go of what it computed.
    "readings": sum(type(o).__name__ == "Reading" for o in gc.get_objects()),
}))
"""


def listeners(notebook):
    """Event listeners, nodes and documents of the page after a collection."""
    session = notebook.page.context.new_cdp_session(notebook.page)
    session.send("HeapProfiler.collectGarbage")
    counters = session.send("Memory.getDOMCounters")
    session.detach()
    return counters


def test_running_a_cell_fifty_times_leaves_nothing(notebook):
    page = ExplorerPage(notebook, 1)
    for _ in range(5):
        notebook.run(1)
        page.wait_for_tile()
    kernel, browser = json.loads(notebook.python(COUNT)), listeners(notebook)
    for _ in range(45):
        notebook.run(1)
    page.wait_for_tile()
    page.click_head(1, 1)
    expect(page.part("head-name")).to_have_text("1.1")
    now, page_now = json.loads(notebook.python(COUNT)), listeners(notebook)
    # A thread may hold the last one for a moment; what is leaked stays.
    for _ in range(20):
        if now["readings"] <= kernel["readings"]:
            break
        notebook.page.wait_for_timeout(500)
        now = json.loads(notebook.python(COUNT))
    assert now["hooks"] == kernel["hooks"] == 0
    assert now["torch hooks"] == kernel["torch hooks"]
    for name in ("comms", "widgets", "readings"):
        assert now[name] <= kernel[name], (name, kernel, now)
    assert now["threads"] <= kernel["threads"] + 3
    # JupyterLab itself keeps a few for each run (history, debugger); ours would be hundreds.
    assert page_now["jsEventListeners"] <= browser["jsEventListeners"] + 45 * 8
    assert notebook.page.locator(".cw-root").count() == 1
    assert notebook.errors == []


HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "مرحبا",
    "👩‍👩‍👧",
    "漢字",
    "\n",
    "\t\u200b",
    "x" * 500,
]


GARBAGE = [
    "null",
    "'text'",
    "[1, 2, 3]",
    "{}",
    "{ client: 'x', requests: [] }",
    "{ client: 'x', requests: [{ kind: 'tiles' }] }",
    "{ client: 'x', requests: [{ kind: 'next', id: -1, run: 0, position: 1e300 }] }",
    "{ client: 'x'.repeat(9999), requests: [{ kind: 'run', id: 1, text: 'y'.repeat(2000000) }] }",
    "{ client: 'x', requests: Array(5000).fill({ kind: 'hello', id: 1 }) }",
    "{ client: 'x', requests: [{ kind: 'next', id: 7, run: 99, position: 0 }] }",
    "{ client: 'x', requests: [{ kind: 'ack', id: 8, seq: 12345 }] }",
    "{ client: 'x', requests: [{ kind: 'column', id: 9, run: 0, head: [99, 99], key: 10000 }] }",
]


def test_a_saved_notebook_is_small_and_shows_its_picture_again(notebook):
    page = ExplorerPage(notebook, 1)
    page.click_head(1, 2)
    page.wait_for_tile()
    notebook.page.wait_for_timeout(1500)  # the picture for the saved page follows the selection
    saved = notebook.save(widgets=True)
    state = saved.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]
    assert len(json.dumps(state)) < 300_000
    assert notebook.path.stat().st_size < 320_000
    notebook.reload()
    page = ExplorerPage(notebook, 1)
    expect(page.part("head-name")).to_have_text("1.2")
    assert page.colours("matrix") > 8
    page.click_head(0, 1)
    expect(page.part("head-name")).to_have_text("0.1")


LONG = """
import torch
from tests import tiny
long = tiny.native(n_ctx=1024)
ids = torch.randint(0, 90, (1, 1024), generator=torch.Generator().manual_seed(0))
explorer = cw.explore(long, ids, probe=False)
explorer
"""
