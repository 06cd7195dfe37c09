"""What a reply costs over a slower line: filled up to 128 KiB, and bare.

JupyterLab behind a proxy on this machine that holds every chunk back for half of the added latency
each way, and lets at most so many bits through a second. A greeting has an answer of no content, so
that a bare reply has some hundred bytes and a filled one 128 KiB more. "The page's choice" is what
the page asked for after 40 answers and a pause; a click is from the click handler to the frame that
shows an uncached head of 128 tokens, with that choice.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

from benchmarks.clicks import SET_UP, SHOW, clicks
from benchmarks.measure import spread, table
from tests.browser.explorer_page import ExplorerPage
from tests.browser.lab import Lab

# Added round trip in ms, and bits a second (None: as many as there are).
LINES = ((0, None), (20, None), (80, None), (80, 10_000_000))
TRIES = 30
GREET = """async (host, fill) => {
    const { client } = host.session;
    await client.ask({ kind: "hello", fill });
    const started = performance.now();
    await client.ask({ kind: "hello", fill });
    return performance.now() - started;
}"""


class Line:
    """A proxy on loopback with a latency and a rate."""

    def __init__(self, port: int, latency_ms: float, bits: float | None) -> None:
        self._to, self._delay, self._bits = port, latency_ms / 2000, bits
        self._loop = asyncio.new_event_loop()
        # Playwright's own loop is the main thread's.
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        listening = asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there = await asyncio.open_connection("127.0.0.1", self._to)
            await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Bytes of one direction; each chunk leaves when the line is free and the delay is over."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, chunk = await waiting.get()
                await asyncio.sleep(max(0, due - self._loop.time()))
                writer.write(chunk)
                if not chunk:
                    writer.close()
                    return

        task = asyncio.create_task(deliver())
        free = 0.0
        while chunk := await reader.read(2**16):
            free = max(free, self._loop.time())
            free += 8 * len(chunk) / self._bits if self._bits else 0
            waiting.put_nowait((free + self._delay, chunk))
        waiting.put_nowait((0, b""))
        await task

    async def _end(self) -> None:
        self._server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@contextlib.contextmanager
def over_a_line(lab: Lab, latency: float, bits: float | None) -> Iterator[None]:
    """Notebooks opened here reach the server over such a line."""
    straight = lab.server.url
    address = urlsplit(straight)
    assert address.port is not None
    line = Line(address.port, latency, bits)
    lab.server.url = straight.replace(f":{address.port}", f":{line.port}")
    try:
        yield
    finally:
        lab.server.url = straight
        line.close()


def of_line(lab: Lab, latency: float, bits: float | None) -> list[str]:
    """A row: filled, bare, chosen, click."""
    with (
        over_a_line(lab, latency, bits),
        lab.open([SET_UP, SHOW.format(n=128)], width=1400, height=1200) as notebook,
    ):
        notebook.run_all()
        page = ExplorerPage(notebook, 1)
        page.wait_for_tile()
        clicks(page, pause=50)  # the page has its answers
        notebook.page.wait_for_timeout(20_000)
        chosen = page.root.evaluate("host => host.session.client.fills")
        click = spread(clicks(page, pause=500))
        times: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(TRIES):
            for fill, taken in times.items():
                notebook.page.wait_for_timeout(100)
                taken.append(page.root.evaluate(GREET, fill))
    rate = "as fast as it goes" if bits is None else f"{bits / 1e6:.0f} Mbit/s"
    return [
        f"{latency:.0f} ms, {rate}",
        spread(times[True]),
        spread(times[False]),
        "filled" if chosen else "bare",
        click,
    ]


def run() -> str:
    """The section of the report."""
    lab = Lab()
    try:
        rows = [of_line(lab, *line) for line in LINES]
    finally:
        lab.close()
    head = ["added latency", "filled, 128 KiB", "bare", "the page's choice", "a click with it"]
    return table(head, rows)


if __name__ == "__main__":
    print(run())
