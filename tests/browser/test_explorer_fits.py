"""The explorer on a laptop, on a phone's width, with many heads, in any theme: nothing is cut."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.explorer_page import ExplorerPage

TEXT = "torch.randint(1, 97, (1, 40), generator=torch.Generator().manual_seed(0))"
TOY = [
    "import circuit_widgets as cw\nmodel = cw.load_model()",
    "cw.explore(model, 'blue dog seven river green blue dog seven river green blue dog')",
]
# What is out of its box: of a canvas, of a box that scrolls inside itself, of the view.
CUT = """host => {
    const view = host.getBoundingClientRect();
    return [...host.shadowRoot.querySelectorAll('*')].filter(e => {
        const box = e.getBoundingClientRect();
        return box.width > 0 && !e.closest('.strip-scroll') && box.right > view.right + 1;
    }).map(e => e.className || e.tagName);
}"""


def model_of(heads: int, layers: int = 4, n_ctx: int = 64) -> str:
    return (
        "import torch\nimport circuit_widgets as cw\nfrom tests import tiny\n"
        f"model = tiny.native(n_layers={layers}, n_heads={heads}, d_model=32, d_head=4,"
        f" n_ctx={n_ctx})"
    )


@pytest.mark.parametrize("heads", [12, 32, 64])
def test_every_head_is_seen_and_can_be_clicked_at_every_width(lab, heads):
    with lab.open([model_of(heads), f"cw.explore(model, {TEXT})"], width=1510, height=1000) as nb:
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        for width in (1400, 900, 600):
            nb.page.set_viewport_size({"width": width + 110, "height": 1000})
            for layer, head in ((0, heads - 1), (3, 0), (3, heads - 1)):
                page.click_head(layer, head)
                expect(page.part("head-name")).to_have_text(f"{layer}.{head}")
            assert page.root.evaluate(CUT) == []
            # The grid and its bars are inside of the canvas, and the canvas inside of its box.
            x0, y0, across, down = page.frame("grid")
            canvas, box = page.part("grid"), page.root.locator(".head-grid .scroll")
            size = canvas.evaluate("e => [e.clientWidth, e.clientHeight]")
            assert x0 + heads * across + 9 + 28 <= size[0]
            assert y0 + 4 * down <= size[1]
            inside = box.evaluate("e => [e.scrollWidth - e.clientWidth, e.clientWidth]")
            assert inside[0] == 0 or canvas.evaluate("e => e.clientWidth") == inside[0] + inside[1]
            nb.screenshot(f"explorer-{heads}-heads-{width}", page.root)
        assert nb.errors == []


def test_all_of_it_is_seen_at_once_on_a_laptop(lab):
    with lab.open([model_of(25, layers=48), f"cw.explore(model, {TEXT})"]) as nb:
        nb.page.set_viewport_size({"width": 1366, "height": 768})
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        box = page.root.bounding_box()
        assert box is not None and box["width"] >= 1100 and box["height"] <= 620
        for part in ("prompt", "grid", "matrix", "looks", "expects", "strip"):
            inner = page.part(part).bounding_box()
            assert inner is not None, part
            if part != "strip":  # a long text scrolls inside of its box
                assert inner["y"] + inner["height"] <= box["y"] + box["height"], part
        x, y, width, height = page.frame("matrix")
        canvas = page.part("matrix").evaluate("e => [e.clientWidth, e.clientHeight]")
        assert x + width <= canvas[0] and y + height <= canvas[1]
        assert width > 300
        page.root.scroll_into_view_if_needed()
        nb.screenshot("explorer-laptop-48-layers")
        assert nb.errors == []


@pytest.mark.parametrize("theme", ["light", "dark", "custom"])
def test_the_canvases_have_the_notebooks_colours(lab, theme):
    with lab.open(TOY, theme="dark" if theme == "dark" else "light") as nb:
        if theme == "custom":
            nb.page.add_style_tag(
                content="body { --jp-layout-color0: #fdf6e3 !important;"
                " --jp-ui-font-color1: #073642 !important; }"
            )
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        ground = nb.page.evaluate(
            "getComputedStyle(document.body).getPropertyValue('--jp-layout-color0').trim()"
        )
        wanted = page.root.evaluate(
            """(host, colour) => {
                const probe = document.createElement('canvas').getContext('2d');
                probe.fillStyle = colour;
                probe.fillRect(0, 0, 1, 1);
                return [...probe.getImageData(0, 0, 1, 1).data];
            }""",
            ground,
        )
        # Above the diagonal there is no attention: the page's own colour.
        x, y, width, height = page.frame("matrix")
        pixel = page.part("matrix").evaluate(
            """(canvas, [x, y]) => {
                const ratio = canvas.width / canvas.clientWidth;
                const at = [Math.round(x * ratio), Math.round(y * ratio)];
                return [...canvas.getContext('2d').getImageData(...at, 1, 1).data];
            }""",
            [x + 0.9 * width, y + 0.1 * height],
        )
        assert pixel == wanted
        assert page.session("session.theme.value.dark") is (theme == "dark")
        nb.screenshot(f"explorer-colours-{theme}", page.root)
        # Another theme while it is shown: the same notebook, the other colours.
        if theme == "light":
            nb.set_theme("dark")
            page.wait("session.theme.value.dark")
        assert nb.errors == []


def test_zoomed_in_and_then_made_narrower_the_matrix_stays(lab):
    with lab.open(TOY, width=1510, height=1400) as nb:
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        page.point_at(12, 10)
        nb.page.keyboard.down("Control")
        nb.page.mouse.wheel(0, -700)
        nb.page.keyboard.up("Control")
        nb.page.mouse.move(0, 0)
        for width in (1510, 760, 480):
            nb.page.set_viewport_size({"width": width, "height": 1400})
            # The last query's attention is in view, in its colours, at every width.
            x, y, across, down = page.frame("matrix")
            page.wait_for_picture("matrix", lambda _: page.colours("matrix") > 8)
            shown = page.part("matrix").evaluate(
                """(canvas, [x, y, width, height]) => {
                    const ratio = canvas.width / canvas.clientWidth;
                    const box = [x, y, width, height].map(v => Math.round(v * ratio));
                    const pixels = canvas.getContext('2d').getImageData(...box).data;
                    return new Set(new Uint32Array(pixels.buffer)).size;
                }""",
                [x, y, across, down],
            )
            assert shown > 3
            nb.screenshot(f"explorer-zoomed-{width}", page.root)
        assert nb.errors == []


def test_the_help_is_seen_where_one_is(lab):
    with lab.open(TOY) as nb:
        nb.page.set_viewport_size({"width": 1366, "height": 768})
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        page.root.locator(".root").press("?")
        expect(page.part("help")).to_be_in_viewport(ratio=1)
        expect(page.part("help")).to_contain_text("attends to / is attended to by")
        page.root.locator(".root").press("Escape")
        expect(page.part("help")).to_have_count(0)


# What is done to the matrix: each drawing and each change of its size.
DRAWINGS = """canvas => {
    const found = window.drawings = [];
    const { prototype } = CanvasRenderingContext2D;
    const { clearRect } = prototype;
    prototype.clearRect = function (...box) {
        if (this.canvas === canvas) found.push(`${canvas.width} x ${canvas.height}`);
        return clearRect.apply(this, box);
    };
}"""


def test_a_click_draws_the_matrix_once_and_moves_nothing(lab):
    # Pooled, and the last line of controls wraps: a line that goes while a head is on its way would
    # change the matrix's height, twice, and draw it three times.
    text = "torch.randint(1, 97, (1, 300), generator=torch.Generator().manual_seed(0))"
    cells = [model_of(12, n_ctx=512), f"cw.explore(model, {text}, probe=False)"]
    with lab.open(cells, width=1400, height=1000) as nb:
        nb.run_all()
        page = ExplorerPage(nb, 1)
        page.wait_for_tile()
        page.row(299)
        nb.page.wait_for_timeout(500)
        size = page.part("matrix").evaluate("e => `${e.width} x ${e.height}`")
        page.part("matrix").evaluate(DRAWINGS)
        page.session("session.tiles.value.clear()")
        page.session("session.select({ layer: 2, head: 5 })")
        page.wait_for_tile()
        page.row(299)
        # The kernel sends the saved notebook's picture a second later: it is the same.
        page.wait("session.widget.live.picture.value.tile?.head.join() === '2,5'")
        nb.page.wait_for_timeout(300)
        assert nb.page.evaluate("window.drawings") == [size]
        assert nb.errors == []
