"""Kernels that start at once: forked from a process that has imported what notebooks import.

A kernel of JupyterLab's own spends ten seconds of a processor on importing PyTorch and
TransformerLens, and every notebook of the browser tests has one. JupyterLab starts this file as the
kernel; it asks the nursery for a child, passes interrupts on to it, and lives as long as it does.

    python warm.py nursery SOCKET            the process that forks
    python warm.py kernel SOCKET CONNECTION  the command of the kernel spec
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn


def spec(folder: Path, at: Path) -> None:
    """Write the kernel spec "python3" that starts kernels here."""
    kernels = folder / "kernels" / "python3"
    kernels.mkdir(parents=True)
    # -S: nothing is imported but the standard library, which takes 20 ms.
    argv = [sys.executable, "-S", __file__, "kernel", str(at), "{connection_file}"]
    about = {
        "argv": argv,
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "metadata": {"debugger": True},
        # JupyterLab then sends requests of widgets on a subshell, as with the usual spec.
        "kernel_protocol_version": "5.5",
    }
    (kernels / "kernel.json").write_text(json.dumps(about))


def nursery(at: str) -> NoReturn:
    """Import, then give a child to everybody who asks."""
    import transformer_lens.model_bridge.sources.native.model
    from ipykernel import kernelapp

    import circuit_widgets
    from tests import tiny

    assert tiny and kernelapp and transformer_lens
    for name in circuit_widgets.__all__:
        getattr(circuit_widgets, name)
    # Nobody waits for the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{at}.new")
    server.listen(16)
    os.rename(f"{at}.new", at)
    while True:
        asker, _ = server.accept()
        if os.fork() == 0:
            server.close()
            _kernel(asker)
        asker.close()


def _kernel(asker: socket.socket) -> NoReturn:
    """In the child: be the kernel that was asked for, until the asker is gone."""
    import random

    from ipykernel import kernelapp

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    asked = json.loads(asker.makefile().readline())
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    # The nursery is no parent whose end ends a kernel.
    os.environ.pop("JPY_PARENT_PID", None)
    random.seed()
    asker.sendall(f"{os.getpid()}\n".encode())

    def watch() -> None:
        with contextlib.suppress(OSError):
            asker.recv(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    sys.argv = ["ipykernel_launcher", "-f", asked["connection"]]
    kernelapp.launch_new_instance()
    os._exit(0)


def kernel(at: str, connection: str) -> None:
    """What JupyterLab takes for the kernel."""
    with socket.socket(socket.AF_UNIX) as nursery:
        _connect(nursery, at)
        asked = {
            "connection": connection,
            "folder": os.getcwd(),
            "environment": dict(os.environ),
        }
        nursery.sendall(json.dumps(asked).encode() + b"\n")
        child = int(nursery.makefile().readline())
        signal.signal(signal.SIGINT, lambda *_: os.kill(child, signal.SIGINT))
        # It ends when the child does; the child ends when this process does.
        while nursery.recv(1):
            pass


def _connect(to: socket.socket, at: str, seconds: float = 90) -> None:
    """Wait until the nursery has imported everything."""
    until = time.monotonic() + seconds
    while True:
        try:
            to.connect(at)
            return
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    {"nursery": nursery, "kernel": kernel}[what](*arguments)
