"""Hostile tokens, numbers that are none, malformed messages, a thousand tokens."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage
from tests.browser.test_explorer_faults import GARBAGE, HOSTILE, LONG, SET_UP, notebook

# Fixtures are found by their names.
__all__ = ["notebook"]


def test_hostile_tokens_show_as_text(notebook):
    notebook.python(
        "import copy\n"
        "runs = copy.deepcopy(explorer.runs); shown = runs['all'][0]\n"
        f"shown['tokens'] = {HOSTILE!r}; shown['prompt'] = ''.join(shown['tokens'])\n"
        "explorer.runs = runs"
    )
    page = ExplorerPage(notebook, 1)
    page.wait("session.text.value.tokens.length === 8")
    strip = page.part("strip")
    for token in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], HOSTILE[4], "x" * 500):
        expect(strip).to_contain_text(token)
    assert page.root.locator("img, script").count() == 0
    assert page.part("prompt").input_value() == "".join(HOSTILE)
    box = page.root.bounding_box()
    assert box is not None
    # The long token breaks; it does not widen the page.
    words = strip.bounding_box()
    assert words is not None and words["width"] <= box["width"]
    page.point_at(1, 0)
    expect(page.part("readout")).to_contain_text("attends to")
    notebook.screenshot("explorer-hostile", page.root)
    assert notebook.dialogs == [] and notebook.errors == []


def test_weights_that_are_not_numbers_are_said_and_the_view_lives(notebook):
    notebook.python(
        "import torch\n"
        "weights = next(p for name, p in model.original_model.named_parameters()"
        " if name.startswith('layers.1') and '.q.' in name and p.ndim == 2)\n"
        "kept = weights.detach().clone()\n"
        "with torch.no_grad(): weights.fill_(float('nan'))"
    )
    notebook.run(1)
    page = ExplorerPage(notebook, 1)
    expect(page.part("notice")).to_contain_text("not numbers (NaN) in layer 1")
    page.click_head(0, 1)
    assert page.wait_for_tile()["rows"] == 8
    page.click_head(1, 1)
    expect(page.part("head-name")).to_have_text("1.1")
    expect(page.part("score-text_induction")).to_contain_text("–")
    notebook.screenshot("explorer-nan", page.root)
    notebook.python("with torch.no_grad(): weights.copy_(kept)")
    page.run("dog river dog")
    page.expect_tokens(4)
    expect(page.part("notice")).not_to_contain_text("NaN")
    assert page.wait_for_tile()["rows"] == 4
    assert notebook.errors == []


def test_malformed_messages_do_no_harm(notebook):
    page = ExplorerPage(notebook, 1)
    for message in GARBAGE:
        page.root.evaluate(f"host => host.session.client.port.send({message})")
    page.click_head(1, 2)
    expect(page.part("head-name")).to_have_text("1.2")
    page.run("dog river green")
    page.expect_tokens(4)
    page.point_at(3, 0)
    assert sum(page.row(3)) == pytest.approx(1, abs=1e-4)
    # Nor does a selection or an option that makes no sense.
    page.root.evaluate(
        "host => { const { port } = host.session.client;"
        " port.set('selected_head', { layer: 99, head: -1 }); port.save(); }"
    )
    notebook.python("explorer.selection = '0.1'")
    expect(page.part("head-name")).to_have_text("0.1")


@pytest.mark.parametrize("notebook", [[SET_UP, LONG]], indirect=True)
def test_a_thousand_tokens_stay_light(lab, notebook):
    page = ExplorerPage(notebook, 1)
    assert page.facts()[2] == 1024
    tile = page.wait_for_tile()
    assert (tile["rows"], tile["cols"]) == (256, 256)
    # What a click costs is bounded, whatever the text: tiles of 64 KiB, in replies of 128 KiB.
    notebook.python("before = explorer._session.reading.store.copied")
    for layer, head in ((0, 1), (1, 2), (2, 3), (2, 0)):
        page.click_head(layer, head)
        expect(page.part("head-name")).to_have_text(f"{layer}.{head}")
        assert page.wait_for_tile()["rows"] == 256
        tile = page.session("[session.tile.value.scale, session.tile.value.first[200]]")
        truth = notebook.python(
            f"p = explorer.pattern('{layer}.{head}')\n"
            "print(p[:, 1:].max().item(), p[800:804, 0].max().item())"
        )
        assert tile == pytest.approx([float(v) for v in truth.split()], abs=1e-6)
    copied = int(notebook.python("explorer._session.reading.store.copied - before"))
    # Four clicks, their neighbours, their picture, and exact rows: never a whole pattern (4 MiB).
    assert copied < 4 * 2**20
    page.point_at(700, 300)
    expect(page.part("exact")).not_to_be_empty()
    # One element a token, and no more.
    assert page.root.evaluate("host => host.shadowRoot.querySelectorAll('*').length") < 1024 + 400
    notebook.screenshot("explorer-1024", page.root)
    assert notebook.errors == []
