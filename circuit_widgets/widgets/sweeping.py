"""A sweep while it runs: a row an item, which fills in as it finishes, and the items' own views."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import ipywidgets

from circuit_widgets.jobs.job import Job
from circuit_widgets.jobs.progress import Progress
from circuit_widgets.results.result import Result
from circuit_widgets.sweeps import Failure, Steps, Sweep

WAITING = "not finished yet"
_LAST = {"done": "done", "stopped": "stopped", "failed": "failed"}


class SweepView(ipywidgets.VBox):
    """The items of a sweep as they finish: what came of each, what failed and why, and Stop.

    Everything in it is text; a result is opened in the view of its own topic, one at a time.

    Args:
        name: Of the analysis.
        names: Of the items.
        steps: Their outcomes, as `sweep_items` yields them; they are gone through on a thread.
    """

    def __init__(self, name: str, names: list[str], steps: Steps) -> None:
        self._names = names
        self._results: dict[str, Result] = {}
        self._failures: dict[str, Failure] = {}
        self._said = {each: ipywidgets.HTML(WAITING) for each in names}
        self._open = {each: self._button(each) for each in names}
        self._bar = ipywidgets.IntProgress(0, 0, len(names), layout={"width": "160px"})
        self._status = ipywidgets.Label(f"{name}: 0 of {len(names)} items")
        self._stop = ipywidgets.Button(description="Stop", layout={"width": "70px"})
        self._stop.on_click(lambda _: self.stop())
        self._shown = ipywidgets.VBox()
        self._viewed: Any = None
        rows = [self._row(each) for each in names]
        listed = ipywidgets.VBox(rows, layout={"max_height": "300px", "overflow": "auto"})
        super().__init__(
            [ipywidgets.HBox([self._bar, self._status, self._stop]), listed, self._shown]
        )
        self._name = name
        self._job: Job[Any] = Job(self._through(steps), name)
        self._job.on_progress(self._moved)
        self._job.on_end(self._ended)
        self._job.start()

    @property
    def sweep(self) -> Sweep:
        """What there is by now."""
        return Sweep(self._names, dict(self._results), dict(self._failures))

    @property
    def opened(self) -> Any:
        """The view of the item that was opened last; None: none was."""
        return self._viewed

    def stop(self) -> None:
        """Stop soon: items under way are given up, those that are done stay."""
        self._job.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; False if `timeout` seconds passed before."""
        return self._job.wait(timeout)

    def show(self, name: str) -> None:
        """Open an item's own view, in the place of the one that is open.

        Raises:
            KeyError: It failed, or is not there yet.
        """
        view = self.sweep[name].view(title=name)
        before, self._viewed = self._viewed, view
        self._shown.children = (view,)
        if before is not None:
            before.close()

    def close(self) -> None:
        """Stop, and release the front end's side."""
        self.stop()
        if self._viewed is not None:
            self._viewed.close()
        super().close()

    def _button(self, name: str) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description="Open", tooltip=f"Open the view of {name}", disabled=True
        )
        button.layout.width, button.layout.flex = "70px", "0 0 auto"
        button.on_click(lambda _: self.show(name))
        return button

    def _row(self, name: str) -> ipywidgets.HBox:
        label = ipywidgets.Label(name, layout={"width": "200px", "flex": "0 0 auto"})
        said = self._said[name]
        said.layout.flex = "1 1 auto"
        return ipywidgets.HBox([self._open[name], label, said])

    def _say(self, name: str, words: str) -> None:
        # An HTML widget, because a label does not wrap; what it says is text.
        self._said[name].value = html.escape(words, quote=False)

    def _through(self, steps: Steps) -> Iterator[Progress]:
        try:
            for name, outcome in steps:
                if isinstance(outcome, Failure):
                    self._failures[name] = outcome
                    self._say(name, f"failed: {outcome.kind}: {outcome.message}")
                else:
                    self._results[name] = outcome
                    self._say(name, _said(outcome))
                    self._open[name].disabled = False
                yield Progress(len(self._results) + len(self._failures), len(self._names))
        finally:
            steps.close()

    def _moved(self, progress: Progress) -> None:
        self._bar.value = progress.done
        self._status.value = self._counted()

    def _counted(self) -> str:
        done, failed = len(self._results) + len(self._failures), len(self._failures)
        told = f"{self._name}: {done} of {len(self._names)} items"
        return f"{told}, {failed} failed" if failed else told

    def _ended(self, job: Job[Any]) -> None:
        self._stop.disabled = True
        for name in self.sweep.missing:
            self._say(name, "was not reached")
        error = f": {job.error}" if job.error is not None else ""
        self._status.value = f"{self._counted()}; {_LAST[job.state]}{error}"


def _said(result: Result) -> str:
    """The first lines of a result's text form, in one."""
    lines = [line.strip() for line in repr(result).splitlines()]
    return " ".join(lines[:2])


def stream(name: str, names: list[str], steps: Steps) -> SweepView:
    """The view of a sweep that it starts."""
    return SweepView(name, names, steps)
