"""Where a result comes from, as far as the model says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circuit_widgets import models
from circuit_widgets.result import Provenance, versions

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def begun(model: TransformerBridge, analysis: str, **fields: Any) -> Provenance:
    """The provenance of an analysis of which nothing is done yet; `fields` are `Provenance`'s."""
    return Provenance(
        analysis=analysis,
        model=models.name_of(model),
        device=str(model.cfg.device),
        dtype=str(model.cfg.dtype).removeprefix("torch."),
        versions=versions(),
        **{"n_done": 0, "seconds": 0.0, **fields},
    )
