"""Circuits written by hand from parts, and which edges they need, by what their parts read.

The stream has slots, each as wide as the vocabulary (and one for positions): "token" and "position"
are the embedding's, "output" is what the logits read, others are written by some parts and read by
others. A part attends, or adds, as its kind says:

- previous: at each position, copies what a slot holds at the position before.
- current: copies what a slot holds at the same position.
- mlp: the same, by an MLP.
- induction: where "k" holds what "q" holds at the query, copies what "v" holds there.
- backup: the same, but not where "v" holds what another has found already.

An edge is true if a part that is needed writes into a slot that its reader reads, and what is there
differs between clean and corrupt prompts at the place where it is read. Nothing is run to know it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal

Kind = Literal["previous", "current", "mlp", "induction", "backup"]
# The tokens of a prompt "... A B C ... A": which of them a read is about. The last is "last".
ALL = frozenset({"A", "B", "C", "last"})
# What is attended to by what position it is at.
BY_POSITION = ("previous", "current")


@dataclasses.dataclass(frozen=True)
class Read:
    """By which entry a part reads a slot, and the token that is there where it counts.

    token: None: the one that whoever reads this part asks for.
    """

    entry: str
    slot: str
    token: str | None = None


@dataclasses.dataclass(frozen=True)
class Part:
    """A head, or an MLP, that does something.

    size: of what it writes; steep: nats by which it prefers what it looks for.
    """

    kind: Kind
    reads: tuple[Read, ...]
    writes: tuple[str, ...]
    size: float = 1.0
    steep: float = 10.0
    layer: int = 0
    head: int = 0

    @property
    def name(self) -> str:
        return f"{self.layer}.mlp" if self.kind == "mlp" else f"{self.layer}.{self.head}"

    @property
    def stage(self) -> int:
        """When it is computed; it reads what was written at earlier stages."""
        return 2 * self.layer + (2 if self.kind == "mlp" else 1)

    @property
    def shared(self) -> tuple[object, ...]:
        """What it has in common with heads that use its keys and values."""
        by = "position" if self.kind in BY_POSITION else self.kind
        return (by, *sorted({(read.entry, read.slot) for read in self.reads if read.entry != "q"}))

    def slots(self, entry: str) -> list[str]:
        """What it reads by one entry."""
        return [read.slot for read in self.reads if read.entry == entry]


@dataclasses.dataclass(frozen=True)
class Planted:
    """A model to be: its shape, the parts that are needed, and those that only look so.

    Attributes:
        decoys: They attend as needed ones do, and write where no one reads, or nothing.
        changed: Which tokens the corrupt prompts have others of.
        same_place: Whether corrupt prompts have their A B C where the clean ones have it.
        noise: Of random numbers on all weights.
        gain: Logits a unit of the output slot.
    """

    family: str
    seed: int
    n_layers: int
    n_heads: int
    n_keys: int
    parts: tuple[Part, ...]
    decoys: tuple[Part, ...] = ()
    changed: frozenset[str] = ALL
    same_place: bool = True
    noise: float = 0.0
    gain: float = 8.0
    metric: str = "logit_difference"
    vocabulary: int = 16
    length: int = 8

    @property
    def hops(self) -> int:
        """How far behind B the answer is."""
        return int(any(read.token == "C" for part in self.parts for read in part.reads))

    @property
    def slots(self) -> list[str]:
        """All slots but that of positions, in order."""
        used = [slot for part in (*self.parts, *self.decoys) for slot in part.writes]
        return list(dict.fromkeys(["token", "output", *used]))

    @property
    def has_mlps(self) -> bool:
        return self.family == "mlp"

    def target(self, part: Part, entry: str) -> str:
        """The name of a reader, as in `Nodes`."""
        group = self.n_heads // self.n_keys
        if entry == "mlp":
            return part.name
        if entry == "q" or group == 1:
            return f"{part.name}.{entry}"
        first = part.head // group * group
        return f"{part.layer}.{first}-{first + group - 1}.{entry}"

    def true_edges(self) -> set[tuple[str, str]]:
        """(source, target) of each edge that the answer needs."""
        found: set[tuple[str, str]] = set()
        for token in ALL:
            self._into("output", "logits", token, found)
        return found

    def true_places(self, roles: Sequence[str]) -> set[tuple[str, str, int]]:
        """(source, target, position) of each, where prompts have their A B C at one place.

        For parts that look at a token where it stands; `roles` says where that is.
        """
        at = {role: place for place, role in enumerate(roles)}
        found: set[tuple[str, str, int]] = set()
        self._into_place("output", "logits", at["last"], at, found)
        return found

    def _into_place(
        self,
        slot: str,
        target: str,
        place: int,
        at: dict[str, int],
        found: set[tuple[str, str, int]],
    ) -> bool:
        """Whether what is in a slot at one place differs, as `_into`."""
        differs = slot == "token" and any(at[token] == place for token in self.changed)
        if differs:
            found.add(("embedding", target, place))
        for part in self.parts:
            if slot not in part.writes:
                continue
            into = [
                self._into_place(
                    read.slot,
                    self.target(part, read.entry),
                    self._read_place(part, read, place, at),
                    at,
                    found,
                )
                for read in part.reads
            ]
            if any(into):
                found.add((part.name, target, place))
                differs = True
        return differs

    @staticmethod
    def _read_place(part: Part, read: Read, place: int, at: dict[str, int]) -> int:
        if read.entry in ("q", "mlp") or part.kind == "current":
            return place
        if part.kind == "previous":
            return place - 1
        answer = next(each.token for each in part.reads if each.entry == "v")
        return at[answer or ""]

    def _into(self, slot: str, target: str, token: str, found: set[tuple[str, str]]) -> bool:
        """Whether what is in a slot differs; adds the edges by which it got there."""
        differs = False
        for source, changed in self._writers(slot, token, found):
            differs |= changed
            if changed:
                found.add((source, target))
        return differs

    def _writers(
        self, slot: str, token: str, found: set[tuple[str, str]]
    ) -> Iterator[tuple[str, bool]]:
        if slot == "token":
            yield "embedding", token in self.changed
        for part in self.parts:
            if slot in part.writes:
                # A list, so that none of its inputs is left out where one differs already.
                into = [
                    self._into(read.slot, self.target(part, read.entry), read.token or token, found)
                    for read in part.reads
                ]
                yield part.name, any(into)
