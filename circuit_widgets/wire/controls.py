"""Sliders, thresholds and choices by name, and how an output is framed: traits of every view."""

from __future__ import annotations

from typing import Literal

import msgspec

from circuit_widgets.wire.parts import Index, Message

ParamValue = float | str | bool


class ControlChoice(Message, frozen=True):
    """One of the values that a choice takes."""

    value: str
    label: str
    about: str


class Control(Message, frozen=True):
    """What a parameter is called and which values it takes; `value` is what it is at first."""

    name: str
    label: str
    about: str
    kind: Literal["number", "choice", "flag"]
    value: ParamValue
    least: float | None
    most: float | None
    step: float | None
    unit: str
    choices: list[ControlChoice]
    # The author of the page has fixed it: readers cannot move it.
    locked: bool = False


class ParamValues(Message, frozen=True):
    """The parameters as they are. `source` and `seq`: who set them, and that one's how-manieth."""

    values: dict[str, ParamValue]
    source: str = "kernel"
    seq: Index = 0


class Frame(Message, frozen=True):
    """How an output is framed: height in px, panels left out, what stands above and below."""

    height: Index | None
    hide: list[str]
    title: str | None
    caption: str | None


def number(
    name: str,
    label: str,
    value: float,
    *,
    least: float,
    most: float | None,
    step: float,
    unit: str = "",
    about: str = "",
) -> Control:
    """A slider or a threshold."""
    return Control(name, label, about, "number", float(value), least, most, step, unit, [])


def choice(
    name: str,
    label: str,
    choices: list[ControlChoice],
    *,
    value: str | None = None,
    about: str = "",
) -> Control:
    """One of several; the first unless it is said."""
    first = choices[0].value if value is None else value
    return Control(name, label, about, "choice", first, None, None, None, "", choices)


def word(name: str, label: str, value: str) -> Control:
    """A choice that only the page knows the values of."""
    return Control(name, label, "", "choice", value, None, None, None, "", [])


def option(value: str, label: str, about: str = "") -> ControlChoice:
    """One of the values of a `choice`."""
    return ControlChoice(value, label, about)


# msgspec is not safe for two first uses at once; see messages.py.
for _type in (Control, ParamValues, Frame):
    msgspec.json.Decoder(_type)
