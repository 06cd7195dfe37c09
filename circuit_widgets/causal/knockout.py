"""Cut one position off from another: many keys, layers and queries in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# The last query that a pass computes, whether it computes all positions or only this one.
_LAST = slice(-1, None)
# Logits in flight: a quarter of a gigabyte in float32.
_LOGITS = 2**26


def knocked_out(
    prefix: capture.Prefix,
    ids: Int[Tensor, " pos"],
    tokens: Int[Tensor, " token"],
    keys: Sequence[int],
    ways: Sequence[tuple[range, bool]],
) -> Float[Tensor, "way key token"]:
    """Log probability of some tokens lost if the last position cannot attend to a key, in nats.

    Geva et al. 2023, Dissecting Recall of Factual Associations; in all heads of some layers. Each
    of the `ways` is a range of layers, and whether the weights that are left grow to their former
    sum (scores of minus infinity). Only the last position is computed: what comes before does not
    see it.

    >>> import torch
    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")[0]
    >>> prefix = capture.Prefix(model, ids[None], last=1)
    >>> knocked_out(prefix, ids, ids[1:2], [1, 2], [(range(2), True)]).shape
    torch.Size([1, 2, 1])
    """
    n = len(keys)
    # The first row is left as it is.
    cuts = [
        capture.knock_out(
            layers, _LAST, keys, rows=range(1 + at * n, 1 + (at + 1) * n), renormalise=renormalise
        )
        for at, (layers, renormalise) in enumerate(ways)
    ]
    batch = ids[-1:].repeat(1 + len(ways) * n, 1)
    logits = prefix.run(len(ids) - 1, batch, last=1, interventions=cuts)
    log = logits[:, -1].float().log_softmax(-1)[:, tokens.to(logits.device)].cpu()
    return (log[0] - log[1:]).unflatten(0, (len(ways), n))


def random_pairs(
    first: int, position: int, draws: int, generator: torch.Generator
) -> list[tuple[int, int]]:
    """Different pairs of a query before a position and a key before that, at most `draws`.

    >>> random_pairs(1, 4, 9, torch.Generator().manual_seed(0))
    [(2, 1), (3, 1), (3, 2)]
    """
    queries, keys = torch.tril_indices(position - first, position - first, -1) + first
    chosen = torch.randperm(len(queries), generator=generator)[:draws]
    return sorted(zip(queries[chosen].tolist(), keys[chosen].tolist(), strict=True))


def knocked_out_pairs(
    model: TransformerBridge,
    ids: Int[Tensor, " pos"],
    pairs: Sequence[tuple[int, int]],
    targets: Int[Tensor, "pos token"],
    clean: Float[Tensor, "pos token"],
    way: tuple[range, bool],
) -> Iterator[Float[Tensor, "pair token"]]:
    """Log probability lost at each pair's query if it cannot attend to the key, some at a time.

    `targets` are the tokens whose probability is read at each query, `clean` their log
    probabilities in the text as it is. What a knockout costs at other queries of the same text is
    what one in question is compared with.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> ids = model.to_tokens("blue dog blue dog")[0]
    >>> log = capture.run(model, ids[None])[0].log_softmax(-1)
    >>> clean, targets = log.max(-1, keepdim=True)
    >>> lost = knocked_out_pairs(model, ids, [(2, 1), (3, 1)], targets, clean, (range(2), True))
    >>> torch.cat(list(lost)).shape
    torch.Size([2, 1])
    """
    layers, renormalise = way
    most = max(1, _LOGITS // (len(ids) * int(model.cfg.d_vocab)))
    for start in range(0, len(pairs), most):
        some = pairs[start : start + most]
        # Nothing after the last of these queries matters to them.
        rows = ids[: some[-1][0] + 1].repeat(len(some), 1)
        cuts = [
            capture.knock_out(
                layers,
                query,
                [key for at, key in some if at == query],
                rows=[row for row, (at, _) in enumerate(some) if at == query],
                renormalise=renormalise,
            )
            for query in sorted({query for query, _ in some})
        ]
        logits = capture.run(model, rows, interventions=cuts)
        queries = torch.tensor([query for query, _ in some])
        read = logits[torch.arange(len(some)), queries].float().log_softmax(-1).cpu()
        yield clean[queries] - read.gather(1, targets[queries])
