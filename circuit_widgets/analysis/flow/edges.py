"""The graph's edges as a frame: a row for each head that carries a part of one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from circuit_widgets.analysis.flow.routes import shares
from circuit_widgets.heads import Head

if TYPE_CHECKING:
    import pandas as pd

    from circuit_widgets.analysis.flow.results import InformationFlow

# The names of what no head moves, and of what heads move whose parts are too small to be kept.
RESIDUAL, OTHERS = "residual", "other heads"
# A remainder that is no more than rounding, as a share of a query's stream.
_ROUNDING = 1e-5


def edges(result: InformationFlow, least: float) -> pd.DataFrame:
    """Each edge that carries at least this share of the stream that is read, by what carries it."""
    import pandas as pd

    share = shares(result.contributions, result.position)
    rows: list[dict[str, Any]] = []
    for layer in range(len(result.contributions)):
        carried = share[layer + 1, :, None] * result.contributions[layer].double().nan_to_num()
        for query, key in (carried >= least).nonzero().tolist():
            reaches = float(share[layer + 1, query])
            for head, name, part in _parts(result, layer, query, key):
                rows.append(
                    {
                        "layer": layer,
                        "head": head,
                        "name": name,
                        "source": key,
                        "query": query,
                        "contribution": part,
                        "flow": part * reaches,
                        "edge": float(carried[query, key]),
                    }
                )
    # Int64 knows missing values: heads stay whole numbers.
    kinds = dict.fromkeys(("layer", "source", "query"), "int64") | {"head": "Int64"}
    columns = ["layer", "head", "name", "source", "query", "contribution", "flow", "edge"]
    frame = pd.DataFrame(rows, columns=columns).astype(kinds)
    frame.attrs["provenance"] = dataclasses.asdict(result.provenance)
    return frame


def _parts(
    result: InformationFlow, layer: int, query: int, key: int
) -> list[tuple[int | None, str, float]]:
    """What carries an edge, the most first: heads, the residual stream, and what is left."""
    found: list[tuple[int | None, str, float]] = [
        (head, str(Head(layer, head)), part) for head, part in result.carriers(layer, query, key)
    ]
    if query == key and (stays := float(result.residual[layer, query])) > 0:
        found.append((None, RESIDUAL, stays))
    left = float(result.contributions[layer, query, key]) - sum(part for *_, part in found)
    if left > _ROUNDING:
        found.append((None, OTHERS, left))
    return sorted(found, key=lambda carrier: -carrier[2])
