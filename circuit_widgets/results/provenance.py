"""Where a result came from: enough to make it again."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from circuit_widgets import models
from circuit_widgets.capture.foreign import foreign_hooks
from circuit_widgets.models.pruned.kept import kept_heads
from circuit_widgets.results.fields import typed
from circuit_widgets.results.score import interval_in_words

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

S = TypeVar("S", bound=Any)


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where a result came from: enough to make it again.

    `n_done` of `n_total` `unit`s are in it, and what is `pending` is not yet; `seconds` is not part
    of what it is (not compared). `hooks` are the hook points that had hooks of the user's own:
    these ran in every pass. `failed` says of each unit that is left out because it failed why.
    `kept` are, of each layer of a pruned model, the heads that are left, by their index in the
    whole model; of a whole model there are none.
    """

    analysis: str
    model: str
    method: str
    probe: str
    seed: int | None
    parameters: Mapping[str, Any]
    n_done: int
    n_total: int
    unit: str
    device: str
    dtype: str
    versions: Mapping[str, str]
    seconds: float = dataclasses.field(compare=False)
    pending: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    kept: tuple[tuple[int, ...], ...] = ()

    def settings(self, kind: type[S]) -> S:
        """The analysis's arguments as its own frozen dataclass: `parameters`, with their types."""
        # Version 0.1.0 kept the seed beside the parameters.
        named = {field.name for field in dataclasses.fields(kind)}
        seed = {"seed": self.seed} if "seed" in named else {}
        return typed(kind, {**seed, **self.parameters})

    @property
    def complete(self) -> bool:
        return self.n_done >= self.n_total and not self.pending

    @property
    def interval(self) -> str:
        """What its intervals are, for people: `95 % interval`, by the confidence asked for."""
        return interval_in_words(self.parameters.get("confidence"))

    @property
    def progress(self) -> str:
        """`16 sequences`, or `partial: 5 of 16 sequences, without pairs`."""
        unit = self.unit.removesuffix("s") if self.n_total == 1 else self.unit
        counted = f"{self.n_total} {unit}"
        if self.complete:
            return counted
        without = f", without {' and '.join(self.pending)}" if self.pending else ""
        failed = f"; failed: {'; '.join(self.failed)}" if self.failed else ""
        return f"partial: {self.n_done} of {counted}{without}{failed}"


def versions() -> dict[str, str]:
    """Versions of what made a result, without importing any of it."""
    return dict(_versions())


@functools.cache
def _versions() -> dict[str, str]:
    found = {}
    for name in ("circuit_widgets", "torch", "transformer_lens"):
        try:
            found[name] = importlib.metadata.version(name.replace("_", "-"))
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


def begun(
    model: TransformerBridge, analysis: str, settings: Any = None, **fields: Any
) -> Provenance:
    """The provenance of an analysis of which nothing is done yet.

    Args:
        model: What it runs on.
        analysis: The name of its function.
        settings: Its arguments as one frozen dataclass: they become `parameters`, and its `seed`
            the seed.
        fields: Of `Provenance`.
    """
    given = {} if settings is None else dataclasses.asdict(settings)
    return Provenance(
        analysis=analysis,
        model=models.name_of(model),
        device=str(model.cfg.device),
        dtype=str(model.cfg.dtype).removeprefix("torch."),
        versions=versions(),
        **{
            "n_done": 0,
            "seconds": 0.0,
            "seed": given.get("seed"),
            "parameters": given,
            "hooks": foreign_hooks(model),
            "kept": kept_heads(model) or (),
            **fields,
        },
    )
