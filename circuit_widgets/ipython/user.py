"""Whose notebook it is: the variables of its user, and the model that magics ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# What the package says in a sentence. Anything else is a fault of its own: its traceback is shown.
SAID = (TypeError, ValueError, LookupError, OSError, ImportError)


@contextmanager
def as_sentence(*kinds: type[Exception]) -> Iterator[None]:
    """Errors that are sentences are shown as such, without a traceback."""
    try:
        yield
    except kinds as error:
        # KeyError quotes its sentence.
        said = error.args[0] if isinstance(error, KeyError) and error.args else error
        raise UsageError(str(said)) from error


@dataclasses.dataclass
class User:
    """The state of the magics in one shell.

    Attributes:
        shell: The shell.
        model: The model that `%circuits` set, or None.
        chosen: How `load_model` was asked for it: its name, and the seed of a zoo model.
    """

    shell: InteractiveShell
    model: Any = None
    chosen: dict[str, Any] = dataclasses.field(default_factory=dict)

    def variable(self, name: str) -> Any:
        """What a name of the notebook stands for; None where there is no such name."""
        return self.shell.user_ns.get(name) if name.isidentifier() else None

    def keep(self, name: str | None, value: Any) -> None:
        """Put something under a name into the notebook."""
        if name is not None:
            self.shell.push({name: value})

    def the_model(self) -> Any:
        """The model to ask; the first time without a choice, the toy, and it is said."""
        if self.model is None:
            self.choose(None)
            print(f"{self.described()}. `%circuits NAME` sets another model.")
        return self.model

    def choose(self, name: Any, **options: Any) -> None:
        """Load a model.

        Raises:
            UsageError: It cannot be; the one that was set stays.
        """
        from circuit_widgets import models

        with as_sentence(*SAID):
            self.model = models.load_model(name, **options)
        self.chosen = {"name": name, "seed": options.get("seed")}

    def described(self) -> str:
        """One line on the model."""
        from circuit_widgets import models

        cfg = self.model.cfg
        return (
            f"{models.name_of(self.model)}: {cfg.n_layers} layers of {cfg.n_heads} heads, "
            f"up to {models.n_context(self.model)} tokens, on {cfg.device}"
        )
