"""A result's fields as tensors and plain values, and back again by the fields' types.

A field is a tensor, a `Score`, a mapping of names to `Score`s, or a plain value: numbers, text,
`None`, heads, dataclasses of these, and tuples and mappings of any of them.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeGuard

from torch import Tensor

from circuit_widgets.heads import Head
from circuit_widgets.results.score import Score


def pack(fields: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of some fields by name, and the other values as JSON has them."""
    tensors: dict[str, Tensor] = {}
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Tensor):
            tensors[name] = value
        elif isinstance(value, Score):
            tensors |= {f"{name}.{part}": t for part, t in value.tensors().items()}
        elif is_scores(value):
            values[name] = list(value)
            for of, score in value.items():
                tensors |= {f"{name}.{of}.{part}": t for part, t in score.tensors().items()}
        else:
            values[name] = plain(value)
    return tensors, values


def is_scores(value: Any) -> TypeGuard[Mapping[str, Score]]:
    """Whether it is a mapping of names to scores, with one at least."""
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(each, Score) for each in value.values())
    )


def plain(value: Any) -> Any:
    """A value as JSON has it: heads are text, dataclasses are objects, tuples are lists.

    JSON has no number that is none: where one is missing it is the text "nan".
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Head):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value))
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return value


def unpack(cls: type, values: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Fields of `cls` from what a file holds; every tensor and value must find its place.

    Raises:
        ValueError: A field is missing, of another shape, or not one of the class.
        TypeError: The values of a dataclass do not fit it.
    """
    hints = typing.get_type_hints(cls)
    left, unread = dict(tensors), set(values)
    found: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        name = field.name
        if name == "provenance":
            continue
        parts = _take(left, f"{name}.")
        if name in left:
            found[name] = left.pop(name)
        elif name in values and _holds_scores(hints[name]):
            found[name] = {of: Score(**_take(parts, f"{of}.")) for of in values[name]}
            left |= {f"{name}.{rest}": tensor for rest, tensor in parts.items()}
        elif parts:
            found[name] = Score(**parts)
        elif name in values:
            found[name] = typed(hints[name], values[name])
        elif _has_default(field):
            # Saved before there was such a field.
            continue
        else:
            raise ValueError(f"{name!r} is missing")
        unread.discard(name)
    if left or unread:
        raise ValueError(f"unknown fields {sorted({*left, *unread})}")
    return found


def _has_default(field: dataclasses.Field[Any]) -> bool:
    missing = dataclasses.MISSING
    return field.default is not missing or field.default_factory is not missing


def _take(tensors: dict[str, Tensor], before: str) -> dict[str, Tensor]:
    """Take out those whose name begins so, by the rest of their names."""
    names = [name for name in tensors if name.startswith(before)]
    return {name.removeprefix(before): tensors.pop(name) for name in names}


def _holds_scores(hint: Any) -> bool:
    return any(typing.get_args(option)[1:] == (Score,) for option in _options(hint))


def _options(hint: Any) -> tuple[Any, ...]:
    """What a type can be: of `X | None` both."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def typed(hint: Any, value: Any) -> Any:
    """A JSON value as its type says: dataclasses, heads and tuples, at any depth.

    Lists are tuples everywhere, because a frozen result holds nothing that can change.
    """
    for option in _options(hint):
        if option is float and isinstance(value, str):
            return float(value)
        if option is Head and isinstance(value, (str, list, tuple)):
            return Head.parse(value)
        if dataclasses.is_dataclass(option) and isinstance(value, Mapping):
            inner = typing.get_type_hints(option)
            return option(**{name: typed(inner.get(name), of) for name, of in value.items()})  # type: ignore[operator]
        if typing.get_origin(option) is tuple and isinstance(value, (list, tuple)):
            args = typing.get_args(option)
            each = [args[0]] * len(value) if args[1:] == (...,) else args
            return tuple(typed(inner, item) for inner, item in zip(each, value, strict=True))
    if isinstance(value, (list, tuple)):
        return tuple(typed(None, item) for item in value)
    if isinstance(value, Mapping):
        return {name: typed(None, item) for name, item in value.items()}
    return value
