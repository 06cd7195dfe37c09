"""The views of stability, as a user has them: several models, and the checkpoints of a training."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage, opened

TASK = "import functools\ntask = functools.partial(cw.Task.repeated_tokens, n=16)"
MODELS = [
    f"import circuit_widgets as cw\n{TASK}",
    "seeds = {f'seed {seed}': cw.Load('toy-induction', seed=seed) for seed in range(3)}\n"
    "result = cw.analyze_cross_model_stability(seeds, task, progress=False)\n"
    "shown = result.view()\nshown",
]

TRAINING = [
    MODELS[0],
    "result = cw.analyze_training_stability('toy-induction', task, progress=False)\n"
    "shown = result.view()\nshown",
]
PAIR = ("seed 0", "seed 1")
OTHERS = ("seed 1", "seed 2")


@pytest.fixture(scope="module")
def models(lab):
    yield from opened(lab, MODELS)


def heat(page, name):
    return page.root.get_by_role("application", name=name)


def test_models_fit_a_laptop(models):
    page = models
    page.wait_for_picture("overlap", lambda shown: len(shown) > 1000)
    page.notebook.screenshot("stability-models", page.root)
    assert looks.wrong(page.root) == []
    assert looks.height(page.root) <= 660


@pytest.fixture(scope="module")
def training(lab):
    yield from opened(lab, TRAINING)


def test_a_training_fits_a_laptop(training):
    page = training
    page.wait_for_picture("loss", lambda shown: len(shown) > 1000)
    page.notebook.screenshot("stability-training", page.root)
    page.notebook.python("shown.params['stability.show'] = 'circuit'")
    page.wait_for_picture("circuit-one", lambda shown: len(shown) > 1000)
    page.notebook.screenshot("stability-training-circuits", page.root)
    page.notebook.python("shown.params['stability.show'] = 'heads'")
    assert looks.wrong(page.root) == []
    assert looks.height(page.root) <= 660


def test_a_pair_of_models_is_chosen_by_click_and_by_keys(models):
    page = models
    x, y, width, _ = page.frame("overlap")
    third = width / 3
    page.part("overlap").click(position={"x": x + third * 1.5, "y": y + third * 0.5})
    page.expect_python("(shown.params['stability.a'], shown.params['stability.b'])", PAIR)
    expect(page.part("one-title")).to_contain_text("seed 0")
    expect(page.part("other-title")).to_contain_text("seed 1")
    value = float(page.notebook.python("result.overlap_matrix[0, 1]").strip("tensor()"))
    expect(page.part("overlap-tip")).to_contain_text(f"{value:.2f}".replace("-", "−"))
    transfer = heat(page, "Faithfulness of the circuit of each model")
    transfer.focus()
    transfer.press("ArrowDown")
    transfer.press("ArrowRight")
    transfer.press("Enter")
    page.expect_python("(shown.params['stability.a'], shown.params['stability.b'])", OTHERS)
    before = page.picture("overlap")
    page.root.get_by_role("radio", name="roles").click()
    page.wait_for_picture("overlap", lambda shown: shown != before)
    page.expect_python("shown.params['stability.by']", "role_overlap")
    page.notebook.python("shown.params['stability.part'] = '1.2'")
    page.wait_for_picture("circuit-one-over", lambda shown: len(shown) > 3000)
    page.notebook.screenshot("stability-models-part", page.root)
    page.notebook.python("shown.params.update({'stability.part': '', 'stability.by': 'overlap'})")


def test_a_training_opens_on_both_ends_of_its_unstable_phase(training):
    page = training
    first, last = eval(page.notebook.python("result.unstable_phases[0]"))
    expect(page.part("one-step")).to_have_text(f"step {first:,}")
    expect(page.part("other-step")).to_have_text(f"step {last:,}")
    loss = float(page.notebook.python(f"float(result.loss.value[result.at({first})])"))
    expect(page.part("loss-tip")).to_contain_text(f"step {first:,}: loss {loss:.2f}")
    assert page.colours("grid-other") > 3 and page.colours("attention-other") > 3


def test_grid_pattern_and_curves_are_scrubbed_together_without_the_kernel(training):
    page = training
    page.notebook.python("shown.params['stability.step'] = 0")
    expect(page.part("one-step")).to_have_text("step 0")
    parts = ("loss-over", "role-over", "grid-one", "attention-one")
    before = {name: page.picture(name) for name in parts}
    # The kernel is busy all the while.
    page.notebook.page.evaluate(
        "code => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
        ".requestExecute({ code }); }",
        "import time; time.sleep(4)",
    )
    page.part("step").press("End")
    expect(page.part("one-step")).to_have_text("step 2,500", timeout=2000)
    for name in parts:
        page.wait_for_picture(name, lambda shown, name=name: shown != before[name])
    page.expect_python("shown.params['stability.step']", 2500.0)


def test_everything_is_reached_by_keys(training):
    page = training
    page.notebook.python("shown.params.update({'stability.step': 577, 'stability.other': 833})")
    expect(page.part("one-step")).to_have_text("step 577")
    page.root.get_by_role("group", name="Stability").focus()
    page.notebook.page.keyboard.press("j")
    page.expect_python("shown.params['stability.step']", 693.0)
    page.notebook.page.keyboard.press("Shift+K")
    page.expect_python("shown.params['stability.other']", 693.0)
    page.notebook.page.keyboard.press("ArrowUp")
    page.expect_python("str(shown.selection.as_head)", "0.2")
    page.notebook.page.keyboard.press("s")
    expect(page.root.get_by_label("Role", exact=True)).to_have_value("previous_token")
    loss = page.root.get_by_role("application", name="Loss by training step")
    loss.press("ArrowLeft")
    page.expect_python("shown.params['stability.step']", 577.0)
    heads = page.root.get_by_role("radio", name="heads")
    heads.focus()
    heads.press("ArrowRight")
    page.expect_python("shown.params['stability.show']", "circuit")
    graph = page.root.get_by_role("application", name="The circuit of step 693")
    graph.focus()
    graph.press("ArrowDown")
    expect(page.part("circuit-other-tip")).not_to_have_text("")
    graph.press("Escape")
    page.notebook.python("shown.params['stability.show'] = 'heads'")
    rows = page.part("phases").locator("tbody tr")
    rows.nth(1).focus()
    rows.nth(1).press("Enter")
    first = eval(page.notebook.python("result.unstable_phases[0][0]"))
    page.expect_python("shown.params['stability.step']", float(first))


def test_every_width_and_theme_of_models(models):
    looks.everywhere("stability-models", models, "overlap")


def test_every_width_and_theme_of_a_training(training):
    looks.everywhere("stability-training", training, "loss")


def test_a_stream_fills_in(lab):
    cells = [
        MODELS[0],
        "shown = cw.analyze_training_stability.stream('toy-induction', task)\nshown",
    ]
    with lab.open(cells, width=1366, height=768) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 1)
        expect(page.part("loss-tip")).to_contain_text("step", timeout=60_000)
        notebook.screenshot("stability-stream", page.root)
        expect(page.part("phases").locator("tbody tr")).to_have_count(3, timeout=90_000)
        expect(page.part("facts")).to_contain_text("2 × 4 heads")
        assert notebook.python("shown.result.provenance.complete") == "True"
        assert notebook.errors == []
