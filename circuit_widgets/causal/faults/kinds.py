"""The kinds of faults, and the edits that each is made of.

After the mutation operators for attention of DEFault++ (arXiv 2604.28118): projections zeroed or
swapped, heads tied, the scale dropped, the mask's causality broken, keys shifted or truncated; and
those that methods for finding circuits are tested by: writes scaled, an edge cut, attention
redirected. What is an operator on weights there is its effect on activations here, which is the
same in every architecture and leaves weights alone: W_Q = 0 is q = 0.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from circuit_widgets.capture.edits import Edit, Intervention
from circuit_widgets.capture.standing import Listener
from circuit_widgets.causal.faults.layer import Layer
from circuit_widgets.heads import Head


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """A fault that is asked for: everything is checked but what only a run tells."""

    layer: Layer
    head: Head
    strength: float
    options: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """What a fault is made of.

    Attributes:
        edits: In every pass.
        hit: The heads that compute something else; several where they share keys and values.
        futures: By layer, heads that see the future, and how much of it.
        cuts: Edges that are cut, and how much of each is lost.
        listeners: Who hears parts of the model, after all edits of a run.
    """

    edits: Sequence[Intervention]
    hit: tuple[Head, ...]
    futures: Mapping[int, tuple[list[int], float]] = dataclasses.field(default_factory=dict)
    cuts: Mapping[tuple[str, str], float] = dataclasses.field(default_factory=dict)
    listeners: list[Listener] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        does: What it does, as a verb.
        strength: What the number means.
        default: The strength if none is given.
        factor: Whether strength is a factor, and not a share from 0 to 1.
        options: Arguments that it takes besides, with their defaults; ... has to be given.
        plan: What it is made of.
    """

    does: str
    strength: str
    default: float
    plan: Callable[[Asked], Plan]
    factor: bool = False
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def on_head(
    asked: Asked, site: str, index: int, function: Callable[[Tensor, Tensor], Tensor]
) -> Edit:
    """An edit of one head's part of a site; the function is given it, and the whole."""
    axis = 1 if site == "pattern" else 2

    def edit(_: int, tensor: Tensor) -> Tensor:
        edited = tensor.clone()
        own = edited.select(axis, index)
        own.copy_(function(tensor.select(axis, index), tensor))
        return edited

    return Edit(site, frozenset({asked.layer.at}), edit)


def mixed(before: Tensor, after: Tensor, share: float) -> Tensor:
    """A share of one and the rest of the other; of 1, exactly the one."""
    return after if share == 1 else torch.lerp(before, after.to(before), share)


def _zero(entry: str) -> Callable[[Asked], Plan]:
    def plan(asked: Asked) -> Plan:
        layer, head = asked.layer, asked.head
        if entry == "v":
            layer.check_values_reach()
        elif asked.strength < 1:
            layer.scale  # noqa: B018 (raises where a part of a query is lost)
        index = head.index if entry == "q" else layer.keys_of(head)
        edit = on_head(asked, entry, index, lambda own, _: own * (1 - asked.strength))
        return Plan([edit], (head,) if entry == "q" else layer.sharing(head))

    return plan


def _swap(asked: Asked) -> Plan:
    """Each projection is asked what the other one is asked: W_Q and W_K change places."""
    layer, head = asked.layer, asked.head
    heard: dict[str, Tensor] = {}
    for entry in ("q", "k"):
        again = functools.partial(layer.read, entry)
        layer.check_same(entry, f"attn.{entry}.hook_in", again)

    places = {"q": head.index, "k": layer.keys_of(head)}

    def swapped(entry: str, other: str) -> Edit:
        def function(own: Tensor, _: Tensor) -> Tensor:
            instead = layer.read(other, heard["x"])[:, :, places[other]]
            return mixed(own, instead, asked.strength)

        return on_head(asked, entry, places[entry], function)

    def hear(tensor: Tensor) -> None:
        heard["x"] = tensor

    # Both are given the same; the first of them is asked first.
    attention: Any = layer.model.blocks[layer.at].attn
    listeners = [Listener(getattr(attention, entry), hear) for entry in ("q", "k")]
    edits = [swapped("q", "k"), swapped("k", "q")]
    return Plan(edits, layer.sharing(head), listeners=listeners)


