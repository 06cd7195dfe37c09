"""Pages of others that hold our frames: no network, no kernel, and no trust in either direction."""

from __future__ import annotations

import re

import nbformat
import pytest
from playwright.sync_api import FrameLocator, expect

import circuit_widgets as cw
from tests.browser.static_page import opened

TEXT = "blue dog seven river blue dog seven river blue dog"
HOST = "<!doctype html><meta charset=utf-8><title>Host</title><body style='{}'>{}</body>"


@pytest.fixture(scope="module")
def view():
    shown = cw.explore(cw.load_model(), TEXT, selection="1.2", query=7)
    yield shown
    shown.close()


def clicked(frame: FrameLocator) -> None:
    """The frame's view is there, and answers a click."""
    expect(frame.locator("[data-cw=head-name]")).to_contain_text("1.2")
    grid = frame.locator("[data-cw=grid]")
    expect(grid).to_have_attribute("data-frame", re.compile("."))
    x0, y0, across, down = map(float, (grid.get_attribute("data-frame") or "").split(","))
    grid.click(position={"x": x0 + 1.4 * across, "y": y0 + 0.4 * down})
    expect(frame.locator("[data-cw=head-name]")).to_contain_text("0.1")


def test_a_frame_fits_its_height_and_its_hosts_theme(lab, view) -> None:
    frames = view.render_static() + view.render_static(height=200)
    with opened(lab, HOST.format("background: #111; color: #eee", frames)) as page:
        for nth in range(2):
            frame = page.page.frame_locator("iframe").nth(nth)
            clicked(frame)
            inner = frame.locator("main").bounding_box()
            outer = page.page.locator("iframe").nth(nth).bounding_box()
            assert inner is not None and outer is not None
            assert abs(inner["height"] - outer["height"]) <= 1
            expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
        page.screenshot("static-frames-dark-host")
        assert page.errors == [] and page.elsewhere == []


def test_a_frame_believes_nobody_but_its_host_and_tells_only_its_height(lab, view) -> None:
    spy = """<script>window.told = [];
        addEventListener("message", ({ data, origin }) => told.push([data, origin]));</script>"""
    lies = (
        'parent.frames[0].postMessage({ circuit_widgets: "theme", dark: true }, "*");'
        'parent.postMessage({ circuit_widgets: "height", height: 9000 }, "*");'
    )
    other = f"<iframe srcdoc='<script>{lies}</script>'></iframe>"
    with opened(lab, HOST.format("", spy + view.render_static() + other)) as page:
        frame = page.page.frame_locator("iframe").first
        clicked(frame)
        assert frame.locator("html").get_attribute("data-theme") is None
        box = page.page.locator("iframe").first.bounding_box()
        assert box is not None and box["height"] < 2000
        told = page.page.evaluate("told")
        ours = [data for data, origin in told if origin == "null"]
        assert ours and all(set(data) == {"circuit_widgets", "height"} for data in ours)


def test_a_host_that_strips_scripts_has_the_view_all_the_same(lab, view) -> None:
    text = view.render_static().split("<script>")[0]
    with opened(lab, HOST.format("", text)) as page:
        clicked(page.page.frame_locator("iframe"))
        assert page.errors == []


def test_frames_of_a_site_share_one_script(lab, view, tmp_path) -> None:
    (tmp_path / "views.js").write_text(cw.export.script(), encoding="utf-8")
    frame = view.render_static(script="views.js")
    assert len(frame) < 100_000
    path = tmp_path / "chapter.html"
    path.write_text(HOST.format("", frame * 2), encoding="utf-8")
    with opened(lab, path) as page:
        clicked(page.page.frame_locator("iframe").nth(0))
        clicked(page.page.frame_locator("iframe").nth(1))
        assert page.errors == [] and page.elsewhere == []


def test_nbconvert_makes_a_page_that_needs_no_network(lab, view) -> None:
    nbconvert = pytest.importorskip("nbconvert")
    cw.export.notebooks(widget=False)
    try:
        data, metadata = view._repr_mimebundle_()
    finally:
        cw.export.notebooks(False)
    assert "application/vnd.jupyter.widget-view+json" not in data
    assert len(data["image/png"]) < 60_000 and data["text/plain"].startswith("Explorer of")
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    cell = nbformat.v4.new_code_cell("cw.explore(model, text)", outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    text, _ = nbconvert.HTMLExporter(embed_images=True).from_notebook_node(notebook)
    with opened(lab, text) as page:
        clicked(page.page.frame_locator("iframe"))
        page.screenshot("static-nbconvert")
        # nbconvert's own page asks for MathJax and require.js; ours for nothing.
        assert not [url for url in page.elsewhere if "cdnjs" not in url and "jsdelivr" not in url]
