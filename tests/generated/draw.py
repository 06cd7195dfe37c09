"""Planted circuits of several families, drawn at random: their shape, places, sizes and decoys."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterable, Iterator

from tests.generated.parts import ALL, Kind, Part, Planted, Read

FAMILIES = ("plain", "decoys", "noise", "gqa", "mlp", "chain", "redundant", "saturated")
NOISES = (0.05, 0.1, 0.2, 0.4)
# With what is redundant a single one can do all: two heads that write the previous token, two that
# find the answer, or one that looks for it where the other has not found it.
REDUNDANT = ("previous", "induction", "backup")
_GROUPED = ((4, 2), (6, 2), (6, 3), (4, 1), (3, 1))
_MOST_DECOYS = 6
# Nats by which a head prefers what it looks for. "redundant": one of two is enough; "saturated":
# slopes of attention vanish.
_STEEP = {"redundant": (12.0, 20.0), "saturated": (25.0, 60.0)}
_MILD = (5.0, 20.0)


def draw(family: str, seed: int) -> Planted:
    """One of a family; the same for the same seed."""
    rng = random.Random(f"{family} {seed}")
    while True:
        n_layers = rng.randint(3 if family == "chain" else 2, 4)
        n_heads, n_keys = rng.choice(_GROUPED) if family == "gqa" else (rng.randint(2, 6),) * 2
        redundant = REDUNDANT[seed % len(REDUNDANT)] if family == "redundant" else ""
        plan = Planted(
            family=family,
            seed=seed,
            n_layers=n_layers,
            n_heads=n_heads,
            n_keys=n_keys,
            parts=(),
            changed=_changed(rng, family),
            same_place=rng.random() < 0.5,
            noise=_noise(rng, family),
            gain=rng.uniform(8, 12) if redundant == "induction" else rng.uniform(3, 12),
            metric="probability_difference" if redundant == "induction" else "logit_difference",
        )
        parts = _Wiring(rng, family, redundant).parts
        placed = _placed(rng, plan, parts)
        if placed is not None:
            return dataclasses.replace(placed, decoys=(*_decoys(rng, placed),))


def _changed(rng: random.Random, family: str) -> frozenset[str]:
    # A chain's answer is C, and redundant paths are all exercised where all tokens are others.
    if family in ("chain", "redundant") or rng.random() < 0.75:
        return ALL
    return frozenset({rng.choice(["A", "B", "last"])})


def _noise(rng: random.Random, family: str) -> float:
    if family in ("plain", "decoys"):
        return 0.0
    return rng.choice(NOISES) if family == "noise" else NOISES[0]


class _Wiring:
    """What reads what, without a place yet."""

    def __init__(self, rng: random.Random, family: str, redundant: str) -> None:
        self._rng, self._family = rng, family
        self.parts: list[Part] = []
        # How many times something is copied from slot to slot on its way.
        self._moves = rng.randint(1, 2) if family in ("mlp", "chain") else rng.randint(0, 1)
        twice = {kind: 1 + (kind == redundant) for kind in ("previous", "induction")}
        answers = "answer" if self._copies() else "output"
        token = self._moved("token")
        self._add("previous", [Read("v", token)], "before", times=twice["previous"])
        looked_for = Read("q", self._moved("token"), "last")
        before = self._moved("before")
        if family == "chain":
            self._add("induction", self._looks(looked_for, before, "A", "B"), "found")
            looked_for = Read("q", "found")
            self._add("induction", self._looks(looked_for, before, "B", "C"), answers)
        else:
            reads = self._looks(looked_for, before, "A", "B")
            wrote = (answers, "found") if redundant == "backup" else (answers,)
            self._add("induction", reads, *wrote, times=twice["induction"])
            if redundant == "backup":
                avoids = [Read("q", "found"), Read("k", reads[-1].slot, "B")]
                self._add("backup", [*reads, *avoids], answers)
        if answers == "answer":
            self._move("answer", "output")

    def _looks(self, looked_for: Read, before: str, held: str, answer: str) -> list[Read]:
        return [looked_for, Read("k", before, held), Read("v", self._moved("token"), answer)]

    def _copies(self) -> bool:
        copies = self._moves > 0 and (self._rng.random() < 0.4 or self._family == "mlp")
        self._moves -= copies
        return copies

    def _moved(self, slot: str) -> str:
        """The slot, or one that it is copied to."""
        if not self._copies():
            return slot
        name = f"{slot} {len(self.parts)}"
        self._move(slot, name)
        return name

    def _move(self, slot: str, to: str) -> None:
        by_mlp = self._family == "mlp"
        entry, kind = ("mlp", "mlp") if by_mlp else ("v", "current")
        self._add(kind, [Read(entry, slot)], to)

    def _add(self, kind: Kind, reads: list[Read], *writes: str, times: int = 1) -> None:
        self.parts += times * [Part(kind, tuple(reads), writes)]


def _placed(rng: random.Random, plan: Planted, parts: list[Part]) -> Planted | None:
    """Each part somewhere after those whose slots it reads, and none at another's place."""
    for _ in range(300):
        placed: list[Part] = []
        for part in parts:
            part = dataclasses.replace(
                part,
                layer=rng.randrange(plan.n_layers),
                head=rng.randrange(plan.n_heads),
                size=rng.uniform(0.8, 1.5),
                steep=rng.uniform(*_STEEP.get(plan.family, _MILD)),
            )
            if _fits(plan, placed, part):
                placed.append(part)
        done = dataclasses.replace(plan, parts=tuple(placed))
        if len(placed) == len(parts) and all(_after(done, part) for part in placed):
            return done
    return None


def _fits(plan: Planted, others: Iterable[Part], part: Part) -> bool:
    """Whether no other is there, and those that share its keys and values have the same."""
    group = plan.n_heads // plan.n_keys
    for other in others:
        if other.name == part.name:
            return False
        beside = other.layer == part.layer and other.head // group == part.head // group
        if "mlp" not in (part.kind, other.kind) and beside and other.shared != part.shared:
            return False
    return True


def _after(plan: Planted, part: Part) -> bool:
    read = {read.slot for read in part.reads}
    return all(other.stage < part.stage for other in plan.parts if read & {*other.writes})


def _decoys(rng: random.Random, plan: Planted) -> Iterator[Part]:
    """Heads that read what a needed one reads, and write nothing, or where no one reads."""
    if plan.family in ("plain", "redundant"):
        return
    taken, wanted = [*plan.parts], rng.randint(1, _MOST_DECOYS)
    heads = [part for part in plan.parts if part.kind != "mlp"]
    for _ in range(100):
        decoy = dataclasses.replace(
            rng.choice(heads),
            layer=rng.randrange(plan.n_layers),
            head=rng.randrange(plan.n_heads),
            writes=rng.choice([(), ("nowhere",)]),
            steep=rng.uniform(*_STEEP.get(plan.family, _MILD)),
        )
        if wanted and _fits(plan, taken, decoy) and _after(plan, decoy):
            taken.append(decoy)
            wanted -= 1
            yield decoy