def _longer(power: Callable[[Asked], float]) -> Callable[[Asked], Plan]:
    """Queries times a factor, which is a softmax at another temperature."""

    def plan(asked: Asked) -> Plan:
        asked.layer.scale  # noqa: B018 (raises where the factor would be lost)
        factor = power(asked)
        edit = on_head(asked, "q", asked.head.index, lambda own, _: own * factor)
        return Plan([edit], (asked.head,))

    return plan


def _unscaled(asked: Asked) -> float:
    scale = asked.layer.scale
    if abs(scale - 1) < 1e-3:
        raise ValueError("this model does not scale queries times keys: there is nothing to drop")
    return scale**-asked.strength


def _permute(asked: Asked) -> Plan:
    width = asked.layer.sizes[3]
    n = max(2, round(asked.strength * width))
    generator = torch.Generator().manual_seed(asked.options["seed"])
    moved = torch.randperm(width, generator=generator)[:n]
    order = torch.arange(width)
    # A cycle through all that are drawn: none stays where it was.
    order[moved] = moved.roll(1)
    edit = on_head(asked, "z", asked.head.index, lambda own, _: own[..., order.to(own.device)])
    return Plan([edit], (asked.head,))


def _scale_write(asked: Asked) -> Plan:
    edit = on_head(asked, "z", asked.head.index, lambda own, _: own * asked.strength)
    return Plan([edit], (asked.head,))


def _tie(asked: Asked) -> Plan:
    """Queries, keys and values become the other head's, as if the weights were the same ones."""
    layer, head, other = asked.layer, asked.head, asked.options["other"]
    edits = []
    places = {"q": (head.index, other.index)}
    keys = layer.keys_of(head), layer.keys_of(other)
    if keys[0] != keys[1]:
        places |= {"k": keys, "v": keys}
    for entry, (mine, theirs) in places.items():

        def function(own: Tensor, whole: Tensor, theirs: int = theirs) -> Tensor:
            return mixed(own, whole[:, :, theirs], asked.strength)

        edits.append(on_head(asked, entry, mine, function))
    return Plan(edits, (head,) if keys[0] == keys[1] else layer.sharing(head))


def _blind_to_causality(asked: Asked) -> Plan:
    at, head = asked.layer.at, asked.head
    return Plan([], (head,), {at: ([head.index], asked.strength)})


SHARE = "share of it, above 0 to 1"
KINDS: dict[str, Kind] = {
    "zero_q": Kind("zeroes the queries", "share of them that is lost", 1.0, _zero("q")),
    "zero_k": Kind("zeroes the keys", "share of them that is lost", 1.0, _zero("k")),
    "zero_v": Kind("zeroes the values", "share of them that is lost", 1.0, _zero("v")),
    "swap_qk": Kind("swaps queries and keys", "share of the other in each", 1.0, _swap),
    "sharpen": Kind(
        "sharpens attention",
        "what queries are multiplied by, above 1",
        20.0,
        _longer(lambda asked: asked.strength),
        factor=True,
    ),
    "flatten": Kind(
        "flattens attention",
        "what queries are divided by, above 1",
        20.0,
        _longer(lambda asked: 1 / asked.strength),
        factor=True,
    ),
    "drop_scale": Kind(
        "drops the scale of attention scores, 1/sqrt(d_head)",
        "the power of it that is dropped",
        1.0,
        _longer(_unscaled),
    ),
    "permute_o": Kind(
        "permutes the rows of the output weights",
        "share of the rows that move",
        1.0,
        _permute,
        options={"seed": 0},
    ),
    "scale_write": Kind(
        "scales what is written",
        "what it is multiplied by, at least 0",
        10.0,
        _scale_write,
        factor=True,
    ),
    "tie": Kind(
        "ties the head to another one of its layer",
        "share of the other's queries, keys and values",
        1.0,
        _tie,
        options={"other": None},
    ),
    "break_causality": Kind(
        "lets the head see the future",
        "what later keys weigh beside earlier ones, before they are divided by their sum",
        1.0,
        _blind_to_causality,
    ),
}
