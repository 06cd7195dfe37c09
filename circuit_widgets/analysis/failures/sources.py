"""Where a head gets what the answer hangs on: its attention to one key is knocked out."""

from __future__ import annotations

from circuit_widgets import capture
from circuit_widgets.analysis.failures.answers import odds
from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.parts import Source
from circuit_widgets.analysis.failures.seen import Seen
from circuit_widgets.heads import Head

# Keys that are tried: those with the largest weights. One with next to none cannot be missed.
_TRIED = 8
# A key without which the metric is as it was to this is no source, in nats.
LEAST = 0.05


def source_in(seen: Seen, asked: Asked, head: Head) -> tuple[int | None, float]:
    """The key without which the metric changes most, and what it loses then, in nats.

    Geva et al. 2023, at the last query and in this head alone; the weights that are left grow to
    their former sum. None: without no key the metric changes by `LEAST`. One pass; `seen` is the
    run of the case alone.

    >>> import circuit_widgets as cw
    >>> import torch
    >>> from circuit_widgets.analysis.failures.seen import see
    >>> from circuit_widgets.causal.nodes import parts_of
    >>> from circuit_widgets.analysis.failures.cases import Case, asked_of
    >>> model = cw.load_model()
    >>> asked = asked_of(model, Case("blue dog seven cat blue dog", "seven"))
    >>> seen = see(model, parts_of(model), torch.tensor([asked.ids]))
    >>> key, loses = source_in(seen, asked, Head(1, 2))
    >>> key, loses > 0.05
    (3, True)
    """
    ids, clean = seen.inputs.tokens, odds(seen.logits[0], asked)
    weights = seen.sites["pattern"][head.layer][0, head.index, -1].float()
    keys = weights.argsort(descending=True)[: min(_TRIED, len(weights))].tolist()
    cut = capture.knock_out(
        str(head), ids.shape[1] - 1, keys, rows=range(len(keys)), renormalise=True
    )
    logits = capture.run(seen.model, ids.repeat(len(keys), 1), interventions=[cut])
    lost = (clean - odds(logits[:, -1], asked)).cpu()
    best = int(lost.abs().argmax())
    effect = float(lost[best])
    return (keys[best] if abs(effect) >= LEAST else None), effect


def sources(own: Seen, healthy: Seen, asked: Asked, head: Head) -> Source:
    """Of a head, in the failing model and in the reference."""
    here, usual = (source_in(each, asked, head) for each in (own, healthy))
    return Source(here[0], usual[0], here[1], usual[1])
