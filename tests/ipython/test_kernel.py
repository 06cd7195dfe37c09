"""The magics in a real kernel: what a cell shows, completes and says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

TEXT = "blue dog seven river blue dog"
VIEW = "application/vnd.jupyter.widget-view+json"


class Kernel:
    """One kernel with the extension."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The reply to a cell, and its outputs."""
        outputs: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(code, output_hook=outputs.append, timeout=120)
        return reply["content"], outputs

    def shown(self, code: str) -> dict[str, Any]:
        """What the last line of a cell shows."""
        reply, outputs = self.run(code)
        assert reply["status"] == "ok", reply
        shown = [o["content"]["data"] for o in outputs if o["msg_type"] == "execute_result"]
        return shown[-1] if shown else {}

    def printed(self, code: str) -> str:
        return "".join(
            output["content"]["text"]
            for output in self.run(code)[1]
            if output["msg_type"] == "stream"
        )

    def completed(self, line: str) -> list[str]:
        return self.client.complete(line, reply=True, timeout=60)["content"]["matches"]

    def help(self, code: str) -> str:
        content = self.client.inspect(code, reply=True, timeout=60)["content"]
        return content["data"]["text/plain"]


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=120)
    try:
        known = Kernel(client)
        reply, _ = known.run("%load_ext circuit_widgets")
        assert reply["status"] == "ok"
        yield known
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_cells_show_views(kernel) -> None:
    assert VIEW in kernel.shown(f"%%explore --no-probe\n{TEXT}")
    assert kernel.shown("_.tokens[1:3]")["text/plain"] == "('blue', 'dog')"
    shown = kernel.shown(f"%%flow --to flow --no-progress\n{TEXT}")
    assert VIEW in shown and shown["text/plain"].startswith("InformationFlow of toy-induction")
    assert kernel.shown("flow.tokens[-1]")["text/plain"] == "'dog'"
    assert kernel.printed("text = 'blue dog'\n%circuits toy-induction --seed 2") == (
        "toy-induction: 2 layers of 4 heads, up to 128 tokens, on cpu\n"
    )
    # IPython fills in variables.
    kernel.shown("r = %attribution --no-progress $text")
    assert kernel.shown("r.provenance.probe")["text/plain"] == "'blue dog'"


def test_errors_have_no_traceback(kernel) -> None:
    reply, outputs = kernel.run("%circuits toy-inducton")
    assert reply["status"] == "error" and reply["ename"] == "UsageError"
    said = [output["content"].get("text", "") for output in outputs]
    assert any(text.startswith("UsageError: there is no model 'toy-inducton'") for text in said)
    assert "Traceback" not in "".join(said)
    assert not [output for output in outputs if output["msg_type"] == "error"]


def test_completion_and_help(kernel) -> None:
    assert "toy-induction" in kernel.completed("%circuits toy-")
    assert kernel.completed("%%flow --pat") == ["--paths"]
    assert "ioi" in kernel.completed("%circuit i")
    assert "%circuits" in kernel.completed("%circui")
    assert "--least-share" in kernel.help("%induction")
    assert "trace_information_flow" in kernel.help("%flow")
