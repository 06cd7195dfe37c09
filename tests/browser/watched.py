"""A page of a host other than Jupyter's notebook, and what it said and asked for."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from tests.browser.processes import ROOT, start


class Watched:
    """Errors and requests of a page.

    Attributes:
        errors: Console errors and uncaught exceptions, but for those that `noise` matches.
        elsewhere: Addresses asked for that are not this machine's.
    """

    def __init__(self, page: Page, noise: str = r"(?!)") -> None:
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self._noise = re.compile(noise)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        text = f"{message.text} {message.location.get('url', '')}".strip()
        if message.type == "error" and not self._noise.search(text):
            self.errors.append(text)

    def _request(self, request: Any) -> None:
        address = urlsplit(request.url)
        local = address.hostname == "127.0.0.1" or address.scheme in ("data", "blob", "about")
        if not local:
            self.elsewhere.append(request.url)


@contextlib.contextmanager
def marimo(notebook: Path, home: Path) -> Iterator[str]:
    """A marimo notebook on show, with nothing of the user's in it; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "-q", "run", str(notebook), "--headless"]
    command += ["--no-token", "--host", "127.0.0.1", "--port", str(port), "--no-sandbox"]
    environment = {
        **{"PATH": "", "HOME": str(home), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        **{"OMP_NUM_THREADS": "1", "no_proxy": "127.0.0.1", "MARIMO_SKIP_UPDATE_CHECK": "1"},
    }
    log = home / "marimo.log"
    server = start(command, home, environment, log)
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait(server, f"{url}health", log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen, url: str, log: Path, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"marimo ended at its start:\n{log.read_text()}")
        with contextlib.suppress(OSError):
            opener.open(url, timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError(f"marimo did not answer:\n{log.read_text()}")
