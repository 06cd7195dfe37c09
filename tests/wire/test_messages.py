"""Messages are read on several threads from the first one on."""

from __future__ import annotations

import subprocess
import sys

# Eight threads read the first message at once, and change places as often as Python can.
FIRST_MESSAGE = """
import sys, threading, msgspec
from circuit_widgets.wire import messages as m

sys.setswitchinterval(1e-6)
start = threading.Barrier(8)
tiles = {"kind": "tiles", "id": 1, "run": 0, "heads": [[0, 1]], "also": [], "pooling": "max",
         "window": [0, 1, 0, 1], "side": 4}

def read():
    start.wait()
    msgspec.convert({"client": "a", "requests": [tiles]}, m.Batch)

threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_the_first_message_may_come_on_many_threads_at_once() -> None:
    for _ in range(4):
        done = subprocess.run([sys.executable, "-c", FIRST_MESSAGE], timeout=60)
        assert done.returncode == 0
