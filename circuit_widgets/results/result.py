"""What every analysis returns: named tensors, each beside its null, and where they came from.

A result is a frozen dataclass. Its numbers never change and none is made up: what was not computed
is NaN, in the tensors, in the frame, in the picture and in the file. It finds its plot and its view
by its topic's name, by one lazy lookup (`part`), so that nothing below imports anything above.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import os
import re
import sys
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import Tensor

from circuit_widgets.results import file as _saved
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# One word per topic, the same in every tree; also the only names a file may ask to import.
TOPICS = (
    "induction",
    "influence",
    "coordination",
    "patterns",
    "flow",
    "circuits",
    "stability",
    "failures",
    "optimization",
    "explorer",
)
# By topic and name: a topic can have several questions, each with a result of its own.
_CLASSES: dict[tuple[str, str], type[Result]] = {}
# Version 0.1.0 filed flow under influence.
_MOVED = {("influence", "InformationFlow"): "flow"}
R = TypeVar("R", bound="Result")


def part(room: str, topic: str, name: str) -> Any:
    """`name` of `circuit_widgets.<room>.<topic>`: the one way from a result up to its picture.

    Raises:
        ImportError: That room has nothing for this topic, or needs a package that is not there.
    """
    module = importlib.import_module(f"circuit_widgets.{room}.{topic}")
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise ImportError(f"circuit_widgets.{room}.{topic} has no {name!r}") from error


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Base of every result.

    A subclass is `@dataclass(frozen=True, eq=False, repr=False) class X(Result, topic="induction")`
    (equality and text are defined here for tensors); its fields are tensors, `Score`s, `None` and
    plain JSON values. It gives `to_frame` and `_lines`.
    """

    provenance: Provenance

    topic: ClassVar[str]

    def __init_subclass__(cls, *, topic: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if topic not in TOPICS:
            raise ValueError(f"{topic!r} is not a topic; topics are {', '.join(TOPICS)}")
        cls.topic = topic
        _CLASSES[topic, cls.__name__] = cls

    # --- what a user asks of it ---

    def to_frame(self) -> pd.DataFrame:
        """Tidy pandas frame: one row per head and score; `complete` is False in a partial one."""
        raise NotImplementedError

    def plot(
        self,
        *,
        figsize: Sequence[float] | None = None,
        title: str | None = None,
        **options: Any,
    ) -> Figure:
        """The still picture: a matplotlib Figure, which shows itself as the last line of a cell.

        Sizes of text, colours and lines are those of matplotlib's `rcParams`.

        Args:
            figsize: Width and height in inches, as in matplotlib. None: what suits the picture.
            title: In place of the model's name and the progress; "" for none.
            **options: Of this topic; see `circuit_widgets.plots`. Results with a grid of heads take
                `scores`, the names of those to show.
        """
        draw = part("plots", self.topic, "plot")
        return draw(self, figsize=figsize, title=title, **options)

    def scores(self) -> dict[str, Score]:
        """The fields that are scores, by name."""
        return {name: value for name, value in self._fields().items() if isinstance(value, Score)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write safetensors with a JSON header; `path` holds all of it or is left as it was."""
        tensors, values = {}, {}
        for name, value in self._fields().items():
            if isinstance(value, Tensor):
                tensors[name] = value
            elif isinstance(value, Score):
                tensors |= {f"{name}.{part}": t for part, t in value.tensors().items()}
            else:
                values[name] = value
        header = {
            "topic": self.topic,
            "class": type(self).__name__,
            "provenance": dataclasses.asdict(self.provenance),
            "values": values,
        }
        _saved.write(path, header, tensors)

    @classmethod
    def load(cls: type[R], path: str | os.PathLike[str]) -> R:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is not a saved result of this class.
        """
        result = load(path)
        if not isinstance(result, cls):
            raise ValueError(
                f"{os.fspath(path)!r} holds {type(result).__name__} (topic {result.topic!r}), "
                f"not {cls.__name__}"
            )
        return result

    # --- its model, while that is alive ---

    def attach(self: R, model: Any) -> R:
        """Remember the model weakly, so that a view can open live attention. Returns self."""
        object.__setattr__(self, "_model", weakref.ref(model))
        return self

    def model(self) -> Any | None:
        """The model this came from, or None: it was loaded from a file, or the model is gone."""
        reference = getattr(self, "_model", None)
        return None if reference is None else reference()

    # --- how it shows and compares ---

    def _lines(self) -> list[str]:
        """Lines of the text form below the first."""
        return []

    def __repr__(self) -> str:
        head = f"{type(self).__name__} of {self.provenance.model}, {self.provenance.progress}"
        return "\n".join([head, *(f"  {line}" for line in self._lines())])

    def view(self, **options: Any) -> Any:
        """The topic's widget: size it, put it into a `VBox`, link its selection.

        Args:
            **options: height in px; hide, names of panels to leave out; title; caption; selection,
                a head or a shared `Selection`; query; key; thresholds, like {"induction": 0.4};
                params, sliders and choices by their full names.

        Raises:
            TypeError: An option that there is not; the sentence has the closest one.
            ImportError: This topic has no widget.
        """
        return part("views", self.topic, "view")(self, **options)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """The topic's widget in a notebook; text where there is no kernel or no widget."""
        text = {"text/plain": repr(self)}
        if not _has_front_end():
            return text
        try:
            view = self.view()
        except ImportError as error:
            return {"text/plain": f"{self!r}\n  (no interactive view here: {error})"}
        # ipywidgets gives a dict, anywidget a pair of dicts or None.
        bundle = view._repr_mimebundle_(include=include, exclude=exclude)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, **text}, metadata

    def __eq__(self, other: object) -> bool:
        """Same class, provenance and numbers; NaN equals NaN, time and model do not count."""
        if type(other) is not type(self) or not isinstance(other, Result):
            return NotImplemented
        mine, theirs = self._fields(), other._fields()
        return self.provenance == other.provenance and all(
            _same(value, theirs[name]) for name, value in mine.items()
        )

    def __hash__(self) -> int:
        made = self.provenance
        return hash((type(self), made.model, made.seed, made.n_done))

    def __getstate__(self) -> dict[str, Any]:
        # A weak reference cannot travel to another process, and would mean nothing there.
        return {name: value for name, value in self.__dict__.items() if name != "_model"}

    def _fields(self) -> dict[str, Any]:
        fields = (f.name for f in dataclasses.fields(self) if f.name != "provenance")
        return {name: getattr(self, name) for name in fields}


def load(path: str | os.PathLike[str]) -> Result:
    """Read any saved result; its topic says which class it is.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not a saved result, or a field of it is missing or does not fit.
    """
    header, tensors = _saved.read(path)
    topic = header.get("topic")
    if topic not in TOPICS:
        raise ValueError(
            f"{os.fspath(path)!r} is of topic {topic!r}; topics are {', '.join(TOPICS)}"
        )
    name = str(header.get("class"))
    kind = (_MOVED.get((topic, name), topic), name)
    topic = kind[0]
    if kind not in _CLASSES:
        importlib.import_module(f"circuit_widgets.analysis.{topic}")
    cls = _CLASSES.get(kind)
    if cls is None:
        known = ", ".join(name for of, name in _CLASSES if of == topic)
        raise ValueError(
            f"{os.fspath(path)!r} holds {header.get('class')!r}; results of {topic} are {known}"
        )
    try:
        fields = _unpack(cls, header["values"], tensors)
        return cls(provenance=Provenance(**_tuples(header["provenance"])), **fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is not a complete {cls.__name__}: {error}"
        ) from error


def _unpack(cls: type[Result], values: dict[str, Any], tensors: dict[str, Tensor]) -> dict:
    """Fields of `cls` from what a file holds; every tensor and value must find its place."""
    fields: dict[str, Any] = {}
    left = dict(tensors)
    for field in dataclasses.fields(cls):
        if field.name == "provenance":
            continue
        inner = re.compile(rf"{field.name}\.(\w+)")
        score = {match[1]: left.pop(name) for name in tensors if (match := inner.fullmatch(name))}
        if score:
            fields[field.name] = Score(**score)
        elif field.name in left:
            fields[field.name] = left.pop(field.name)
        elif field.name in values:
            fields[field.name] = _tuples(values[field.name])
        else:
            raise ValueError(f"{field.name!r} is missing")
    if left or set(values) - set(fields):
        raise ValueError(f"unknown fields {sorted({*left, *(set(values) - set(fields))})}")
    return fields


def _tuples(value: Any) -> Any:
    """JSON lists as tuples, at any depth: a frozen result holds nothing that can change."""
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {name: _tuples(item) for name, item in value.items()}
    return value


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Score) and isinstance(other, Score):
        mine, theirs = one.tensors(), other.tensors()
        return set(mine) == set(theirs) and all(_same(mine[name], theirs[name]) for name in mine)
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(
            torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
        )
    return one == other


def _has_front_end() -> bool:
    """Is there a notebook kernel? In a terminal's IPython a widget would be made for nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None
