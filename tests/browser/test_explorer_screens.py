"""The explorer on other screens: many tokens, other pixels, chosen colours, under a finger."""

from __future__ import annotations

import pytest

from tests.browser.explorer_page import ExplorerPage
from tests.browser.test_explorer_fits import TOY, model_of

TOKENS = 1024
# Counts what is painted on a canvas: each image, and each time it is cleared.
COUNT = """host => {
    const painted = {};
    for (const name of ["drawImage", "clearRect"]) {
        const draw = CanvasRenderingContext2D.prototype[name];
        CanvasRenderingContext2D.prototype[name] = function (...args) {
            const canvas = this.canvas.dataset?.cw;
            if (canvas) painted[canvas] = (painted[canvas] ?? 0) + 1;
            return draw.apply(this, args);
        };
    }
    window.painted = painted;
}"""


@pytest.fixture
def toy(lab):
    with lab.open(TOY, width=1366, height=900) as nb:
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        yield page
        assert nb.errors == []


def test_pointing_at_a_matrix_of_1024_tokens_paints_none_of_its_cells(lab):
    text = f"torch.randint(1, 97, (1, {TOKENS}), generator=torch.Generator().manual_seed(0))"
    with lab.open([model_of(4, n_ctx=TOKENS), f"cw.explore(model, {text})"], width=1400) as nb:
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        page.point_at(900, 100)
        nb.page.wait_for_timeout(1000)  # a finer tile may come, and be painted
        page.root.evaluate(COUNT)
        for query in range(600, 900, 30):
            page.point_at(query, query // 2)
        for _ in range(5):
            page.root.locator(".root").press("Shift+ArrowLeft")
        painted = nb.page.evaluate("window.painted")
        assert painted.get("matrix", 0) == 0
        assert painted.get("grid", 0) == 0
        assert painted["matrix-over"] >= 10
        assert nb.errors == []


def test_a_screen_of_other_pixels_gets_sharp_canvases(toy):
    page = toy.notebook.page
    # So wide that the matrix has all the room that its height allows.
    page.set_viewport_size({"width": 1601, "height": 900})
    toy.wait_for_tile()
    before = toy.part("matrix").evaluate("e => [e.width, e.clientWidth]")
    session = page.context.new_cdp_session(page)
    # As when one zooms the page: a px of the window less, the matrix as wide as before.
    session.send(
        "Emulation.setDeviceMetricsOverride",
        {"width": 1600, "height": 900, "deviceScaleFactor": 2, "mobile": False},
    )
    page.wait_for_function(
        "([canvas, width]) => canvas.width === 2 * width",
        arg=[toy.part("matrix").element_handle(), before[0]],
    )
    assert toy.part("matrix").evaluate("e => e.clientWidth") == before[1]
    assert toy.colours("matrix") > 8


def test_a_finger_on_the_matrix_scrolls_the_notebook(toy):
    page = toy.notebook.page
    page.set_viewport_size({"width": 900, "height": 600})
    toy.part("matrix").scroll_into_view_if_needed()
    box = toy.part("matrix").bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 1})
    x = box["x"] + box["width"] / 2
    for kind, y in (("touchStart", 400), *(("touchMove", 400 - 20 * i) for i in range(1, 9))):
        point = {"x": x, "y": y}
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function(
        "([canvas, y]) => canvas.getBoundingClientRect().y < y - 50",
        arg=[toy.part("matrix").element_handle(), box["y"]],
    )


def test_colours_that_the_system_chose_are_kept_to(toy):
    page = toy.notebook.page
    page.emulate_media(forced_colors="active", color_scheme="dark")
    toy.wait("session.theme.value.page === '#000000'")
    assert toy.session("session.theme.value.ink") == "#ffffff"
    bar = toy.part("looks").locator(".bar").first
    wanted = toy.root.evaluate("host => getComputedStyle(host).getPropertyValue('--cw-data')")
    assert bar.evaluate("e => getComputedStyle(e).backgroundColor").replace(" ", "") == wanted
    toy.notebook.screenshot("explorer-forced-colours", toy.root)
