"""Failing cases as tables."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import torch

from circuit_widgets.analysis.failures.parts import TYPES

if TYPE_CHECKING:
    import pandas as pd

    from circuit_widgets.analysis.failures.results import CircuitFailures


def components(result: CircuitFailures) -> pd.DataFrame:
    """One row for each case that is done and each component."""
    import pandas as pd

    n, (n_layers, n_heads) = result.n_done, result.shape
    grid = torch.cartesian_prod(torch.arange(n), torch.arange(n_layers), torch.arange(n_heads))
    case, layer, head = grid.view(-1, 3).T if n else torch.zeros(3, 0, dtype=torch.long)
    heads: dict[str, Any] = {
        "case": case.numpy(),
        "layer": layer.numpy(),
        "head": head.numpy(),
        "component": [f"{at}.{of}" for at, of in zip(layer.tolist(), head.tolist(), strict=True)],
        "anomaly": result.anomaly[:n].flatten().numpy(),
        "q": result.q[:n].flatten().numpy(),
    }
    for at, name in enumerate(result.features):
        heads[name] = result.values[:n, at].flatten().numpy()
        heads[f"{name}_usual"] = result.usual[:n, at].flatten().numpy()
        heads[f"{name}_z"] = result.z[:n, at].flatten().numpy()
    pairs = torch.cartesian_prod(torch.arange(n), torch.arange(n_layers)).view(-1, 2)
    mlps: dict[str, Any] = {
        "case": pairs[:, 0].numpy(),
        "layer": pairs[:, 1].numpy(),
        "head": [None] * len(pairs),
        "component": [f"{at}.mlp" for at in pairs[:, 1].tolist()],
        "anomaly": result.anomaly_mlp[:n].flatten().numpy(),
        "q": result.q_mlp[:n].flatten().numpy(),
    }
    frame = pd.concat([pd.DataFrame(heads), pd.DataFrame(mlps)], ignore_index=True)
    frame = frame.dropna(subset=["anomaly"]).sort_values(["case", "layer"], kind="stable")
    frame = frame.reset_index(drop=True)
    frame["head"] = frame["head"].astype("Int64")
    frame["problem"] = frame["q"] <= result.threshold
    return _with_provenance(frame, result)


def cases(result: CircuitFailures) -> pd.DataFrame:
    """One row for each case that is done."""
    import pandas as pd

    rows = []
    for at, problems in enumerate(result.problems):
        answer, second = result.answers[at], result.second(at)
        best = next((each for each in problems if each.suggested_fix), None)
        fix = best.suggested_fix if best is not None else None
        row: dict[str, Any] = {
            "case": at,
            "prompt": result.cases[at].text,
            "expected": answer.expected_token,
            "predicted": answer.predicted_token,
            "p_expected": answer.p_expected,
            "p_predicted": answer.p_predicted,
            "rank": answer.rank,
            "metric": answer.metric,
            "type": result.failure_type(at),
            "second": None if second is None else second[0],
            "margin": float("nan") if second is None else second[1],
            **{name: float(result.types[at, of]) for of, name in enumerate(TYPES)},
            "component": problems[0].component if problems else None,
            "anomaly": problems[0].anomaly_score if problems else float("nan"),
            "q": problems[0].q if problems else float("nan"),
            "fixed": None if best is None else best.component,
            "fix": None if fix is None else fix.kind,
            "recovered": float("nan") if fix is None else fix.recovered,
            "control": float("nan") if fix is None else max(fix.control, default=float("nan")),
        }
        rows.append(row)
    return _with_provenance(pd.DataFrame(rows), result)


def _with_provenance(frame: pd.DataFrame, result: CircuitFailures) -> pd.DataFrame:
    frame["complete"] = result.provenance.complete
    frame.attrs["provenance"] = dataclasses.asdict(result.provenance)
    return frame
