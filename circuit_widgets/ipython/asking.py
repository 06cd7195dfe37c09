"""`%%explore`, and a magic for each analysis."""

from __future__ import annotations

import difflib
import functools
import inspect
from typing import Any

from IPython.core.error import UsageError

from circuit_widgets.ipython.magic import Magic
from circuit_widgets.ipython.options import VIEW, add_arguments, add_to, add_view_arguments
from circuit_widgets.ipython.parsing import Parser, one_or_values
from circuit_widgets.ipython.questions import TASKS, Question
from circuit_widgets.ipython.user import SAID, User, as_sentence

LINES = "Each line of the cell is a prompt."
STREAM = "Show the view at once; it fills in while the kernel computes."
# Options of the magic, not of what it calls.
_OWN = ("to", "stream", "lines", "n")


class Explore(Magic):
    """The explorer of a text."""

    name = "explore"

    def make_parser(self) -> Parser:
        """What `explore` takes."""
        import circuit_widgets as cw

        about = (inspect.getdoc(cw.explore) or "").split("\n")[0]
        parser = Parser(self.name, f"{about}\nThe text is the cell's, or the line's.", "TEXT")
        add_arguments(parser, cw.explore, ("prompt",))
        add_view_arguments(parser, {})
        add_to(parser)
        return parser

    def run(self, words: list[str], asked: dict[str, Any], cell: str | None) -> Any:
        """Open it."""
        import circuit_widgets as cw

        text = _needed(self.text(words, cell), self.name)
        to = asked.pop("to", None)
        model = self.user.the_model()
        with as_sentence(*SAID):
            shown = cw.explore(model, text, **asked)
        self.user.keep(to, shown)
        return shown


class Ask(Magic):
    """The view of one analysis."""

    def __init__(self, question: Question, user: User) -> None:
        self.question = question
        self.name = question.magic
        super().__init__(user)

    @functools.cached_property
    def analysis(self) -> Any:
        """What it calls."""
        import circuit_widgets as cw

        return getattr(cw, self.question.analysis)

    def make_parser(self) -> Parser:
        """What the analysis and its view take."""
        reads, argument = self.question.reads, self.question.argument
        about = (inspect.getdoc(self.analysis) or "").split("\n")[0]
        words = {"nothing": "", "task": "TASK"}.get(reads, "TEXT")
        parser = Parser(self.name, f"{about}\n{_READS[reads]}\nIt calls {_called(self)}.", words)
        add_arguments(parser, self.analysis, (argument,))
        add_view_arguments(parser, inspect.signature(self.analysis).parameters)
        if reads in ("text", "perhaps a text"):
            parser.add_argument("--lines", action="store_true", help=LINES)
        if reads == "task":
            about = "How many prompts of a task that is built in."
            whole = one_or_values("a whole number", int)
            parser.add_argument("--n", type=whole, metavar="N", help=about)
        parser.add_argument("--stream", action="store_true", help=STREAM)
        add_to(parser)
        return parser

    def run(self, words: list[str], asked: dict[str, Any], cell: str | None) -> Any:
        """Ask; what comes back is the result, or its view where that was asked for."""
        own = {name: asked.pop(name) for name in _OWN if name in asked}
        taken = inspect.signature(self.analysis).parameters
        view = {name: asked.pop(name) for name in VIEW if name in asked and name not in taken}
        asked |= self._argument(words, cell, own)
        on = self._on()
        with as_sentence(*SAID):
            # The arguments are looked at first: what is said of them is a sentence.
            self.analysis.job(*on, **asked)
        if own.get("stream"):
            with as_sentence(*SAID):
                shown = self.analysis.stream(*on, **asked, **view)
        else:
            with as_sentence(ValueError):
                result = self.analysis(*on, **asked)
            with as_sentence(*SAID):
                shown = result.view(**view) if view else result
        self.user.keep(own.get("to"), shown)
        return shown

    def complete(self, word: str) -> list[str]:
        """Tasks by name."""
        return list(TASKS) if self.question.reads == "task" else []

    def _on(self) -> tuple[Any, ...]:
        model = self.user.the_model()
        if not self.analysis.several:
            return (model,)
        from circuit_widgets import Load, zoo

        name = self.user.chosen["name"] or zoo.DEFAULT
        if name not in zoo.names():
            raise UsageError(
                f"%{self.name} goes through the checkpoints of a model of the zoo "
                f"({', '.join(zoo.names())}); of others ask {_called(self)}"
            )
        return (Load(name, seed=self.user.chosen["seed"] or 0),)

    def _argument(self, words: list[str], cell: str | None, own: dict[str, Any]) -> dict[str, Any]:
        """What the words are for the analysis."""
        reads, argument = self.question.reads, self.question.argument
        text = self.text(words, cell)
        if reads == "nothing":
            if text.strip():
                raise UsageError(f"%{self.name} takes no text; `%{self.name}?` lists its options")
            return {}
        if reads == "task":
            return {argument: self._task(text.strip(), own)}
        if reads == "perhaps a text" and not text.strip():
            return {}
        text = _needed(text, self.name)
        if reads == "prompts" or own.get("lines"):
            return {argument: [line for line in text.split("\n") if line.strip()]}
        return {argument: text}

    def _task(self, name: str, own: dict[str, Any]) -> Any:
        from circuit_widgets import Task

        held = self.user.variable(name)
        if isinstance(held, Task) or (callable(held) and name not in TASKS):
            if "n" in own:
                raise UsageError(f"--n is for tasks that are built in, and {name!r} is your own")
            return held
        if name not in TASKS:
            close = difflib.get_close_matches(name, TASKS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise UsageError(
                f"%{self.name} needs a task, and {name!r} is none.{hint} Accepted are "
                f"{', '.join(TASKS)}, and a variable with a Task"
            )
        make = functools.partial(getattr(Task, name), **{k: own[k] for k in ("n",) if k in own})
        if self.analysis.several:
            return make
        with as_sentence(*SAID):
            return make(self.user.the_model())


_READS = {
    "nothing": "It reads no text of yours.",
    "text": "The text is the cell's, or the line's.",
    "perhaps a text": "The text is the cell's, or the line's; without one it has texts of its own.",
    "prompts": "Each line of the cell is a prompt.",
    "task": f"The task is {', '.join(TASKS)}, or a variable with a Task.",
}


def _called(magic: Ask) -> str:
    return f"circuit_widgets.{magic.question.analysis}"


def _needed(text: str, name: str) -> str:
    if not text.strip():
        raise UsageError(
            f"%%{name} needs a text: write it into the cell below, or behind %{name} on its line"
        )
    return text
