"""The processes the browser tests start, and their certain end."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from tests.browser import warm

ROOT = Path(__file__).parents[2]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The browser of this machine; Playwright's own download is never used."""
    return next((path for name in CHROMIUM if (path := shutil.which(name))), None)


def descendants() -> set[psutil.Process]:
    """Every process under this one."""
    return set(psutil.Process().children(recursive=True))


def end(processes: set[psutil.Process], grace: float = 10) -> list[psutil.Process]:
    """Wait for processes to end, then make them. Returns those that had to be killed."""
    _, alive = psutil.wait_procs(list(processes), timeout=grace)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=grace)
    return alive


def die_with_parent() -> None:
    """Between fork and exec: a killed pytest takes the server along (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def start(
    command: list[str], folder: Path, environment: dict[str, str], log: Path
) -> subprocess.Popen[bytes]:
    """A process that writes to a log and ends with this one."""
    with log.open("wb") as to:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=to,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def start_nursery(home: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """The kernels of the JUPYTER_PATH `home / "path"` are forked from this process (see `warm`)."""
    at = home / "nursery"
    warm.spec(home / "path", at)
    command = [sys.executable, warm.__file__, "nursery", str(at)]
    found = os.pathsep.join([str(ROOT), *filter(None, [environment.get("PYTHONPATH")])])
    return start(command, home, environment | {"PYTHONPATH": found}, home / "nursery.log")


class JupyterServer:
    """A JupyterLab of this Python on a loopback port, with nothing of the user's in it."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="cw-lab-"))
        self.folder = self.home / "notebooks"
        self.folder.mkdir()
        # As a wheel installs it; an editable install has none.
        extensions = self.home / "path" / "labextensions"
        extensions.mkdir(parents=True)
        built = ROOT / "circuit_widgets" / "static" / "labextension"
        (extensions / "circuit-widgets").symlink_to(built)
        self._log = self.home / "server.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.token = os.urandom(16).hex()
        self._warm: subprocess.Popen[bytes] | None = None
        if hasattr(os, "fork"):
            self._warm = start_nursery(self.home, self._environment())
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"),
            f"--IdentityProvider.token={self.token}",
            f"--ServerApp.root_dir={self.folder}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ]
        self._process = start(command, self.folder, self._environment(), self._log)
        try:
            self.url = self._wait()
        except BaseException:
            self.close()
            raise

    def _environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
        home = self.home
        return kept | {
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_CONFIG_PATH": str(ROOT / "scripts" / "jupyter"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_PATH": str(home / "path"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "IPYTHONDIR": str(home / "ipython"),
            "PYTHONPATH": os.pathsep.join(
                [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
            ),
            # Colours would be in every traceback that a test reads.
            "NO_COLOR": "1",
            # What the tests show must not need a network.
            "HF_HUB_OFFLINE": "1",
            "no_proxy": "127.0.0.1",
        }

    def _wait(self, seconds: float = 90) -> str:
        """The address, once the server answers."""
        until = time.monotonic() + seconds
        info = self.home / "runtime" / f"jpserver-{self._process.pid}.json"
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError(f"JupyterLab ended at its start:\n{self.log()}")
            try:
                url = json.loads(info.read_text())["url"]
                self._request(url, "api/status", "GET")
                return url
            except (OSError, ValueError, KeyError):
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not answer in {seconds} s:\n{self.log()}")

    def _request(self, url: str, path: str, method: str) -> bytes:
        request = urllib.request.Request(
            url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return answer.read()

    def end_kernel(self, path: str) -> None:
        """Shut down the kernel of a notebook, so that its model leaves the memory."""
        for session in json.loads(self._request(self.url, "api/sessions", "GET")):
            if session["path"] == path:
                self._request(self.url, f"api/sessions/{session['id']}", "DELETE")

    def log(self, characters: int = 4000) -> str:
        """The end of what the server printed."""
        return self._log.read_text(errors="replace")[-characters:]

    def close(self) -> None:
        """End the server and its kernels."""
        try:
            server = psutil.Process(self._process.pid)
            family = {server, *server.children(recursive=True)}
        except psutil.NoSuchProcess:
            family = set()
        # SIGTERM is how Jupyter is asked to shut its kernels down and go.
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._warm is not None:
            self._warm.kill()
            self._warm.wait()
        end(family, grace=5)
        shutil.rmtree(self.home, ignore_errors=True)
