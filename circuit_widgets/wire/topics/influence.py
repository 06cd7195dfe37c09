"""What the view of influence is told."""

from __future__ import annotations

from circuit_widgets.wire.parts import Index, Message


class Measure(Message, frozen=True):
    """A number for each position of the text; null where it was not computed."""

    name: str
    label: str
    about: str
    unit: str
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]


class Output(Message, frozen=True):
    """One token that the model wrote: what its own earlier ones did to it, and the prompt."""

    position: Index
    own: float | None
    own_low: float | None
    own_high: float | None
    prompt: float | None
    prompt_low: float | None
    prompt_high: float | None


class InfluenceTopic(Message, frozen=True, tag_field="kind", tag="influence"):
    """What every position does to the output at one; `pairs`: float32 [source, target] follow."""

    position: Index
    target: str
    n_prompt: Index
    measures: list[Measure]
    outputs: list[Output]
    pairs: bool
    screen: float | None
