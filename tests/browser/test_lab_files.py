"""Saved results opened from JupyterLab's file browser, through the extension in the wheel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors import safe_open
from safetensors.torch import save_file

import circuit_widgets as cw
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import SHOTS
from tests.browser.watched import Watched

FOLDER = "saved results"
NAME = "it's “heads”.circuit.safetensors"


class FramePage(ExplorerPage):
    """The view in the frame of a tab."""

    def __init__(self, page: Page) -> None:
        self.root = page.frame_locator(".cw-lab:visible iframe").locator(".cw-root").first


@pytest.fixture(scope="module")
def folder(lab) -> Iterator[Path]:
    """Results in a folder that the server serves."""
    folder = lab.server.folder / FOLDER
    folder.mkdir()
    heads = cw.identify_induction_heads(cw.load_model(), n_sequences=4, progress=False)
    good = folder / NAME
    heads.save(good)
    (folder / "empty.circuit.safetensors").write_bytes(b"")
    data = good.read_bytes()
    (folder / "cut.circuit.safetensors").write_bytes(data[: len(data) // 2])
    save_file({"a": torch.zeros(2)}, folder / "foreign.circuit.safetensors")
    with safe_open(good, framework="pt") as file:
        told, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    newer = told["circuit_widgets"].replace('"format": 2', '"format": 99')
    save_file(tensors, folder / "newer.circuit.safetensors", {"circuit_widgets": newer})
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def page(lab, folder) -> Iterator[Page]:
    page = lab.new_page(height=1200)
    page.goto(f"{lab.server.url}lab/tree/{FOLDER}?reset&token={lab.server.token}")
    page.wait_for_function("() => window.jupyterapp?.restored")
    page.evaluate("() => window.jupyterapp.restored")
    yield page
    page.context.close()


def theme(page: Page, name: str) -> None:
    page.evaluate(
        "name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name
    )
    expect(page.locator("#jupyterlab-splash")).to_have_count(0, timeout=20_000)


def test_a_double_click_opens_the_view(page, folder) -> None:
    watched = Watched(page)
    page.locator(".jp-DirListing-item", has_text=NAME).dblclick()
    view = FramePage(page)
    expect(view.root.locator("canvas").first).to_be_visible(timeout=60_000)
    expect(view.part("head-name")).to_contain_text("1.2")
    view.click_head(0, 1)
    expect(view.part("head-name")).to_contain_text("0.1")
    expect(page.locator(".cw-lab-said")).to_be_hidden()
    page.screenshot(path=SHOTS / "lab-file-light.png")
    theme(page, "JupyterLab Dark")
    html = page.frame_locator(".cw-lab iframe").locator("html")
    expect(html).to_have_attribute("data-theme", "dark")
    page.screenshot(path=SHOTS / "lab-file-dark.png")
    # The kernel that read it is gone, and the frame reaches nothing.
    assert page.locator(".cw-lab iframe").get_attribute("sandbox") == "allow-scripts"
    page.evaluate("() => jupyterapp.serviceManager.sessions.refreshRunning()")
    running = "() => [...jupyterapp.serviceManager.sessions.running()].length"
    page.wait_for_function(f"() => ({running})() === 0")
    assert watched.errors == [] and watched.elsewhere == []


FAULTS = {
    "cut": "'cut.circuit.safetensors' is not a safetensors file",
    "foreign": "is a safetensors file, but not a saved result",
    "newer": "is of format 99, saved by circuit_widgets",
    "empty": "'empty.circuit.safetensors' is not a safetensors file",
}


def test_a_file_that_is_no_result_says_so(page, folder) -> None:
    open_ = "path => jupyterapp.commands.execute('circuit-widgets:open-result', {path})"
    for name, said in FAULTS.items():
        page.evaluate(open_, f"{FOLDER}/{name}.circuit.safetensors")
        alert = page.locator(".cw-lab:visible .cw-lab-said[role=alert]")
        expect(alert).to_contain_text(said, timeout=60_000)
        assert page.locator(".cw-lab iframe").count() == 0
    page.screenshot(path=SHOTS / "lab-file-empty.png")


def test_a_double_click_in_the_list_of_jupyter_notebook_opens_the_view(lab, folder) -> None:
    page = lab.new_page(height=1000)
    try:
        page.goto(f"{lab.server.url}tree/{FOLDER}?token={lab.server.token}")
        item = page.locator(".jp-DirListing-item", has_text=NAME)
        # It opens a page of its own.
        with page.context.expect_page() as opened:
            item.dblclick()
        view = FramePage(opened.value)
        expect(view.root.locator("canvas").first).to_be_visible(timeout=60_000)
        view.click_head(0, 1)
        expect(view.part("head-name")).to_contain_text("0.1")
        opened.value.screenshot(path=SHOTS / "notebook-7-file.png")
    finally:
        page.context.close()
