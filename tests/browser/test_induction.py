"""The view of `identify_induction_heads`: a result's, and one that fills in."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "heads = cw.identify_induction_heads(model, progress=False)\nheads",
    "view = cw.identify_induction_heads.stream(model, n_sequences=20_000, batch=8)\nview",
    "trace = cw.trace_induction(model, 'blue dog seven river green blue dog seven', progress=False)"
    "\ntrace",
    "several = cw.trace_induction(model, ['blue dog seven blue dog', 'cat red cat', 'two six two'],"
    " progress=False)\nseveral",
]


@pytest.fixture
def notebook(lab):
    with lab.open(CELLS, width=1300, height=1000) as notebook:
        yield notebook
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


def test_a_result_opens_the_grid(notebook):
    notebook.run(0)
    notebook.run(1)
    page = ExplorerPage(notebook, 1)
    assert page.colours("grid") > 4
    best = notebook.python("str(heads.heads()[0])").strip("'")
    expect(page.part("head-name")).to_have_text(best)
    expect(page.part("ranking").locator("li").first).to_contain_text(best)
    page.click_head(0, 1)
    expect(page.part("head-name")).to_have_text("0.1")
    value = float(notebook.python("heads.previous_token.value[0, 1].item()"))
    expect(page.part("score-previous_token")).to_contain_text(f"{value:.2f}")
    shown = page.session("[...session.planes.value[0].value]")
    assert shown == [
        float(v)
        for v in notebook.python("print(*heads.prefix_matching.value.flatten().tolist())").split()
    ]
    notebook.screenshot("induction-light", page.root)
    # The result can be shown again, as many times as one likes.
    notebook.run(1)
    assert ExplorerPage(notebook, 1).colours("grid") > 4


def test_a_pair_opens_both_patterns(notebook):
    notebook.run(0)
    notebook.run(1)
    page = ExplorerPage(notebook, 1)
    pairs = page.part("pairs").locator("tbody tr")
    truth = json.loads(
        notebook.python(
            "import json; print(json.dumps("
            "[[p.previous_token_head, p.induction_head, p.path] for p in heads.pairs]))"
        )
    )
    expect(pairs).to_have_count(len(truth))
    sender, receiver, path = truth[1]
    row = pairs.filter(has_text=f"{sender} → {receiver}")
    expect(row).to_contain_text(f"{path:.2f}")
    row.press("Enter")
    for name in (sender, receiver):
        expect(page.part(f"pattern-{name.replace('.', '-')}")).to_be_visible()
    expect(page.part("head-name")).to_have_text(receiver)
    page.wait("session.tiles.value.arrived.value > 0")
    # The scatter selects too.
    facts = page.part("facts-list")
    joint = float(notebook.python("heads.joint_ablation.value.item()"))
    expect(facts).to_contain_text(f"{joint:.2f}")
    assert page.colours("scatter") > 3
    notebook.screenshot("induction-pairs", page.root)


def test_the_trace_of_a_prompt_draws_both_hops(notebook):
    notebook.run(0)
    notebook.run(3)
    page = ExplorerPage(notebook, 3)
    rows = page.part("repeats").locator("tbody tr")
    expect(rows).to_have_count(int(notebook.python("len(trace.repeats())")))
    page.root.locator(".word").nth(6).hover()
    expect(page.part("hop")).to_contain_text("(6) also appeared at 1")
    attention = float(notebook.python("trace.attention[0, 6].item()"))
    expect(page.part("hop")).to_contain_text(f"{attention:.2f}")
    notebook.page.mouse.move(0, 0)
    rows.nth(1).focus()
    expect(page.part("hop")).to_contain_text("(7) also appeared at 2")
    notebook.screenshot("trace-light", page.root)


def test_several_prompts_have_the_means_of_each_head(notebook):
    notebook.run(0)
    notebook.run(4)
    page = ExplorerPage(notebook, 4)
    rows = page.root.locator("[data-cw=means] tbody tr")
    expect(rows).to_have_count(int(notebook.python("len(several.heads)")))
    low = float(notebook.python("several.mean('attention').low[1].item()"))
    expect(rows.nth(1)).to_contain_text(f"{low:.2f}")
    expect(page.part("facts-list")).to_contain_text("top prediction")
    expect(page.root.locator("[data-cw=prompts] tbody tr")).to_have_count(3)
    rows.nth(1).click()
    name = notebook.python("several.heads[1]").strip("'")
    expect(page.part("prompts")).to_contain_text(f"attention of {name}")
    for width in (620, 1300):
        notebook.page.set_viewport_size({"width": width, "height": 1000})
        assert looks.covered(page.root) == []
    notebook.screenshot("trace-prompts", page.root)


def test_a_stream_fills_in_and_stop_leaves_a_partial_result(notebook):
    notebook.run(0)
    notebook.run(2)
    page = ExplorerPage(notebook, 2)
    page.wait("session.planes.value.length > 0 && !Number.isNaN(session.planes.value[0].value[0])")
    expect(page.part("notice")).to_contain_text("Scoring heads")
    expect(page.part("progress")).to_be_visible()
    notebook.screenshot("induction-running", page.root)
    page.part("stop").click()
    expect(page.part("notice")).to_contain_text("Stopped. partial: ")
    expect(page.part("stop")).to_have_count(0)
    assert notebook.python("view.wait(30)") == "True"
    assert notebook.python("view.result.provenance.complete") == "False"
    shown = page.session("[...session.planes.value[0].value]")
    assert len(shown) == 8 and all(v == v for v in shown)
