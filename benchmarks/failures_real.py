"""Prompts that SmolLM2 itself gets wrong: how many, and whether a fix of some helps others.

    python -m benchmarks.failures_real [name ...]     # a quarter of an hour; all, or these pools

Nothing is planted here and there is no healthy model. Of each pool prompts are drawn twice or more.
With draw 0 fixes are looked for as `analyze_failures` does it: eight failing cases beside 64
healthy prompts, and of each case the best fix of each component that was tried. All that is chosen
is chosen there. Draw 1 judges: each fix on up to 24 other failing prompts, with a 95 % interval
over them, beside the same fix of three random components, and on 32 healthy prompts. Which fixes
are found hangs on the eight cases: in the first pool they are looked for with draws 2 and 3 as
well, and draw 4 counts right prompts of this frame and of others with the best of all.
"""

from __future__ import annotations

import dataclasses
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch

import circuit_widgets as cw
from benchmarks.measure import table
from circuit_widgets import capture
from circuit_widgets.analysis.failures.against_prompts import gathered
from circuit_widgets.analysis.failures.answers import is_right
from circuit_widgets.analysis.failures.cases import Asked, Case
from circuit_widgets.analysis.failures.choosing import asked, right_ones
from circuit_widgets.analysis.failures.fixes import Part, edit
from circuit_widgets.analysis.failures.parts import Transfer
from circuit_widgets.analysis.failures.seen import Seen, batch_of, see
from circuit_widgets.analysis.failures.transfer import transfers, wanted
from circuit_widgets.analysis.failures.usual import Usual
from circuit_widgets.causal.nodes import parts_of
from circuit_widgets.prompts.tasks.greater_than import NOUNS
from circuit_widgets.prompts.tasks.ioi import NAMES, OBJECTS, PLACES

FRAMES = {
    "Friends": "Friends{a} and{b} found a{thing} at the{place}.{s} gave it to",
    "Friends, the gift": "Friends{a} and{b} found a{thing} at the{place}.{s} gave the gift to",
    "Then": "Then,{a} and{b} found a{thing} at the{place}.{s} gave it to",
    "When": "When{a} and{b} found a{thing} at the{place},{s} gave it to",
}
N_CASES, N_HEALTHY, N_FIXES = 8, 64, 4
N_JUDGED, N_SOUND = 24, 32
# The pool in which fixes are looked for more than once, and with which draws.
FIRST, AGAIN = "Friends", (0, 2, 3)
# With fewer failing prompts in a draw a pool is only counted.
LEAST = 5
# Prompts that a model gets wrong, and those that it gets right.
Sorted = tuple[list[Asked], list[Asked]]


def one_token(model: Any, word: str) -> int | None:
    """A word's token, if it is one."""
    ids = model.tokenizer.encode(word, add_special_tokens=False)
    return ids[0] if len(ids) == 1 else None


def frame(model: Any, name: str, seed: str, n: int) -> list[Case]:
    """Indirect objects in another frame of Wang et al.; every second prompt is ABBA."""
    names = [f" {each}" for each in NAMES if one_token(model, f" {each}") is not None]
    generator, found = random.Random(seed), []
    for at in range(n):
        io, s = generator.sample(names, 2)
        a, b = (io, s) if at % 2 == 0 else (s, io)
        place, thing = generator.choice(PLACES), generator.choice(OBJECTS)
        text = FRAMES[name].format(a=a, b=b, s=s, place=place, thing=thing)
        found.append(Case(text, io, wrong=s))
    return found


def years(
    model: Any, centuries: Sequence[int], seed: str, n: int, *, units: bool = False
) -> list[Case]:
    """Greater than, digit by digit: the tens of years that end in 9, or the units."""
    digits = [one_token(model, str(digit)) for digit in range(10)]
    generator, found = random.Random(seed), []
    for _ in range(n):
        start = str(generator.choice(centuries))
        if units:
            start += str(generator.randrange(10))
        first = generator.randrange(9) if units else generator.randrange(1, 9)
        text = f"The{generator.choice(NOUNS)} lasted from the year {start}{first}"
        text += f"{'' if units else 9} to the year {start}"
        found.append(Case(text, digits[first + 1 :], wrong=digits[: first + 1]))
    return found


def pools(model: Any) -> dict[str, Callable[[int], Any]]:
    """By name, what makes draw 0 and draw 1 of it."""
    old = range(11, 18)
    ioi, repeated = cw.Task.ioi, cw.Task.repeated_tokens
    return {
        "ioi": lambda draw: ioi(model, n=512, seed=draw),
        **{
            name: lambda draw, name=name: frame(model, name, f"{name} {draw}", 192)
            for name in FRAMES
        },
        "years, tens": lambda draw: years(model, old, f"tens {draw}", 192),
        "years, tens, 18xx": lambda draw: years(model, [18], f"18 {draw}", 192),
        "years, tens, 19xx": lambda draw: years(model, [19], f"19 {draw}", 192),
        "years, tens, 20xx": lambda draw: years(model, [20], f"20 {draw}", 192),
        "years, units": lambda draw: years(model, old, f"units {draw}", 192, units=True),
        "repeated, 10": lambda draw: repeated(model, n=8, length=10, seed=draw),
        "repeated, 20": lambda draw: repeated(model, n=8, length=20, seed=draw),
        "repeated, 60": lambda draw: repeated(model, n=4, length=60, seed=draw),
    }


