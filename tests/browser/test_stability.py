"""The views of stability, as a user has them: several models, and the checkpoints of a training."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import looks
from tests.browser.explorer_page import ExplorerPage

TASK = "import functools\ntask = functools.partial(cw.Task.repeated_tokens, n=16)"
MODELS = [
    f"import circuit_widgets as cw\n{TASK}",
    "seeds = {f'seed {seed}': cw.Load('toy-induction', seed=seed) for seed in range(3)}\n"
    "result = cw.analyze_cross_model_stability(seeds, task, progress=False)\n"
    "shown = result.view()\nshown",
]


def opened(lab, cells, theme):
    with lab.open(cells, width=1366, height=768, theme=theme) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 1)
        expect(page.root).to_be_visible()
        page.theme = theme
        yield page
        assert notebook.errors == []
        assert notebook.requests_elsewhere == []


@pytest.fixture(scope="module", params=["light", "dark"])
def models(lab, request):
    yield from opened(lab, MODELS, request.param)


def heat(page, name):
    return page.root.get_by_role("application", name=name)


def test_models_fit_a_laptop(models):
    page = models
    page.wait_for_picture("overlap", lambda shown: len(shown) > 1000)
    page.notebook.screenshot(f"stability-models-{page.theme}", page.root)
    assert looks.overflowing(page.root) == []
    assert looks.covered(page.root) == []
    assert looks.cut(page.root) == []
    assert looks.spilled(page.root) == []
    assert looks.height(page.root) <= 660


TRAINING = [
    MODELS[0],
    "result = cw.analyze_training_stability('toy-induction', task, progress=False)\n"
    "shown = result.view()\nshown",
]


@pytest.fixture(scope="module", params=["light", "dark"])
def training(lab, request):
    yield from opened(lab, TRAINING, request.param)


def test_a_training_fits_a_laptop(training):
    page = training
    page.wait_for_picture("loss", lambda shown: len(shown) > 1000)
    page.notebook.screenshot(f"stability-training-{page.theme}", page.root)
    page.notebook.python("shown.params['stability.show'] = 'circuit'")
    page.wait_for_picture("circuit-one", lambda shown: len(shown) > 1000)
    page.notebook.screenshot(f"stability-training-{page.theme}-circuits", page.root)
    page.notebook.python("shown.params['stability.show'] = 'heads'")
    assert looks.overflowing(page.root) == []
    assert looks.covered(page.root) == []
    assert looks.cut(page.root) == []
    assert looks.spilled(page.root) == []
    assert looks.height(page.root) <= 660
