"""What the view of self-influence is told: what every position does to the output at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.packing import Made, Number, Packed
from circuit_widgets.wire.topics.shared import interval

# What the nulls of measures are.
_NULL = "Random changes of the embedding, as large as the change to another token"


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
    null: Sequence[Number]
    null_high: Sequence[Number]


@dataclass(frozen=True)
class Estimate:
    """A number, its interval, and what noise alone would make of it."""

    value: Number
    low: Number
    high: Number
    null: Number


@dataclass(frozen=True)
class Output:
    """One token that the model wrote: what its own earlier ones did to it, and the prompt."""

    position: int
    own: Estimate
    prompt: Estimate


@dataclass(frozen=True)
class Prompt:
    """One of several prompts.

    Attributes:
        text, target: For people.
        tokens: In the common columns; "" where it has none.
    """

    text: str
    target: str
    tokens: Sequence[str]


def measures_table(
    measures: Sequence[Measure],
    which: str,
    n: Sequence[int] | None = None,
    others: Sequence[str] = (),
) -> Packed:
    """A row a position; an estimate for each measure, and `which` interval it has.

    Of several prompts also how many have a token there, and which tokens these are.
    """
    columns = []
    if n is not None:
        columns += [
            packing.whole("n", n, "prompts"),
            packing.texts("others", others, "tokens there"),
        ]
    for measure in measures:
        columns.append(
            packing.numbers(
                measure.name, measure.value, measure.label, about=measure.about, unit=measure.unit
            )
        )
        columns += interval(measure.name, measure.low, measure.high, which)
        columns += _nulls(measure)
    return packing.table("measures", columns, title="Effect of each token")


def _nulls(measure: Measure) -> list[Made]:
    of = measure.name
    return [
        packing.numbers(
            f"{of}_null", measure.null, "mean of random changes", about=_NULL, role="null", of=of
        ),
        packing.numbers(
            f"{of}_null_high",
            measure.null_high,
            "most of random changes",
            about=_NULL,
            role="null_high",
            of=of,
        ),
    ]


def prompts_tables(prompts: Sequence[Prompt]) -> list[Packed]:
    """A row a prompt, and a row for each token of each prompt, one prompt after the other."""
    return [
        packing.table(
            "prompts",
            [
                packing.texts("text", [prompt.text for prompt in prompts], "prompt"),
                packing.texts("target", [prompt.target for prompt in prompts], "target"),
            ],
            title="Prompts",
        ),
        packing.table(
            "tokens",
            [packing.texts("token", [t for prompt in prompts for t in prompt.tokens], "token")],
            title="Their tokens",
        ),
    ]


def by_prompt(name: str, values: Tensor, unit: str, *, signed: bool) -> Packed:
    """[prompt, position]: each prompt's own effects."""
    finite = values[values.isfinite()]
    most = float(finite.abs().max()) if len(finite) else 1.0
    return packing.matrix(
        f"{name}_by_prompt",
        values,
        packing.text_axis([str(at) for at in range(len(values))], "prompt"),
        packing.position_axis(values.shape[1], "position"),
        title="Effect in each prompt",
        unit=unit,
        signed=signed,
        least=-most if signed else 0.0,
        most=most or 1.0,
    )


def outputs_table(outputs: Sequence[Output], which: str) -> Packed:
    """A row an output token; `which`: what its intervals are."""
    return packing.table(
        "outputs",
        [
            packing.positions("position", [output.position for output in outputs], "position"),
            *_estimates("own", [output.own for output in outputs], "earlier outputs", which),
            *_estimates("prompt", [output.prompt for output in outputs], "prompt tokens", which),
        ],
        title="Mean influence of one token on the model's own output",
    )


def _estimates(name: str, of: Sequence[Estimate], label: str, which: str) -> list[Made]:
    return [
        packing.numbers(name, [each.value for each in of], label, unit="nats"),
        *interval(name, [each.low for each in of], [each.high for each in of], which),
        packing.numbers(
            f"{name}_null", [each.null for each in of], "by draws alone", role="null", of=name
        ),
    ]


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
