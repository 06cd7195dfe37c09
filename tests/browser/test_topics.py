"""The views of patterns, coordination, influence and routes, as a user has them."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

TEXT = "blue dog seven river green blue dog seven river stone dog blue"
CELLS = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    f"patterns = cw.detect_attention_patterns(model, {TEXT!r}, progress=False)\npatterns",
    f"effects = cw.compute_self_influence(model, {TEXT!r}, progress=False)\neffects",
    "own = cw.compute_self_influence(model, 'blue dog seven blue', generate=4)\nown",
    f"flow = cw.trace_information_flow(model, {TEXT!r}, progress=False)\nflow",
    f"both = [{TEXT!r}, 'two green dog sky two green dog sky']\n"
    "pairs = cw.analyze_head_coordination(model, both, pairs=2, fdr=0.5, progress=False)\npairs",
    f"view = cw.compute_self_influence.stream(model, {TEXT!r}, draws=400, batch=1)\nview",
]


@pytest.fixture(scope="module", params=["light", "dark"])
def notebook(lab, request):
    with lab.open(CELLS, width=1300, height=1000, theme=request.param) as notebook:
        notebook.run(0)
        notebook.shown = request.param
        yield notebook
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


def opened(notebook, cell: int) -> ExplorerPage:
    notebook.run(cell)
    page = ExplorerPage(notebook, cell)
    expect(page.root).to_be_visible()
    return page


def test_sliders_relabel_at_once(notebook):
    page = opened(notebook, 1)
    labels = json.loads(
        notebook.python(
            "import json; from collections import Counter;"
            "print(json.dumps(Counter(patterns.labels().values())))"
        )
    )
    for name in ("induction", "diagonal", "uniform"):
        expect(page.part(f"kind-{name}").locator("[data-cw=count]")).to_have_text(
            str(labels.get(name, 0))
        )
    # To the end by the keyboard: nothing scores above 1.
    slider = page.root.get_by_role("slider", name="Threshold of Induction")
    slider.press("End")
    expect(page.part("kind-induction").locator("[data-cw=count]")).to_have_text("0")
    stricter = json.loads(
        notebook.python("print(json.dumps(Counter(patterns.labels({'induction': 1.0}).values())))")
    )
    for name in ("duplicate_token", "first_token", "diagonal", "uniform", "other"):
        expect(page.part(f"kind-{name}").locator("[data-cw=count]")).to_have_text(
            str(stricter.get(name, 0))
        )
    page.root.get_by_role("button", name="defaults").click()
    expect(page.part("kind-induction").locator("[data-cw=count]")).to_have_text(
        str(labels["induction"])
    )
    notebook.screenshot(f"patterns-{notebook.shown}", page.root)


def test_a_tokens_effect_is_told_with_its_interval(notebook):
    page = opened(notebook, 2)
    page.root.locator(".word").nth(7).hover()
    value, low, high = (
        float(notebook.python(f"effects.logp.{part}[7].item()"))
        for part in ("value", "low", "high")
    )
    expect(page.part("effect")).to_contain_text(f"{value:.2f}".replace("-", "−"))
    expect(page.part("effect")).to_contain_text(f"{low:.2f} to {high:.2f}".replace("-", "−"))
    assert page.colours("intervals") > 3
    notebook.screenshot(f"influence-{notebook.shown}", page.root)


def test_what_the_model_wrote_is_told_apart_from_the_prompt(notebook):
    page = opened(notebook, 3)
    rows = page.part("outputs").locator("tbody tr")
    expect(rows).to_have_count(4)
    own = float(notebook.python("own.own.value[2].item()"))
    expect(rows.nth(2)).to_contain_text(f"{own:.2f}")
    assert page.colours("pairs-matrix") > 3
    notebook.screenshot(f"generate-{notebook.shown}", page.root)


def test_routes_are_a_graph_with_a_threshold(notebook):
    page = opened(notebook, 4)
    paths = page.part("paths").locator("li")
    expect(paths).to_have_count(int(notebook.python("len(flow.key_paths)")))
    weight = float(notebook.python("flow.key_paths[0]['weight']"))
    expect(paths.first).to_contain_text(f"{weight:.2f}")
    page.wait_for_picture("routes", lambda shown: len(shown) > 0)
    all_edges = page.picture("routes")
    page.root.get_by_role("slider", name="Least share of a step").press("End")
    page.wait_for_picture("routes", lambda shown: shown != all_edges)
    expect(page.part("sources").locator("tbody tr").first).to_be_visible()
    notebook.screenshot(f"flow-{notebook.shown}", page.root)


def test_a_pair_of_heads_opens_both(notebook):
    page = opened(notebook, 5)
    assert page.colours("heads-matrix") > 3
    sure = int(notebook.python("len(pairs.significant())"))
    expect(page.part("sure")).to_contain_text(f"{sure} with q below")
    if sure:
        row = page.part("coordinated").locator("tbody tr").first
        row.get_by_role("button").press("Enter")
        head = notebook.python("pairs.pairs[0]['b']").strip("'").replace(".", "-")
        expect(page.part(f"pattern-{head}")).to_be_visible()
    notebook.screenshot(f"coordination-{notebook.shown}", page.root)


def test_positions_fill_in_and_stop_leaves_what_is_done(notebook):
    notebook.run(6)
    page = ExplorerPage(notebook, 6)
    page.wait("session.topic.value.info?.measures?.[0].value.some((v) => v !== null)")
    page.part("stop").click()
    expect(page.part("notice")).to_contain_text("Stopped. partial: ")
    done = int(notebook.python("view.result.logp.value.isfinite().sum().item()"))
    assert 0 < done < 13
    notebook.screenshot(f"influence-stopped-{notebook.shown}", page.root)