def sort(model: Any, cases: Any) -> Sorted:
    """Wrong ones and right ones, in random order."""
    found = asked(model, cases, "cases")
    right = right_ones(model, found, 16)
    wrong = [each for each, is_it in zip(found, right, strict=True) if not is_it]
    sound = [each for each, is_it in zip(found, right, strict=True) if is_it]
    for some in (wrong, sound):
        random.Random(0).shuffle(some)
    return wrong, sound


def as_case(one: Asked) -> Case:
    """The same question again."""
    return Case(one.ids, one.expected, wrong=one.wrong or None)


def diagnosed(model: Any, found_on: Sorted, judged_on: Sorted) -> tuple[str, list[Transfer]]:
    """The types of the first draw's cases, and each fix, judged on the second draw."""
    wrong, sound = found_on
    nodes, sound = parts_of(model), sound[:N_HEALTHY]
    result = cw.analyze_failures(
        model,
        [as_case(each) for each in wrong[:N_CASES]],
        healthy=[as_case(each) for each in sound],
        n_cases=N_CASES,
        n_healthy=N_HEALTHY,
        n_transfers=0,
        progress=False,
    )
    types = Counter(result.failure_type(at) for at in range(len(result.cases)))
    healthy = gathered(model, nodes, sound, 8)

    def run(case: Asked) -> tuple[Seen, Usual]:
        own = see(model, nodes, batch_of((case.ids,), model.cfg.device))
        return own, healthy.usual(len(case.ids))

    # On none of the judging cases was it found.
    fixes = [
        dataclasses.replace(each, found_on=-1)
        for each in wanted(nodes, result.problems, N_FIXES, 3, 0)
    ]
    others, whole = judged_on
    types_in_words = ", ".join(f"{name} {n}" for name, n in types.items())
    return types_in_words, transfers(fixes, others[:N_JUDGED], whole[:N_SOUND], run, 0.95)


def row(pool: str, fix: Transfer) -> list[str]:
    """What came of a fix."""
    return [
        pool,
        f"{fix.kind} {fix.component}",
        f"{100 * fix.recovered:.0f} % ({100 * fix.low:.0f} to {100 * fix.high:.0f})",
        f"{100 * fix.control:.0f} %",
        f"{fix.right} of {fix.n}",
        f"{fix.healthy_lost} of {fix.n_healthy}",
    ]


def elsewhere(model: Any, fix: Transfer, sound: list[Asked]) -> str:
    """Right prompts of draw 4, with a component's mean over the healthy prompts it was found with.

    In its own frame and in others, ABBA and BABA.
    """
    usual = gathered(model, parts_of(model), sound[:N_HEALTHY], 8).usual(len(sound[0].ids))
    ablated = edit([Part.parse(fix.component)], "ablate", usual, [float("nan")])
    drawn: dict[str, Any] = {name: frame(model, name, f"{name} 4", 128) for name in FRAMES}
    drawn["ioi"] = cw.Task.ioi(model, n=128, seed=4)
    rows = []
    for name, cases in drawn.items():
        given, cells = asked(model, cases, "cases"), [name]
        for edits in ([], [ablated]):
            right = [
                bool(
                    is_right(capture.run(model, batch_of((one.ids,), "cpu"), [], edits)[0, -1], one)
                )
                for one in given
            ]
            cells += [f"{sum(right[at::2])} of {len(right[at::2])}" for at in (0, 1)]
        rows.append(cells)
    head = ["draw 4", "ABBA", "BABA"]
    head += [f"{order}, {fix.component} ablated" for order in ("ABBA", "BABA")]
    return table(head, rows)


def run(names: Sequence[str] = ()) -> str:
    """Every pool, or some."""
    warnings.simplefilter("ignore")
    model = cw.load_model("SmolLM2-135M")
    counts, rows, more = [], [], ""
    for name, draw in pools(model).items():
        if names and name not in names:
            continue
        second = sort(model, draw(1))
        best: tuple[Transfer, list[Asked]] | None = None
        for at in AGAIN if name == FIRST else (0,):
            first = sort(model, draw(at))
            n_wrong = len(first[0]) + len(second[0])
            n_all = n_wrong + len(first[1]) + len(second[1])
            types, which = "too few", f"{name}, draw {at}"
            if min(len(first[0]), len(second[0])) >= LEAST:
                types, found = diagnosed(model, first, second)
                rows += [row(which, each) for each in found]
                for fix in found:
                    if best is None or fix.recovered > best[0].recovered:
                        best = fix, first[1]
            counts.append([which, f"{n_wrong} of {n_all}", types])
            print(counts[-1], *rows[-N_FIXES:], sep="\n", file=sys.stderr, flush=True)
        if name == FIRST and best is not None and best[0].kind == "ablate":
            more = elsewhere(model, *best)
    head = ["pool", "fix", "brings back on other failing prompts", "control", "right then"]
    tables = [table(["pool", "wrong, with draw 1", "types of the eight cases"], counts)]
    tables.append(table([*head, "healthy prompts lost"], rows))
    return "\n".join([*tables, more])


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(run(sys.argv[1:]))
