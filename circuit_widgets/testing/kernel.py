"""A kernel with a front end that is no page, and keeps the state of every widget as a page does."""

from __future__ import annotations

import dataclasses
import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import output_from_msg

# Messages that are a cell's outputs.
_OUTPUTS = ("stream", "display_data", "execute_result", "error")


@dataclasses.dataclass
class Widget:
    """What the kernel has said of one widget.

    Attributes:
        state: Its traits; binary ones are bytes.
        messages: What it has sent besides, each with its buffers.
        open: Whether the kernel still has it.
    """

    state: dict[str, Any] = dataclasses.field(default_factory=dict)
    messages: list[tuple[dict[str, Any], list[bytes]]] = dataclasses.field(default_factory=list)
    open: bool = True


class Kernel:
    """One kernel, from its start to `close`."""

    def __init__(self, folder: Path, name: str, startup: float) -> None:
        self.manager, self.client = start_new_kernel(
            kernel_name=name, startup_timeout=startup, cwd=str(folder)
        )
        self.widgets: dict[str, Widget] = {}

    def run(self, code: str, timeout: float) -> list[nbformat.NotebookNode]:
        """Run a cell to its end; its outputs.

        Raises:
            TimeoutError: It took longer than `timeout` seconds.
        """
        outputs: list[nbformat.NotebookNode] = []

        def take(message: dict[str, Any]) -> None:
            kind, content = message["header"]["msg_type"], message["content"]
            if kind in _OUTPUTS:
                outputs.append(output_from_msg(message))
            elif kind == "clear_output":
                outputs.clear()
            elif kind == "update_display_data":
                _update(outputs, content)
            else:
                self._take(message)

        self.client.execute_interactive(code, output_hook=take, timeout=timeout, allow_stdin=False)
        return outputs

    def ask(self, widget: str, content: dict[str, Any]) -> None:
        """Send a widget a custom message, as its page does."""
        data = {"method": "custom", "content": content}
        session, channel = self.client.session, self.client.shell_channel
        channel.send(session.msg("comm_msg", {"comm_id": widget, "data": data}))

    def wait_for(self, found: Callable[[], Any], timeout: float) -> Any:
        """Take what the kernel says until something is found.

        Raises:
            TimeoutError: It is not there after `timeout` seconds.
        """
        until = time.monotonic() + timeout
        while (there := found()) is None:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"the kernel gave no answer in {timeout:g} s")
            try:
                self._take(self.client.get_iopub_msg(timeout=min(left, 1)))
            except queue.Empty:
                continue
        return there

    def close(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def _take(self, message: dict[str, Any]) -> None:
        """What is said of a widget."""
        content, buffers = message["content"], [bytes(b) for b in message.get("buffers", ())]
        data = content.get("data", {})
        match message["header"]["msg_type"]:
            case "comm_open" if content["target_name"] == "jupyter.widget":
                widget = self.widgets.setdefault(content["comm_id"], Widget())
                widget.open = True
                _put(widget.state, data, buffers)
            case "comm_msg" if widget := self.widgets.get(content["comm_id"]):
                if data.get("method") == "update":
                    _put(widget.state, data, buffers)
                elif data.get("method") == "custom":
                    widget.messages.append((data["content"], buffers))
            case "comm_close" if widget := self.widgets.get(content["comm_id"]):
                widget.open = False


def _put(state: dict[str, Any], data: dict[str, Any], buffers: list[bytes]) -> None:
    """Update a state; binary values come beside it, with the path to their places."""
    new = data["state"]
    for path, buffer in zip(data.get("buffer_paths", ()), buffers, strict=False):
        at: Any = new
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = buffer
    state.update(new)


def _update(outputs: list[nbformat.NotebookNode], content: dict[str, Any]) -> None:
    shown = content.get("transient", {}).get("display_id")
    for output in outputs:
        if shown and output.get("transient", {}).get("display_id") == shown:
            output["data"], output["metadata"] = content["data"], content["metadata"]
