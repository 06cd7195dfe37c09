"""Magics of a notebook: `%load_ext circuit_widgets`.

    %circuits SmolLM2-135M         which model; without it, the toy that comes with the package
    %%explore                      the explorer of the cell's text
    %induction                     a topic's view; %influence, %flow, %circuit and so on
    %flow?                         what a magic takes

`circuit_widgets.load_ipython_extension` calls `load`. It imports nothing heavy: a magic does, when
it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from circuit_widgets.ipython.asking import Ask, Explore
from circuit_widgets.ipython.choosing import Circuits
from circuit_widgets.ipython.completion import complete_with
from circuit_widgets.ipython.questions import QUESTIONS
from circuit_widgets.ipython.user import User

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load"]


def load(shell: InteractiveShell) -> None:
    """Give a shell the magics, their help and their completion."""
    user = User(shell)
    magics = [Circuits(user), Explore(user), *(Ask(question, user) for question in QUESTIONS)]
    for magic in magics:
        shell.register_magic_function(magic, magic.kind, magic.name)
        complete_with(shell, magic)
