"""A notebook in a real JupyterLab in a real browser, for tests of what a user sees.

def test_counts(lab):
    notebook = lab.open(["import my_widget", "my_widget.Counter()"])
    notebook.run_all()
    notebook.view(1).get_by_role("button").click()
    assert notebook.python("_.value") == "1"
    assert notebook.errors == []
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser.processes import JupyterServer, descendants, end, find_chromium

Theme = Literal["light", "dark"]
SHOTS = Path(os.environ.get("CW_SHOTS") or Path(__file__).parent / "_shots")
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-breakpad", "--disable-dev-shm-usage", "--force-color-profile=srgb"),
    # No name resolves: a page that needs a CDN fails here as it does without a network.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# JupyterLab's own complaint after a restart of the kernel, none of ours.
NOISE = re.compile(r"Could not restore the debugger state")

_READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  const kernel = panel?.sessionContext?.session?.kernel;
  return panel?.context?.isReady && panel.content?.widgets?.length > 0
    && kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""

# Every script takes what it needs and a limit in ms: page.evaluate itself waits for ever.
_LIMIT = """const within = (ms, what, promise) => Promise.race([promise, new Promise((_, fail) =>
  setTimeout(() => fail(new Error(`${what} took more than ${ms / 1000} s`)), ms))]);"""

_RUN = f"""async ([index, wait, ms]) => {{
  {_LIMIT}
  const {{ shell, commands }} = window.jupyterapp;
  const notebook = shell.currentWidget.content;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  const ran = commands.execute("notebook:run-cell");
  if (!wait) return [];
  await within(ms, `cell ${{index}}`, ran);
  return notebook.widgets[index].model.outputs?.toJSON() ?? [];
}}"""

_PYTHON = f"""async ([code, ms]) => {{
  {_LIMIT}
  const {{ kernel }} = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const future = kernel.requestExecute({{ code, store_history: false }});
  const answer = {{ text: "", error: null }};
  future.onIOPub = ({{ header, content }}) => {{
    if (header.msg_type === "stream") answer.text += content.text;
    if (header.msg_type === "execute_result") answer.text += content.data["text/plain"];
    if (header.msg_type === "error") answer.error = content.traceback.join("\\n");
  }};
  try {{
    await within(ms, "the kernel", future.done);
  }} finally {{
    future.dispose();
  }}
  return answer;
}}"""

_SAVE = """async (withWidgets) => {
  const { shell, commands } = window.jupyterapp;
  const toggle = "@jupyter-widgets/jupyterlab-manager:saveWidgetState";
  if (commands.isToggled(toggle) !== withWidgets) {
    await commands.execute(toggle);
    while (commands.isToggled(toggle) !== withWidgets) await new Promise((r) => setTimeout(r, 20));
  }
  await shell.currentWidget.context.save();
}"""


class Notebook:
    """One open notebook. `page` is Playwright's own, for everything that has no helper here."""

    def __init__(self, server: JupyterServer, page: Page, path: str) -> None:
        self.page = page
        self.path = server.folder / path
        self.errors: list[str] = []
        """Console errors and uncaught exceptions of the page, less JupyterLab's own."""
        self.requests_elsewhere: list[str] = []
        """Addresses asked for that are not this server's: must stay empty."""
        self.dialogs: list[str] = []
        """The text of each JupyterLab dialog that came up and was accepted."""
        self._server = server
        self._name = path
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("request", self._request)
        page.on("dialog", lambda dialog: dialog.accept())
        page.add_locator_handler(page.locator(".jp-Dialog"), self._accept)

    def _console(self, message: Any) -> None:
        text = f"{message.text} {message.location.get('url', '')}".strip()
        if message.type == "error" and not NOISE.search(text):
            self.errors.append(text)

    def _request(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about") and address.hostname != "127.0.0.1":
            self.requests_elsewhere.append(request.url)

    def _accept(self, dialog: Locator) -> None:
        self.dialogs.append(dialog.inner_text())
        dialog.locator(".jp-mod-accept").last.click()

    def _wait_ready(self) -> None:
        self.page.wait_for_function(_READY, timeout=60_000)
        self._wait_splash()

    def _wait_splash(self) -> None:
        """JupyterLab veils the page while it loads and while its theme changes."""
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=20_000)

    def run(
        self, index: int, *, wait: bool = True, check: bool = True, timeout: float = 120
    ) -> None:
        """Run a cell and, unless `wait=False`, wait for its end.

        With `check`, a cell that raises fails the test with its traceback.
        """
        outputs = self.page.evaluate(_RUN, [index, wait, timeout * 1000])
        failed = [o for o in outputs if o["output_type"] == "error"]
        if check and failed:
            raise AssertionError(f"cell {index} raised:\n" + "\n".join(failed[0]["traceback"]))

    def run_all(self, *, check: bool = True, timeout: float = 120) -> None:
        """Run every cell, each after the one above it."""
        for index in range(self.page.locator(".jp-Notebook .jp-Cell").count()):
            self.run(index, check=check, timeout=timeout)

    def wait_idle(self, timeout: float = 120) -> None:
        """Wait until no cell runs and none is queued."""
        self.python("pass", timeout=timeout)

    def cell(self, index: int) -> Locator:
        """A cell, input and output."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> Locator:
        """What is under a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def view(self, index: int, nth: int = 0) -> Locator:
        """The root element of the view under a cell. Locators go into its shadow root."""
        return self.output(index).locator(".cw-root").nth(nth)

    def python(self, code: str, timeout: float = 60) -> str:
        """Run code in the notebook's kernel; what it printed and the repr of its last line.

        Waits while a cell runs. A Python error fails the test with its traceback.
        """
        answer = self.page.evaluate(_PYTHON, [code, timeout * 1000])
        if answer["error"] is not None:
            raise AssertionError(f"{code!r} raised:\n{answer['error']}")
        return answer["text"].strip()

    def restart_kernel(self) -> None:
        """Restart, as from the menu: outputs stay, Python forgets everything."""
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
        )
        self._wait_ready()

    def reload(self) -> None:
        """Load the page anew, from what was last saved; the kernel goes on."""
        self.page.reload()
        self._wait_ready()

    def save(self, *, widgets: bool = False) -> nbformat.NotebookNode:
        """Save, with the state of the widgets or (JupyterLab's default) without; the file."""
        self.page.evaluate(_SAVE, widgets)
        return nbformat.read(self.path, as_version=4)

    def set_theme(self, theme: Theme) -> None:
        """JupyterLab Light or JupyterLab Dark."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
            f"JupyterLab {theme.capitalize()}",
        )
        light = "true" if theme == "light" else "false"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
        self._wait_splash()

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """A picture of the page, or of one element, as `SHOTS/name.png`."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / (re.sub(r"[^\w.-]+", "-", name) + ".png")
        (of or self.page).screenshot(path=path)
        return path

    def close(self) -> None:
        """Close the page and end the kernel. May be called twice."""
        if not self.page.is_closed():
            self.page.context.close()
            self._server.end_kernel(self._name)

    def __enter__(self) -> Notebook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Lab:
    """A JupyterLab server and a browser, started once and ended together."""

    def __init__(self) -> None:
        self.notebooks: list[Notebook] = []
        self._before = descendants()
        self._browser: Browser | None = None
        self._playwright = None
        self.server = JupyterServer()
        try:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(
                executable_path=find_chromium(), args=list(ARGUMENTS)
            )
        except BaseException:
            self.close()
            raise

    def open(
        self,
        cells: Sequence[str] | Path,
        *,
        theme: Theme = "light",
        width: int = 1280,
        height: int = 1000,
        place: str = "doc/tree",
    ) -> Notebook:
        """Open a notebook of these code cells, or a copy of a notebook file; nothing is run.

        The kernel is ready when this returns. `place`: "doc/tree" is JupyterLab with one document
        and no side bars, "notebooks" is Jupyter Notebook.
        """
        name = f"{uuid.uuid4().hex[:8]}.ipynb"
        if isinstance(cells, Path):
            text = cells.read_text(encoding="utf-8")
        else:
            text = nbformat.writes(_notebook(cells))
        (self.server.folder / name).write_text(text, encoding="utf-8")
        notebook = Notebook(self.server, self.new_page(theme, width, height), name)
        self.notebooks.append(notebook)
        notebook.page.goto(f"{self.server.url}{place}/{name}?reset&token={self.server.token}")
        notebook._wait_ready()
        notebook.set_theme(theme)
        return notebook

    def new_page(self, theme: Theme = "light", width: int = 1280, height: int = 1000) -> Page:
        """An empty page of a context of its own, for a host that is not Jupyter's notebook."""
        assert self._browser is not None
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, locale="en-US"
        )
        return context.new_page()

    def close_since(self, count: int) -> None:
        """Close the notebooks opened after the first `count`."""
        for notebook in self.notebooks[count:]:
            notebook.close()
        del self.notebooks[count:]

    def close(self) -> None:
        """End the browser, the kernels and the server, whatever became of them."""
        ours = descendants() - self._before
        try:
            if self._browser is not None:
                self._browser.close()
            if self._playwright is not None:
                self._playwright.stop()
        finally:
            self.server.close()
            end(ours)


def _notebook(cells: Sequence[str]) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook.metadata["kernelspec"] = kernel
    return notebook
