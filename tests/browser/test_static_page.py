"""Pages without a kernel: drawn and clicked with no network, from a file, under a strict policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

import circuit_widgets as cw
from tests.browser.axe import violations
from tests.browser.explorer_page import ExplorerPage
from tests.browser.static_page import StaticPage, opened

TEXT = "blue dog seven river blue dog seven river blue dog"
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)> <!-- "
# No eval, no inline script but ours, nothing from elsewhere.
STRICT = f"default-src 'none'; {cw.export.policy()}"


@pytest.fixture(scope="module")
def model():
    return cw.load_model()


@pytest.fixture(scope="module")
def three(model, tmp_path_factory) -> Path:
    """The explorer, and two results of the same model, on one page."""
    views = [
        cw.explore(model, TEXT, selection="1.2", query=7),
        cw.identify_induction_heads(model, n_sequences=4, progress=False),
        cw.detect_attention_patterns(model, prompts=TEXT, progress=False),
    ]
    path = tmp_path_factory.mktemp("page") / "three.html"
    cw.export.page(views, path, title="Three views")
    views[0].close()
    return path


def explorer(page: StaticPage, nth: int = 0) -> ExplorerPage:
    shown = ExplorerPage(page, nth)  # pyright: ignore[reportArgumentType]
    expect(shown.root).to_be_visible()
    return shown


def test_a_file_is_read_and_clicked_without_a_network(lab, three) -> None:
    with opened(lab, three) as page:
        view = explorer(page)
        first = view.wait_for_tile()
        assert view.colours("grid") > 8 and view.colours("matrix") > 8
        view.click_head(0, 1)
        expect(view.part("head-name")).to_contain_text("0.1")
        assert view.wait_for_tile()["data"] != first["data"]
        view.point_at(6, 4)
        expect(view.part("readout")).to_contain_text("about 0.")
        # What the model would have to compute is not offered.
        expect(view.part("prompt")).to_have_attribute("readonly", "")
        assert "not included in this page" in (view.part("prompt").get_attribute("title") or "")
        assert page.page.title() == "Three views"
        page.screenshot("static-page-light")
        assert page.errors == [] and page.elsewhere == []


def test_views_of_one_model_select_together(lab, three) -> None:
    with opened(lab, three) as page:
        one, other = explorer(page), explorer(page, 1)
        one.click_head(0, 3)
        expect(other.part("selected")).to_contain_text("0.3")
        other.click_head(1, 0)
        expect(one.part("selected")).to_contain_text("1.0")
        assert page.errors == []


@pytest.mark.parametrize(("theme", "width"), [("dark", 1366), ("light", 600)])
def test_it_looks_well(lab, three, theme, width) -> None:
    with opened(lab, three, theme=theme, width=width) as page:
        explorer(page).wait_for_tile()
        page.screenshot(f"static-page-{theme}-{width}")
        assert page.errors == []


def test_under_a_policy_without_eval_hostile_texts_stay_texts(lab, model) -> None:
    view = cw.explore(model, TEXT, title=HOSTILE, caption=HOSTILE)
    text = view.to_html(title=HOSTILE)
    view.close()
    with opened(lab, text, policy=STRICT) as page:
        shown = explorer(page)
        shown.wait_for_tile()
        expect(shown.part("title")).to_have_text(HOSTILE.strip())
        assert page.page.title() == " ".join(HOSTILE.split())
        assert page.page.evaluate("document.images.length") == 0
        assert page.errors == [] and page.elsewhere == []


def test_without_a_script_there_is_a_picture_and_a_text(lab, three) -> None:
    with opened(lab, three, script=False) as page:
        stills = page.page.locator("figure img")
        expect(stills).to_have_count(3)
        box = stills.first.bounding_box()
        assert box is not None and box["width"] > 300
        expect(page.page.locator("figure pre").nth(1)).to_contain_text("InductionHeads of")
        page.screenshot("static-page-no-script")


def test_axe_and_the_keyboard(lab, three) -> None:
    for theme in ("light", "dark"):
        with opened(lab, three, theme=theme) as page:
            shown = explorer(page)
            shown.wait_for_tile()
            assert violations(page.page) == []
            shown.root.locator(".root").focus()
            page.page.keyboard.press("ArrowRight")
            expect(shown.part("selected")).to_contain_text("selection 1.3")
            page.page.keyboard.press("?")
            expect(shown.root.get_by_role("dialog")).to_be_visible()
            assert page.errors == []


def test_readers_do_what_was_computed_ahead(lab, model) -> None:
    view = cw.explore(model, TEXT, selection="1.2", query=7)
    changes = ["0.1", {"scale": "1.2", "factor": 0.5}]
    text = view.to_html(bake={"heads": "all", "interventions": changes}, picture=False)
    view.close()
    with opened(lab, text) as page:
        shown = explorer(page)
        before = shown.wait_for_tile()
        predicted = shown.part("expects").inner_text()
        choice = shown.part("changes")
        choice.select_option(label="without 0.1 (its mean over this text)")
        expect(shown.part("expects")).not_to_have_text(predicted)
        shown.wait(f"session.tile.value && session.tile.value.scale !== {before['scale']}")
        page.screenshot("static-page-replay")
        choice.select_option(label="as it is")
        shown.wait(f"session.tile.value && session.tile.value.scale === {before['scale']}")
        assert page.errors == []
