"""The frames of `trace_induction`: by repeated token, and of several prompts their means."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING, Any

from circuit_widgets.analysis.induction.trace_means import MEANS, OF_HEADS
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    import pandas as pd

    from circuit_widgets.analysis.induction.trace_results import InductionTrace


def frame_of_tokens(trace: InductionTrace) -> pd.DataFrame:
    """One row per repeated token and induction head."""
    import pandas as pd

    rows = [
        {
            "position": q,
            "token": trace.tokens[q],
            "earlier": int(trace.earlier[q]),
            "expected": trace.tokens[int(trace.earlier[q]) + 1],
            "layer": head.layer,
            "head": head.index,
            "name": str(head),
            "attention": float(trace.attention[h, q]),
            "chance": float(trace.chance[q]),
            "added": float(trace.added[h, q]),
            "added_chance": float(trace.added_chance[h, q]),
            "probability": float(trace.probability[q]),
            "predicted": bool(trace.predicted[q]),
            "follows": bool(trace.follows[q]),
        }
        for q in trace.repeats()
        for h, head in enumerate(map(Head.parse, trace.heads))
    ]
    return _with_provenance(pd.DataFrame(rows), trace)


def frame_of_means(trace: InductionTrace) -> pd.DataFrame:
    """One row per number and head: its mean over prompts, and how many prompts are in it."""
    import pandas as pd

    rows = []
    for number in MEANS:
        score, known = trace.mean(number), trace.by_prompt(number).isfinite().sum(0)
        for at, names in _places(trace, number):
            parts = {
                part: float(tensor if part == "chance" else tensor[at])
                for part, tensor in score.tensors().items()
            }
            rows.append({"score": number, **names, **parts, "n": int(known[at])})
    return _with_provenance(pd.DataFrame(rows).assign(interval_over="prompts"), trace)


def frame_by_prompt(trace: InductionTrace) -> pd.DataFrame:
    """One row per prompt, number and head: a mean over the repeated tokens of the prompt."""
    import pandas as pd

    rows = []
    counts = [len(trace.of(prompt).repeats()) for prompt in range(trace.n_prompts)]
    for number in MEANS:
        for prompt, values in enumerate(trace.by_prompt(number)):
            for at, names in _places(trace, number):
                row = {"prompt": prompt, "score": number, **names, "value": float(values[at])}
                rows.append({**row, "n_repeats": counts[prompt]})
    return _with_provenance(pd.DataFrame(rows), trace)


def _places(trace: InductionTrace, number: str) -> list[tuple[tuple[int, ...], dict[str, Any]]]:
    """Where each head's value is, and the head's name; of paths there are two."""
    kinds = OF_HEADS.get(number, ())
    every = [range(len(getattr(trace, kind))) for kind in kinds]
    found = []
    for at in itertools.product(*every):
        named = {kind: getattr(trace, kind)[i] for kind, i in zip(kinds, at, strict=True)}
        # A single head is the one that the number is of, whichever hop it makes.
        name = named.get("heads", named.get("previous", ""))
        found.append((at, {"name": name, "previous": named.get("previous", "")}))
    return found


def _with_provenance(frame: pd.DataFrame, trace: InductionTrace) -> pd.DataFrame:
    if trace.lengths:
        frame = frame.assign(complete=trace.provenance.complete)
    frame.attrs["provenance"] = dataclasses.asdict(trace.provenance)
    return frame
