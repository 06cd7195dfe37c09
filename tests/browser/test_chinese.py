"""A text in Chinese: tokens that are parts of a character read as that character everywhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

TEXT = "蓝色的狗喜欢河流,蓝色的狗喜欢"
# What stands for bytes that were lost, and bytes read as letters. A next token that begins a
# character is written out as its bytes, because nobody knows which character it will be.
BROKEN = ("\ufffd", "Ã", "è", "ä", "å")


@pytest.mark.smollm2
def test_a_chinese_text_reads_as_chinese(lab):
    cells = [
        "import circuit_widgets as cw\n"
        "model = cw.load_model('SmolLM2-135M')\n"
        f"cw.explore(model, {TEXT!r}, probe=False, score='text_induction', selection='14.5', "
        "query=6)",
        f"cw.compute_self_influence(model, {TEXT[:6]!r}, draws=2, progress=False)",
        f"print(cw.compute_self_influence(model, {TEXT[:6]!r}, draws=2, progress=False))",
    ]
    with lab.open(cells, width=1300, height=1400) as notebook:
        notebook.run_all()
        page = ExplorerPage(notebook, 0)
        page.wait_for_tile()
        # The strip has a box for each character, and nothing else.
        strip = page.part("strip")
        words = strip.locator(".word").all_text_contents()
        assert "".join(words[1:]) == TEXT
        # Whatever else names a token says which part of which character it is.
        expect(page.root).to_contain_text("⟨1/3⟩")
        for cell in (0, 1):
            shown = notebook.view(cell).locator(".root").inner_text()
            assert "蓝" in shown
            assert not [mark for mark in BROKEN if mark in shown], shown
            notebook.screenshot(f"chinese-{cell}", notebook.view(cell))
        assert "⟨" in notebook.output(2).inner_text()
        assert notebook.errors == []
