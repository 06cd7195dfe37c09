"""What a topic's view shows besides scores: the trait `topic`, with numbers in `topic_data`."""

from __future__ import annotations

from circuit_widgets.stream._base import HeadIndex, Index, Message, Pooling, Side, TilePart, Window


class Fact(Message, frozen=True):
    """A number about the model as a whole, with its interval and what it is compared with."""

    label: str
    about: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    null_label: str
    null: float | None


class Pictures(Message, frozen=True):
    """Heads' matrices that are there without a kernel: tiles in `topic_data`."""

    window: Window
    pooling: Pooling
    side: Side
    tiles: list[TilePart]


class Pair(Message, frozen=True):
    """A previous-token head and the induction head that may be made with it."""

    sender: HeadIndex
    receiver: HeadIndex
    q_z: float | None
    k_z: float | None
    v_z: float | None
    path: float | None
    low: float | None
    high: float | None
    null: float | None
    null_high: float | None
    confirmed: bool


class Repeat(Message, frozen=True):
    """A token that stood earlier, and what induction makes of it; lists go by head."""

    position: Index
    earlier: Index
    attention: list[float | None]
    chance: float
    added: list[float | None]
    added_chance: list[float | None]
    first_hop: list[float | None]
    probability: float
    predicted: bool
    follows: bool


class InductionTopic(Message, frozen=True, tag_field="kind", tag="induction"):
    """Induction: pairs of heads (null: not looked for yet), and the trace of a prompt.

    `length` tokens stand twice in the text, after `before` of them; 0: the text is no probe.
    """

    facts: list[Fact]
    pairs: list[Pair] | None
    length: Index
    before: Index
    heads: list[HeadIndex]
    previous: list[HeadIndex]
    repeats: list[Repeat]
    pictures: Pictures | None


class PatternKind(Message, frozen=True):
    """A class of attention patterns: a head is of it above the threshold and above its null."""

    name: str
    label: str
    description: str
    function: str
    score: str
    threshold: float


class PatternsTopic(Message, frozen=True, tag_field="kind", tag="patterns"):
    """Small pictures of every head: `rows` x `rows` uint8 a head, then a float32 scale each."""

    kinds: list[PatternKind]
    rows: Index
    tokens: Index


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


class FlowEdge(Message, frozen=True):
    """From a position in one layer to a position in the next; no head: it stays where it is."""

    layer: Index
    source: Index
    target: Index
    weight: float
    head: Index | None


class FlowPath(Message, frozen=True):
    weight: float
    steps: list[FlowEdge]


class FlowSource(Message, frozen=True):
    """A position that the output draws on, and what cutting it off costs."""

    position: Index
    route: float | None
    rollout: float | None
    knockout: float | None
    low: float | None
    high: float | None
    confirmed: bool


class FlowTopic(Message, frozen=True, tag_field="kind", tag="flow"):
    """Routes from positions of the text to the output at one."""

    position: Index
    target: str
    facts: list[Fact]
    edges: list[FlowEdge]
    paths: list[FlowPath]
    sources: list[FlowSource]


class Coordinated(Message, frozen=True):
    """Two heads that act together, and how: by intervention."""

    a: HeadIndex
    b: HeadIndex
    value: float | None
    q: float | None
    type: str
    sign: str
    path: float | None
    path_low: float | None
    path_high: float | None
    path_null_high: float | None
    interaction: float | None
    interaction_low: float | None
    interaction_high: float | None
    effect_a: float | None
    effect_b: float | None
    effect_ab: float | None


class CoordinationTopic(Message, frozen=True, tag_field="kind", tag="coordination"):
    """A matrix over heads in clustered order: float32 [n, n] of values, then of q values."""

    method: str
    signed: bool
    fdr: float
    heads: list[HeadIndex]
    order: list[Index]
    pairs: list[Coordinated]


Topic = InductionTopic | PatternsTopic | InfluenceTopic | FlowTopic | CoordinationTopic
