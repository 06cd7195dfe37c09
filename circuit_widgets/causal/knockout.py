"""Cut one position off from another: many keys in one pass."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture

# The last query that a pass computes, whether it computes all positions or only this one.
_LAST = slice(-1, None)


def knocked_out(
    prefix: capture.Prefix,
    ids: Int[Tensor, " pos"],
    target: int,
    keys: Sequence[int],
    layers: range,
) -> Float[Tensor, "2 key"]:
    """Log probability of the target lost if the last position cannot attend to a key, in nats.

    Geva et al. 2023, Dissecting Recall of Factual Associations; in all heads of the layers, without
    renormalising and with. Only the last position is computed: what comes before does not see it.

    >>> import torch
    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")[0]
    >>> prefix = capture.Prefix(model, ids[None], last=1)
    >>> knocked_out(prefix, ids, int(ids[1]), [1, 2], range(2)).shape
    torch.Size([2, 2])
    """
    n = len(keys)
    # The first row is left as it is.
    without, renormalised = range(1, n + 1), range(n + 1, 2 * n + 1)
    cuts = [
        capture.knock_out(layers, _LAST, keys, rows=rows, renormalise=rows is renormalised)
        for rows in (without, renormalised)
    ]
    batch = ids[-1:].repeat(1 + 2 * n, 1)
    logits = prefix.run(len(ids) - 1, batch, last=1, interventions=cuts)
    log = logits[:, -1].float().log_softmax(-1)[:, target].cpu()
    return (log[0] - log[1:]).unflatten(0, (2, n))
