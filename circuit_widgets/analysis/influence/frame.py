"""The frames of self-influence: the effects, and those in each of several prompts."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import t_quantile

if TYPE_CHECKING:
    import pandas as pd

    from circuit_widgets.analysis.influence.results import SelfInfluence


def frame_of(result: SelfInfluence) -> pd.DataFrame:
    """One row per score, source and query."""
    import pandas as pd

    made, n = result.provenance, len(result.ids)
    scores = {"logp": result.logp, "kl": result.kl}
    if result.norm is not None:
        scores["norm"] = result.score if result.prompts else Score(value=result.norm)
    parts = [
        _rows(result, name, list(range(n)), [result.position] * n, score.columns())
        for name, score in scores.items()
    ]
    if result.matrix is not None and result.matrix_sem is not None:
        source, query = result.matrix.isfinite().nonzero().T
        value, sem = (each[source, query] for each in (result.matrix, result.matrix_sem))
        half = _quantiles(result)[source] * sem
        score = Score(value=value, low=value - half, high=value + half)
        parts.append(_rows(result, "pair", source.tolist(), query.tolist(), score.columns()))
    frame = pd.concat(parts, ignore_index=True)
    counts = result.n_at if result.prompts else result.n_replacements
    over = "prompts" if result.prompts else "" if result.enumerated else "draws"
    frame = frame.assign(
        n=counts[torch.tensor(frame["source"].to_numpy())].numpy(),
        interval_over=over,
        enumerated=result.enumerated,
        complete=made.complete,
    )
    frame.attrs["provenance"] = dataclasses.asdict(made)
    return frame


def frame_by_prompt(result: SelfInfluence) -> pd.DataFrame:
    """One row per prompt, score and source; positions are those of the prompt's own text."""
    import pandas as pd

    scores = {"logp": result.logp_by_prompt, "kl": result.kl_by_prompt}
    if result.norm_by_prompt is not None:
        scores["norm"] = Score(value=result.norm_by_prompt)
    parts = []
    for at, prompt in enumerate(result.prompts):
        n = len(prompt.ids)
        for name, score in scores.items():
            assert score is not None
            whole = score.at(at).tensors()
            columns = {
                part: values[prompt.start : prompt.start + n].numpy()
                for part, values in whole.items()
            }
            source = list(range(n))
            where = {
                "source": source,
                "distance": [position - prompt.position for position in source],
                "token": prompt.tokens,
                "query": prompt.position,
                "target": prompt.target_token,
                "against": prompt.against_token or "",
            }
            parts.append(pd.DataFrame({"prompt": at, "score": name, **where, **columns}))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.assign(
        interval_over="" if result.enumerated else "draws", complete=result.provenance.complete
    )
    frame.attrs["provenance"] = dataclasses.asdict(result.provenance)
    return frame


def _quantiles(result: SelfInfluence) -> Float[Tensor, " pos"]:
    """Student's t for as many prompts as a position has, or for as many draws."""
    confidence = float(result.provenance.parameters["confidence"])
    counts = result.n_at
    if not result.prompts:
        # Of draws there are as many at each position; without them there is no standard error.
        counts = torch.full_like(counts, int(result.n_replacements.max()))
    known = {n: t_quantile(confidence, max(1, n - 1)) for n in set(counts.tolist())}
    return torch.tensor([known[n] for n in counts.tolist()])


def _rows(
    result: SelfInfluence, name: str, source: list[int], query: list[int], columns: dict[str, Any]
) -> pd.DataFrame:
    import pandas as pd

    where = {
        "source": source,
        "distance": [position - at for position, at in zip(source, query, strict=True)],
        "token": [result.tokens[position] for position in source],
        "generated": [position >= result.n_prompt for position in source],
        "query": query,
    }
    return pd.DataFrame({"score": name, **where, **columns})
