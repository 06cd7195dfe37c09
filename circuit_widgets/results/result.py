"""What every analysis returns: named tensors, each with its null, and their provenance.

A result is a frozen dataclass. Its numbers never change and none is made up: what was not computed
is NaN, in the tensors, in the frame, in the picture and in the file. It finds its plot and its view
by its topic's name, by one lazy lookup (`part`), so that nothing below imports anything above.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from torch import Tensor

from circuit_widgets.results import file as _saved
from circuit_widgets.results.comparing import same
from circuit_widgets.results.fields import is_scores, pack, typed, unpack
from circuit_widgets.results.front_end import has_front_end
from circuit_widgets.results.provenance import Provenance
from circuit_widgets.results.score import Score
from circuit_widgets.results.topics import topics

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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
    (equality and text are defined here for tensors); its fields are what `results.fields` saves:
    tensors, `Score`s, mappings of them, and plain values. It gives `to_frame` and `_lines`.
    """

    provenance: Provenance

    topic: ClassVar[str]

    def __init_subclass__(cls, *, topic: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if topic not in topics():
            raise ValueError(f"{topic!r} is not a topic; topics are {', '.join(topics())}")
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
        """All scores by name: fields that are scores, and those in a field that maps names to them.

        Each has its value by chance, its control or its interval.
        """
        found: dict[str, Score] = {}
        for name, value in self._fields().items():
            found |= {name: value} if isinstance(value, Score) else {}
            if is_scores(value):
                found |= dict(value)
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write safetensors with a JSON header; `path` holds all of it or is left as it was."""
        tensors, values = pack(self._fields())
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

    @classmethod
    def _from_earlier(
        cls,
        format: int,
        values: dict[str, Any],
        tensors: dict[str, Tensor],
        parameters: Mapping[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What a file of an earlier format holds, as this version would have written it."""
        return values, tensors

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
        hooks = ", ".join(self.provenance.hooks)
        under = [f"computed under your own hooks at {hooks}"] if hooks else []
        return "\n".join([head, *(f"  {line}" for line in [*under, *self._lines()])])

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

    def to_html(self, path: Any = None, **wishes: Any) -> Any:
        """This result's view as a page of its own, in one file that needs no kernel or network.

        Args:
            path: Of the file. None: the page's text.
            **wishes: budget ("1 MB"), title, bake, theme (see `circuit_widgets.export.page`), and
                options of `view`.
        """
        return part("export", "alone", "to_html")(self, path, **wishes)

    def render_static(self, **wishes: Any) -> str:
        """This result's view as an iframe for any page: HTML that needs no kernel and no network.

        Args:
            **wishes: budget, height, script (see `circuit_widgets.export.render_static`), and
                options of `view`.
        """
        return part("export", "alone", "render_static")(self, **wishes)

    def _in_text(self, error: ImportError) -> str:
        return f"{self!r}\n  (no interactive view here: {error})"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        """The topic's widget in a notebook; text where there is no kernel or no widget."""
        text = {"text/plain": repr(self)}
        if not has_front_end():
            return text
        try:
            view = self.view()
        except ImportError as error:
            return {"text/plain": self._in_text(error)}
        # ipywidgets gives a dict, anywidget a pair of dicts or None.
        bundle = view._repr_mimebundle_(include=include, exclude=exclude)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, **text}, metadata

    def _display_(self) -> Any:
        """The topic's widget in marimo, which asks for this name; text where there is no widget."""
        try:
            return self.view()
        except ImportError as error:
            return self._in_text(error)

    def __eq__(self, other: object) -> bool:
        """Same class, provenance and numbers; NaN equals NaN, time and model do not count."""
        if type(other) is not type(self) or not isinstance(other, Result):
            return NotImplemented
        mine, theirs = self._fields(), other._fields()
        return self.provenance == other.provenance and all(
            same(value, theirs[name]) for name, value in mine.items()
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

    >>> import tempfile
    >>> import circuit_widgets as cw
    >>> model, heads = cw.load_model(), {"heads": ["1.2"], "previous": ["0.1"]}
    >>> trace = cw.trace_induction(model, "blue dog blue dog", **heads)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trace.save(f"{folder}/trace.safetensors")
    ...     cw.load(f"{folder}/trace.safetensors") == trace
    True
    """
    header, tensors = _saved.read(path)
    saved_by = _saved.saved_by(header)
    topic: Any = header.get("topic")
    if topic not in topics():
        raise ValueError(
            f"{os.fspath(path)!r} is of topic {topic!r} ({saved_by}); topics are "
            f"{', '.join(topics())}"
        )
    name = str(header.get("class"))
    topic = _MOVED.get((topic, name), topic)
    if (topic, name) not in _CLASSES:
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(f"circuit_widgets.analysis.{topic}")
    cls = _CLASSES.get((topic, name))
    if cls is None:
        known = ", ".join(name for of, name in _CLASSES if of == topic) or "not in this version"
        raise ValueError(
            f"{os.fspath(path)!r} holds {header.get('class')!r} ({saved_by}); results of {topic} "
            f"are {known}"
        )
    try:
        made, values = header["provenance"], header["values"]
        if header["format"] < _saved.FORMAT:
            values, tensors = cls._from_earlier(
                header["format"], values, tensors, made["parameters"]
            )
        return cls(provenance=Provenance(**typed(None, made)), **unpack(cls, values, tensors))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is not a complete {cls.__name__}: {error} ({saved_by})"
        ) from error
