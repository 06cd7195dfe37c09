"""What the view of self-influence is told: what every position does to the output at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Number, Packed
from circuit_widgets.wire.topics.shared import interval


@dataclass(frozen=True)
class Measure:
    """One way to measure an effect, a number for each position of the text."""

    name: str
    label: str
    about: str
    unit: str
    value: Sequence[Number]
    low: Sequence[Number]
    high: Sequence[Number]


@dataclass(frozen=True)
class Output:
    """One token that the model wrote: what its own earlier ones did to it, and the prompt."""

    position: int
    own: Number
    own_low: Number
    own_high: Number
    prompt: Number
    prompt_low: Number
    prompt_high: Number


def measures_table(measures: Sequence[Measure], which: str) -> Packed:
    """A row a position; an estimate for each measure, and `which` interval it has."""
    columns = []
    for measure in measures:
        columns.append(
            packing.numbers(
                measure.name, measure.value, measure.label, about=measure.about, unit=measure.unit
            )
        )
        columns += interval(measure.name, measure.low, measure.high, which)
    return packing.table("measures", columns, title="Effect of each token")


def outputs_table(outputs: Sequence[Output], which: str) -> Packed:
    """A row an output token; `which`: what its intervals are."""

    def column(name: str) -> list[Number]:
        return [getattr(output, name) for output in outputs]

    return packing.table(
        "outputs",
        [
            packing.positions("position", [output.position for output in outputs], "position"),
            packing.numbers("own", column("own"), "of earlier outputs", unit="nats"),
            *interval("own", column("own_low"), column("own_high"), which),
            packing.numbers("prompt", column("prompt"), "of the prompt", unit="nats"),
            *interval("prompt", column("prompt_low"), column("prompt_high"), which),
        ],
        title="Influence on the model's own output",
    )


def effects_matrix(effects: Tensor) -> Packed:
    """[source, target]: what each token does to the output after each."""
    n = len(effects)
    finite = effects[effects.isfinite()]
    most = float(finite.abs().max()) if len(finite) else 1.0
    return packing.matrix(
        "effects",
        effects,
        packing.position_axis(n, "source"),
        packing.position_axis(n, "target"),
        title="Effect of each token on each output",
        unit="nats",
        signed=True,
        least=-most,
        most=most or 1.0,
    )
