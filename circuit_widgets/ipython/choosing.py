"""`%circuits`: which model the other magics ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from circuit_widgets.ipython.magic import Magic
from circuit_widgets.ipython.parsing import Parser, one_or_values, variable
from circuit_widgets.ipython.questions import QUESTIONS

ABOUT = """\
Set the model that the magics of circuit_widgets ask; without a model, say which one it is.

A model is a name of the zoo, a Hugging Face name, a folder, a GGUF file, or a variable of the
notebook that holds a model."""
DTYPES = ("float32", "float16", "bfloat16", "float64")


class Circuits(Magic):
    """Sets the model."""

    kind = "line"
    name = "circuits"

    def make_parser(self) -> Parser:
        """Of what `load_model` takes."""
        parser = Parser(self.name, ABOUT, "MODEL")
        whole = one_or_values("a whole number", int)
        add = parser.add_argument
        add("--seed", type=whole, metavar="SEED", help="The training seed of a zoo model.")
        add("--step", type=whole, metavar="STEP", help="A checkpoint of a zoo model.")
        add("--device", metavar="DEVICE", help="Where it goes: cpu, cuda, cuda:1.")
        add("--dtype", choices=DTYPES, help="Of the weights.")
        about = "The variable with the tokenizer of a Hugging Face model that is loaded."
        add("--tokenizer", type=variable, metavar="NAME", help=about)
        add("--to", type=variable, metavar="NAME", help="Also a variable of the notebook.")
        return parser

    def run(self, words: list[str], asked: dict[str, Any], cell: str | None) -> None:
        """Load, keep and say it."""
        user = self.user
        if not words:
            if asked:
                raise UsageError(f"%circuits got {', '.join(asked)}, and no model that it is for")
            if user.model is None:
                user.choose(None)
            print(f"{user.described()}\nMagics: {', '.join(_magics())}; ? after one shows its help")
            return
        name, to = " ".join(words), asked.pop("to", None)
        if "tokenizer" in asked:
            asked["tokenizer"] = self._of_the_notebook(asked["tokenizer"])
        if "dtype" in asked:
            import torch

            asked["dtype"] = getattr(torch, asked["dtype"])
        held = user.variable(name)
        if held is not None and not isinstance(held, (str, Path)):
            _check_kind(name, held)
        user.choose(name if held is None else held, **asked)
        user.keep(to, user.model)
        print(user.described())

    def complete(self, word: str) -> list[str]:
        """Names of models, and variables that hold one."""
        from circuit_widgets import models

        ours = [name for name, held in self.user.shell.user_ns.items() if _is_model(held)]
        return [*models.known_names(), *ours]

    def _of_the_notebook(self, name: str) -> Any:
        held = self.user.variable(name)
        if held is None:
            raise UsageError(f"the notebook has no variable {name!r}")
        return held


def _magics() -> list[str]:
    return ["%%explore", *(f"%{question.magic}" for question in QUESTIONS)]


def _is_model(held: object) -> bool:
    """A bridge or a Hugging Face model: without importing either."""
    kinds = {kind.__name__ for kind in type(held).__mro__}
    return bool(kinds & {"TransformerBridge", "PreTrainedModel"})


def _check_kind(name: str, held: object) -> None:
    if not _is_model(held):
        raise UsageError(
            f"the variable {name!r} holds {_shown(held)}; accepted is a model, the name of "
            "one, or a folder"
        )


def _shown(held: object) -> str:
    from circuit_widgets import arguments

    return arguments.shown(held)
