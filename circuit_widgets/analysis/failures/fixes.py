"""Fixes, tried: what the model answers with each, all in one pass where the model can branch."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.failures.answers import answer, odds
from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.parts import FIXES, Answer, Fix
from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.analysis.failures.usual import Usual
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.causal.random_heads import matched_sets, others
from circuit_widgets.heads import Head

# By how much a write may be multiplied.
_MOST = 100.0


@dataclasses.dataclass(frozen=True)
class Part:
    """A head, or an MLP (no head), by its name.

    >>> Part.parse("1.2"), str(Part.parse("0.mlp"))
    (Part(layer=1, head=2), '0.mlp')
    """

    layer: int
    head: int | None

    @classmethod
    def parse(cls, name: str) -> Part:
        """What "1.2" or "0.mlp" names."""
        if name.endswith(".mlp") and name[:-4].isdigit():
            return cls(int(name[:-4]), None)
        head = Head.parse(name)
        return cls(head.layer, head.index)

    def __str__(self) -> str:
        return f"{self.layer}.{'mlp' if self.head is None else self.head}"


def kinds_of(part: Part, usual: Usual) -> list[str]:
    """The fixes that there are for a part."""
    if part.head is None:
        return [kind for kind in FIXES if kind != "redirect"]
    return [kind for kind in FIXES if kind != "redirect" or part.layer in usual.patterns]


def factor_of(part: Part, own: Seen, usual: Usual, row: int = 0) -> float:
    """What brings a part's write to its usual size."""
    if part.head is None:
        size = own.sites["mlp_out"][part.layer][row, 1:].float().norm(dim=-1).mean()
        wanted = usual.mlp_sizes[part.layer]
    else:
        size = own.writes[part.layer][row, 1:, part.head].norm(dim=-1).mean()
        wanted = usual.sizes[part.layer][part.head]
    return min(_MOST, float(wanted) / max(float(size), 1e-12))


def edit(
    parts: Sequence[Part], kind: str, usual: Usual, factors: Sequence[float]
) -> capture.Intervention:
    """A fix of parts of one layer, each in a row of its own (or, of one, in all rows)."""
    layer, mlp = parts[0].layer, parts[0].head is None
    site = "mlp_out" if mlp else "pattern" if kind == "redirect" else "z"

    def change(_: int, tensor: Tensor) -> Tensor:
        edited = tensor.clone()
        for at, part in enumerate(parts):
            rows = edited if len(parts) == 1 else edited[at : at + 1]
            _fix(rows if mlp else _of(rows, part, site), kind, part, usual, factors[at])
        return edited

    return capture.Edit(site, frozenset({layer}), change)


def _of(rows: Tensor, part: Part, site: str) -> Tensor:
    return rows.select(1 if site == "pattern" else 2, part.head or 0)


def _fix(own: Tensor, kind: str, part: Part, usual: Usual, factor: float) -> None:
    """Change a part's own rows [row, pos, d] (or [row, query, key]) in place."""
    layer, head = part.layer, part.head
    if kind == "rescale":
        own.mul_(factor)
    elif kind == "redirect":
        own.copy_(usual.patterns[layer][:, head].to(own).expand_as(own))
    elif kind == "ablate":
        mean = usual.mlp_mean[layer] if head is None else usual.z_mean[layer][head]
        own.copy_(mean.to(own).expand_as(own))
    else:
        value = usual.mlp_out[layer] if head is None else usual.z[layer][:, :, head]
        own[:, usual.positions] = value.to(own)


