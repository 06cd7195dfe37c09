"""A view's sliders, thresholds and choices, by name: read and set from Python."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from circuit_widgets.wire.controls import Control, ParamValue

THRESHOLD = "threshold."


class UnknownParameter(KeyError):
    """A name that a view has no parameter for."""

    def __str__(self) -> str:
        # KeyError would show the sentence in quotes.
        return str(self.args[0])


class Params(MutableMapping[str, ParamValue]):
    """Parameters of one view: a dict that takes only names and values that mean something there.

    Attributes:
        controls: What there is: names, ranges, choices, and what each is at first.
    """

    def __init__(
        self,
        controls: Iterable[Control],
        read: Callable[[], Mapping[str, ParamValue]],
        write: Callable[[dict[str, ParamValue]], None],
    ) -> None:
        self.controls = {control.name: control for control in controls}
        self._read, self._write = read, write

    def __getitem__(self, name: str) -> ParamValue:
        control = find(self.controls, name)
        return self._read().get(control.name, control.value)

    def __setitem__(self, name: str, value: ParamValue) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        """Back to what it was at first."""
        self.update({name: find(self.controls, name).value})

    def __iter__(self) -> Iterator[str]:
        return iter(self.controls)

    def __len__(self) -> int:
        return len(self.controls)

    def update(self, *args: Any, **kwargs: ParamValue) -> None:
        """Set several in one step; nothing has changed if one of them cannot be taken."""
        taken = checked(self.controls, dict(*args, **kwargs))
        self._write({**dict(self), **taken})

    def reset(self, beginning: str = "") -> None:
        """Back to what they were at first, all or those whose names begin so."""
        self.update(
            {name: c.value for name, c in self.controls.items() if name.startswith(beginning)}
        )

    def __repr__(self) -> str:
        return f"Params({dict(self)!r})"


def checked(controls: Mapping[str, Control], values: Mapping[str, object]) -> dict[str, ParamValue]:
    """The values as the controls take them.

    Raises:
        UnknownParameter: A name that there is not; the sentence has the closest one.
        TypeError, ValueError: A value that a parameter does not take.
    """
    return {name: _fit(find(controls, name), value) for name, value in values.items()}


def find(controls: Mapping[str, Control], name: object) -> Control:
    """The control of a name."""
    if isinstance(name, str) and name in controls:
        return controls[name]
    close = difflib.get_close_matches(str(name), list(controls), n=1, cutoff=0.5)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    names = ", ".join(map(repr, controls)) or "none"
    raise UnknownParameter(f"there is no parameter {name!r}.{hint} There are {names}.")


def _fit(control: Control, value: object) -> ParamValue:
    name = control.name
    if control.kind == "flag":
        if not isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}; accepted is True or False")
        return value
    if control.kind == "choice":
        accepted = [choice.value for choice in control.choices]
        # What there is to choose from may be known only later.
        if not isinstance(value, str) or (accepted and value not in accepted):
            close = difflib.get_close_matches(str(value), accepted, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            *most, last = map(repr, accepted) if accepted else ("a word",)
            named = f"{', '.join(most)} or {last}" if most else last
            raise ValueError(f"{name} is {value!r}; accepted is {named}.{hint}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is {value!r}; accepted is a number")
    least, most = control.least, control.most
    if (least is not None and value < least) or (most is not None and value > most):
        accepted = f"{least:g} to {most:g}" if most is not None else f"a number from {least:g} on"
        raise ValueError(f"{name} is {value!r}; accepted is {accepted}")
    if value != value:
        raise ValueError(f"{name} is not a number (NaN)")
    return float(value)
