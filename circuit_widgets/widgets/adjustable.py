"""A view that can be adjusted: parameters by name, and the frame of its output."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import traitlets

from circuit_widgets.widgets.base import View
from circuit_widgets.widgets.opening import Opening
from circuit_widgets.widgets.params import THRESHOLD, Params, UnknownParameter, checked, find
from circuit_widgets.wire.controls import Control, Frame, ParamValue, ParamValues


class Adjustable(View):
    """Sliders, thresholds and choices that Python reads and sets; title, caption and height.

    A subclass names its panels in `_panels`.
    """

    _panels: tuple[str, ...] = ()

    controls = traitlets.List().tag(sync=True)
    param_values = traitlets.Dict(msgspec.to_builtins(ParamValues({}))).tag(sync=True)
    frame = traitlets.Dict(msgspec.to_builtins(Frame(None, [], None, None))).tag(sync=True)

    def __init__(self, controls: Iterable[Control], opening: Opening, **kwargs: Any) -> None:
        self._lock = opening.lock
        self._declared = self._locking(controls, self._lock)
        values = checked(self._declared, opening.values)
        super().__init__(
            controls=msgspec.to_builtins(list(self._declared.values())),
            param_values=msgspec.to_builtins(ParamValues(values)),
            frame=msgspec.to_builtins(self._framed(opening)),
            **kwargs,
        )

    @property
    def params(self) -> Params:
        """Sliders, thresholds and choices by name: a dict that checks what is set."""
        return Params(self._declared.values(), lambda: self.param_values["values"], self._write)

    def _write(self, values: Mapping[str, ParamValue]) -> None:
        told = msgspec.convert(self.param_values, ParamValues)
        made = ParamValues(dict(values), "kernel", told.seq + 1)
        self.param_values = msgspec.to_builtins(made)

    def _declare(self, controls: Sequence[Control]) -> None:
        """What there is to adjust from now on; values that it does not take are forgotten."""
        # What a view learns later may have names that it did not have at first, and the reverse.
        known = [control.name for control in controls]
        still = [name for name in self._lock if {name, f"{THRESHOLD}{name}"} & {*known}]
        self._declared = self._locking(controls, still)
        kept = {n: v for n, v in self.param_values["values"].items() if self._takes(n, v)}
        with self.hold_sync():
            self.controls = msgspec.to_builtins(list(self._declared.values()))
            if kept != self.param_values["values"]:
                self._write(kept)

    def _locking(self, controls: Iterable[Control], names: Iterable[str]) -> dict[str, Control]:
        """Controls by name, those of these names locked."""
        declared = {control.name: control for control in controls}
        for name in names:
            full = name if name in declared else f"{THRESHOLD}{name}"
            if full not in declared:
                find(declared, name)
            if declared[full].kind != "number":
                raise ValueError(f"{name!r} is a choice; sliders and thresholds can be locked")
            declared[full] = msgspec.structs.replace(declared[full], locked=True)
        return declared

    def _takes(self, name: str, value: ParamValue) -> bool:
        try:
            checked(self._declared, {name: value})
        except (UnknownParameter, TypeError, ValueError):
            return False
        return True

    @traitlets.validate("param_values")
    def _readable_values(self, proposal: Any) -> dict[str, Any]:
        try:
            told = msgspec.convert(proposal["value"], ParamValues)
            checked(self._declared, told.values)
        except (msgspec.ValidationError, UnknownParameter, TypeError, ValueError) as error:
            raise traitlets.TraitError(f"{proposal['value']!r} is not accepted: {error}") from None
        return msgspec.to_builtins(told)

    @traitlets.validate("frame")
    def _readable_frame(self, proposal: Any) -> dict[str, Any]:
        try:
            return msgspec.to_builtins(msgspec.convert(proposal["value"], Frame))
        except msgspec.ValidationError as error:
            raise traitlets.TraitError(f"{proposal['value']!r} is not accepted: {error}") from None

    def _framed(self, opening: Opening) -> Frame:
        hide = [self._panel(name) for name in opening.hide]
        return Frame(opening.height, hide, opening.title, opening.caption)

    def _panel(self, name: str) -> str:
        if name in self._panels:
            return name
        close = difflib.get_close_matches(str(name), self._panels, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        named = ", ".join(map(repr, self._panels)) or "none"
        raise ValueError(f"this view has no panel {name!r} to hide.{hint} It has {named}.")