def controls(nodes: Nodes, part: Part, taken: Sequence[Part], n: int, seed: int) -> list[Part]:
    """Random parts that are none of those in question: heads of the layer, or other MLPs."""
    if part.head is None:
        out = {each.layer for each in (*taken, part) if each.head is None}
        free = [at for at, kind in enumerate(nodes.mlps) if kind and at not in out]
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(free), generator=generator)[:n].tolist()
        return [Part(free[at], None) for at in order]
    shape = len(nodes.heads), nodes.heads[part.layer]
    heads = [Head(each.layer, each.head) for each in taken if each.head is not None]
    sets = matched_sets(shape, [Head(part.layer, part.head)], n, seed, heads)
    found = [head for (head,) in sets]
    if not found:
        found = others((shape[0], min(nodes.heads)), heads, n, seed)
    return [Part(head.layer, head.index) for head in found]


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """One fix of one part, to be tried."""

    part: Part
    kind: str
    factor: float


def logits_with(own: Seen, usual: Usual, trials: Sequence[Trial]) -> Float[Tensor, "trial vocab"]:
    """The logits after the last token of a run's one prompt, with each fix alone."""
    order = sorted(range(len(trials)), key=lambda at: (trials[at].part.layer, trials[at].kind))
    groups: dict[tuple[int, str, bool], list[int]] = {}
    for at in order:
        part = trials[at].part
        groups.setdefault((part.layer, trials[at].kind, part.head is None), []).append(at)
    branches = []
    for (layer, kind, _), some in groups.items():
        parts, factors = [trials[at].part for at in some], [trials[at].factor for at in some]
        branches.append(capture.Branch(layer, len(some), [edit(parts, kind, usual, factors)]))
    last = torch.tensor([[own.sites["z"][0].shape[1] - 1]])
    found = capture.branch(own.model, own.inputs, branches, last)[:, 0]
    logits = torch.empty_like(found)
    logits[[at for some in groups.values() for at in some]] = found
    return logits


def try_fixes(
    own: Seen,
    usual: Usual,
    asked: Asked,
    parts: Sequence[Part],
    taken: Sequence[Part],
    n_controls: int,
    seed: int,
    only: str | None = None,
) -> list[tuple[Fix, ...]]:
    """Of each part, all its fixes, the best first, each beside random parts.

    Args:
        own: The failing run, a batch of one.
        usual: What fixes put in.
        asked: The case.
        parts: Which are tried.
        taken: Parts that are no control.
        n_controls: How many random parts.
        seed: Of these.
        only: This kind only.
    """
    trials: list[Trial] = []
    at: dict[tuple[Part, str], int] = {}
    beside = {part: controls(own.nodes, part, taken, n_controls, seed) for part in parts}
    for part in parts:
        for kind in kinds_of(part, usual):
            for each in (part, *beside[part]):
                if only in (None, kind) and (each, kind) not in at:
                    at[each, kind] = len(trials)
                    factor = factor_of(each, own, usual) if kind == "rescale" else math.nan
                    trials.append(Trial(each, kind, factor))
    logits = logits_with(own, usual, trials) if trials else torch.empty(0, 1)
    before = float(odds(own.logits[0], asked))
    after = odds(logits, asked).tolist() if trials else []
    back = [recovered(each, before, usual.metric) for each in after]

    def fix(part: Part, kind: str) -> Fix:
        place = at[part, kind]
        return Fix(
            kind=kind,
            after=answer(own.model, logits[place], asked),
            recovered=back[place],
            control=tuple(back[at[each, kind]] for each in beside[part]),
            control_components=tuple(str(each) for each in beside[part]),
            factor=trials[place].factor if kind == "rescale" else None,
        )

    return [
        tuple(
            sorted(
                (fix(part, kind) for kind in kinds_of(part, usual) if (part, kind) in at),
                key=lambda each: -each.recovered if each.recovered == each.recovered else math.inf,
            )
        )
        for part in parts
    ]


def recovered(after: float, before: float, wanted: float) -> float:
    """Which fraction of what was lost came back; NaN: nothing was lost.

    >>> recovered(1.0, -1.0, 3.0)
    0.5
    """
    return (after - before) / (wanted - before) if wanted > before else math.nan


def answered(own: Seen, asked: Asked, row: int = 0) -> Answer:
    """What a run answers to its case."""
    return answer(own.model, own.logits[row], asked)
