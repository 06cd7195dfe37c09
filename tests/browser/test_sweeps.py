"""A sweep while it runs, as a user has it."""

from __future__ import annotations

from playwright.sync_api import expect

CELLS = [
    "import circuit_widgets as cw\n"
    'models = {"trained": "toy-induction", "not there": cw.Load("toy-induction", step=7)}\n'
    "shown = cw.sweep.stream(cw.detect_attention_patterns, models, prompts='blue dog seven blue')\n"
    "shown",
]


def test_rows_fill_in_and_open_their_views(lab):
    notebook = lab.open(CELLS)
    notebook.run_all()
    output = notebook.output(0)
    expect(output.get_by_text("failed: ValueError")).to_be_visible()
    expect(output.get_by_text("2 of 2 items, 1 failed; done")).to_be_visible()
    expect(output.get_by_role("button", name="Stop")).to_be_disabled()
    buttons = output.get_by_role("button", name="Open")
    expect(buttons.nth(1)).to_be_disabled()
    buttons.nth(0).click()
    expect(output.get_by_text("toy-induction", exact=True).first).to_be_visible()
    expect(output.locator("canvas").first).to_be_visible()
    notebook.screenshot("sweep-light")
    assert notebook.errors == [] and notebook.requests_elsewhere == []
