"""What the views of stability are told: circuits of several models, or of several checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jaxtyping import Float, UInt8
from torch import Tensor

from circuit_widgets.wire import packing
from circuit_widgets.wire.blocks import Axis, PicturesBlock, Role
from circuit_widgets.wire.packing import AnyHead, Made, Number, Packed
from circuit_widgets.wire.parts import TilePart
from circuit_widgets.wire.topics.shared import interval

# What may stand beside a value, by the end of a matrix's name.
PARTS = {
    "": "value",
    "_low": "low",
    "_high": "high",
    "_null": "control",
    "_null_low": "control_low",
    "_null_high": "control_high",
    "_bar": "extreme_high",
}
# The same of a column, by its role.
NULLS: dict[Role, str] = {
    "null": "control",
    "null_low": "control_low",
    "null_high": "control_high",
}


class Estimated(Protocol):
    """Numbers with what belongs to them, all of one shape: a `Score`."""

    @property
    def value(self) -> Tensor: ...

    def tensors(self) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Node:
    """The embedding, a head, an MLP or the output, in its row of a graph; 0 is the embedding."""

    name: str
    row: int
    head: tuple[int, int] | None


@dataclass(frozen=True)
class Edge:
    """From a node to the first of `shared` nodes that read as one; `by` as `causal.nodes` says.

    `source` and `target` are places among the nodes of its graph.
    """

    source: int
    target: int
    shared: int
    by: str


@dataclass(frozen=True)
class Member:
    """One of the models, or one of the checkpoints.

    `done` is None where it is not known yet; `graph` is the number of the graph it is.
    """

    name: str
    done: bool | None
    edges: int
    all_edges: int
    graph: int = 0


def members_table(members: Sequence[Member], measures: Sequence[Made]) -> Packed:
    """A row a model or checkpoint, with what was measured of each."""
    done = [None if member.done is None else int(member.done) for member in members]
    return packing.table(
        "members",
        [
            packing.texts("name", [member.name for member in members], "name", role="label"),
            packing.whole("done", done, "does the task"),
            packing.whole("edges", [member.edges for member in members], "edges of its circuit"),
            packing.whole("all", [member.all_edges for member in members], "edges it has"),
            packing.whole("graph", [member.graph for member in members], "which graph"),
            *measures,
        ],
        title="Models",
    )


def measured(name: str, score: Estimated, label: str, which: str, *, unit: str = "") -> list[Made]:
    """Columns of a score [row], with its interval and its null where it has them."""
    parts = score.tensors()
    made = [packing.numbers(name, score.value, label, unit=unit)]
    low, high = parts.get("low"), parts.get("high")
    if low is not None and high is not None:
        made += interval(name, low.tolist(), high.tolist(), which)
    for end, part in NULLS.items():
        if part in parts:
            column, values = f"{name}_{end}", parts[part]
            made.append(packing.numbers(column, values, "baseline", role=end, of=name))
    return made


def beside(
    name: str, score: Estimated, rows: Axis, cols: Axis, *, title: str, about: str = ""
) -> list[Packed]:
    """A score [row, column] as a matrix, and one of each part that belongs to it."""
    parts = score.tensors()
    return [
        packing.matrix(f"{name}{end}", parts[part], rows, cols, title=title, about=about)
        for end, part in PARTS.items()
        if part in parts
    ]


def roles_blocks(roles: Mapping[str, Estimated], steps: Sequence[str]) -> list[Packed]:
    """Of each role, how much each head attends so: a row a checkpoint, a column a head.

    The planes of a role are `role.NAME`, its low ends and its controls.
    """
    found: list[Packed] = []
    for name, score in roles.items():
        n_layers, n_heads = score.value.shape[1:]
        places = [(layer, head) for layer in range(n_layers) for head in range(n_heads)]
        rows, cols = packing.text_axis(steps, "step"), packing.head_axis(places, "head")
        parts = score.tensors()
        found += [
            packing.matrix(f"role.{name}{end}", parts[part].flatten(1), rows, cols, title=name)
            for end, part in PARTS.items()
            if part in parts and end in ("", "_low", "_high", "_null")
        ]
    return found


def circuits_graph(name: str, nodes: Sequence[Node], edges: Sequence[Edge]) -> Packed:
    """The nodes of a model, and each edge that is in one of the circuits, the strongest first."""
    return packing.graph(
        name,
        [
            packing.texts("name", [node.name for node in nodes], "node", role="label"),
            packing.whole("row", [node.row for node in nodes], "row, the embedding being 0"),
            packing.heads("head", [node.head for node in nodes], "head"),
        ],
        [
            packing.whole("source", [edge.source for edge in edges], "from"),
            packing.whole("target", [edge.target for edge in edges], "to"),
            packing.whole("shared", [edge.shared for edge in edges], "heads that read as one"),
            packing.texts("by", [edge.by for edge in edges], "read by"),
        ],
        title="Circuits",
        about="The width of a line is the size of its edge's score, its colour the sign.",
    )


def edge_scores(
    name: str, parts: Mapping[str, Float[Tensor, "edge member"]], members: Sequence[str]
) -> list[Packed]:
    """Of the edges of a graph: score, interval, and 1 where an edge is in the circuit.

    parts: by the end of the block's name: "" the score, "_low", "_high", "_kept".
    """
    columns = packing.text_axis(members, "in")
    return [
        packing.matrix(
            f"{name}{end}",
            values,
            packing.text_axis([""] * len(values), "edge"),
            columns,
            title="What the metric loses without the edge",
            signed=end != "_kept",
        )
        for end, values in parts.items()
    ]


def components_table(name: str, some: Sequence[object], which: str, *, title: str) -> Packed:
    """Heads and MLPs, or roles, by the share of the circuits that they are in."""
    names: list[str] = _all(some, "name")
    low, high = _all(some, "low"), _all(some, "high")
    return packing.table(
        name,
        [
            packing.texts("name", names, "name", role="label"),
            packing.numbers("share", _all(some, "share"), "share of the circuits"),
            *interval("share", low, high, which),
            packing.numbers(
                "share_null", _all(some, "chance"), "by chance", role="null", of="share"
            ),
        ],
        title=title,
    )


def draws_matrix(name: str, some: Sequence[object], models: Sequence[str]) -> Packed:
    """Of each component and model, in which share of the draws it is in the circuit."""
    import torch

    draws = torch.tensor(_all(some, "draws"), dtype=torch.float32).reshape(len(some), len(models))
    rows, cols = packing.text_axis(_all(some, "name"), "part"), packing.text_axis(models, "model")
    return packing.matrix(name, draws, rows, cols, title="In the circuit, share of the draws")


def phases_table(phases: Sequence[object]) -> Packed:
    """Checkpoints in a row between which one thing holds."""
    ends = ("first", "last", "first_low", "first_high", "last_low", "last_high")
    return packing.table(
        "phases",
        [
            packing.texts("kind", _all(phases, "kind"), "phase", role="label"),
            *(packing.whole(end, _all(phases, end), end.replace("_", " ")) for end in ends),
            packing.numbers("support", _all(phases, "support"), "share of the draws that have it"),
        ],
        title="Phases",
    )


def changes_table(changes: Sequence[object]) -> Packed:
    """Where a curve changes its level."""
    return packing.table(
        "changes",
        [
            packing.texts("curve", _all(changes, "curve"), "curve", role="label"),
            *(
                packing.whole(end, _all(changes, end), end)
                for end in ("before", "after", "low", "high")
            ),
            packing.numbers("level_before", _all(changes, "level_before"), "level before"),
            packing.numbers("level_after", _all(changes, "level_after"), "level after"),
            packing.numbers("p", _all(changes, "p"), "p", role="p"),
        ],
        title="Changes of level",
    )


def swaps_table(swaps: Sequence[object], which: str) -> Packed:
    """Roles that went from one head to another."""
    columns = [
        packing.texts("role", _all(swaps, "role"), "role", role="label"),
        packing.whole("before", _all(swaps, "before"), "last step of the one"),
        packing.whole("after", _all(swaps, "after"), "first step of the other"),
        packing.heads("giver", _all(swaps, "giver"), "from"),
        packing.heads("taker", _all(swaps, "taker"), "to"),
    ]
    for name in ("lead_before", "lead_after"):
        leads: list[tuple[Number, Number, Number]] = _all(swaps, name)
        value, low, high = ([lead[at] for lead in leads] for at in range(3))
        columns += [packing.numbers(name, value, "higher by"), *interval(name, low, high, which)]
    return packing.table("swaps", columns, title="Roles that went to another head")


def pictures(
    pixels: UInt8[Tensor, "step picture side side"],
    scale: Float[Tensor, "step picture"],
    heads: Sequence[AnyHead],
    tokens: int,
) -> list[Packed]:
    """Small pictures of some heads' attention: a block a checkpoint that has been reached."""
    found: list[Packed] = []
    if not len(heads) or not tokens:
        return found
    side = pixels.shape[-1]
    for at, (some, scales) in enumerate(zip(pixels, scale.tolist(), strict=True)):
        parts = [
            TilePart(packing.place(head), side, side, scales[i], i * side * side, None)
            for i, head in enumerate(heads)
            if scales[i] == scales[i]
        ]
        if parts:
            block = PicturesBlock(f"at {at}", (0, tokens, 0, tokens), "max", max(1, side), parts)
            found.append(Packed(block, some.contiguous().cpu().numpy().tobytes()))
    return found


def _all(some: Sequence[object], name: str) -> list[Any]:
    return [getattr(one, name) for one in some]
