"""Whether a fix that was found on one case helps in other failing cases, and what it breaks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import torch

from circuit_widgets.analysis.failures.answers import is_right, odds
from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.fixes import Part, Trial, controls, logits_with
from circuit_widgets.analysis.failures.parts import Fix, Problem, Transfer
from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.analysis.failures.usual import Usual
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.statistics.intervals import ratio_interval

# A case's own run, and what is usual at its positions.
Run = Callable[[Asked], tuple[Seen, Usual]]


@dataclasses.dataclass(frozen=True, eq=False)
class Wanted:
    """A fix, the case that it was found on, and the parts that it is compared with."""

    part: Part
    fix: Fix
    found_on: int
    beside: tuple[Part, ...]

    def trials(self) -> list[Trial]:
        """The fix, then its control."""
        factor = self.fix.factor if self.fix.factor is not None else math.nan
        return [Trial(part, self.fix.kind, factor) for part in (self.part, *self.beside)]


def wanted(
    nodes: Nodes, problems: Sequence[Sequence[Problem]], most: int, n_controls: int, seed: int
) -> list[Wanted]:
    """The best fix of each case, each once, those that brought back the most first."""
    found: dict[tuple[str, str], tuple[int, Fix]] = {}
    for at, some in enumerate(problems):
        best = [(each.component, each.suggested_fix) for each in some]
        for component, fix in best:
            if fix is None:
                continue
            key = component, fix.kind
            if key not in found or fix.recovered > found[key][1].recovered:
                found[key] = at, fix
    taken = [Part.parse(each.component) for some in problems for each in some if each.fixes]
    ranked = sorted(found.items(), key=lambda item: -item[1][1].recovered)[:most]
    made = []
    for (component, _), (at, fix) in ranked:
        part = Part.parse(component)
        beside = controls(nodes, part, taken, n_controls, seed)
        made.append(Wanted(part, fix, at, tuple(beside)))
    return made


def transfers(
    fixes: Sequence[Wanted],
    cases: Sequence[Asked],
    healthy: Sequence[Asked],
    run: Run,
    confidence: float,
) -> list[Transfer]:
    """Each fix on every case but the one that it was found on, and on some healthy ones.

    A case's own run is made again, and all fixes branch from it.
    """
    trials = [trial for each in fixes for trial in each.trials()]
    starts = [0]
    for each in fixes:
        starts.append(starts[-1] + 1 + len(each.beside))
    back = torch.full((len(cases), len(trials)), math.nan)
    right = torch.zeros(len(cases), len(trials), dtype=torch.bool)
    lost = torch.full((len(cases),), math.nan)
    for row, case in enumerate(cases):
        own, usual = run(case)
        before = float(odds(own.logits[0], case))
        logits = logits_with(own, usual, trials)
        lost[row] = usual.metric - before
        back[row] = odds(logits, case).cpu() - before
        right[row] = is_right(logits, case).cpu()
    wrong = torch.zeros(len(fixes), dtype=torch.long)
    firsts = [trials[start] for start in starts[:-1]]
    for case in healthy:
        own, usual = run(case)
        wrong += ~is_right(logits_with(own, usual, firsts), case).cpu()
    found = []
    for at, each in enumerate(fixes):
        others = [row for row in range(len(cases)) if row != each.found_on and lost[row] > 0]
        chosen = back[others, starts[at] : starts[at + 1]]
        missing = torch.full((1 + len(each.beside),), math.nan)
        value, low, high = (
            ratio_interval(chosen, lost[others], confidence) if others else [missing] * 3
        )
        found.append(
            Transfer(
                component=str(each.part),
                kind=each.fix.kind,
                found_on=each.found_on,
                recovered=float(value[0]),
                low=float(low[0]),
                high=float(high[0]),
                right=int(right[others, starts[at]].sum()),
                n=len(others),
                control=float(value[1:].max()) if len(value) > 1 else math.nan,
                healthy_lost=int(wrong[at]),
                n_healthy=len(healthy),
            )
        )
    return found
