"""What a token is replaced by: all of a text's other tokens, draws from them, or a distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Where there are at most so many different tokens, all of them are taken instead of draws.
MOST_ENUMERATED = 64


@dataclass(frozen=True, eq=False)
class Replacements:
    """What is put at each position, and how much of the mean each of them is.

    Attributes:
        put: Ids, [pos, replacement].
        share: Of each in its position's mean, [pos, replacement]; sums to 1. 0: only there because
            other positions have more replacements, or nothing is put at this position.
        every: Whether these are all that can stand there, so that a mean has no sampling error.
    """

    put: Int[Tensor, "pos replacement"]
    share: Float[Tensor, "pos replacement"]
    every: bool

    @property
    def counts(self) -> Int[Tensor, " pos"]:
        """How many replacements each position has."""
        return (self.share > 0).sum(1)


def all_replacements(
    ids: Int[Tensor, " pos"], weights: Float[Tensor, " vocab"], first: int = 0
) -> Replacements:
    """Each token that has weight, at each position but the token that is there.

    Their shares are the weights without that token: the mean over draws, in the limit. Before
    position `first` tokens stay as they are.

    Raises:
        ValueError: At some position there is nothing else.

    >>> all_replacements(torch.tensor([1, 2, 1]), torch.tensor([0.0, 2.0, 1.0, 1.0])).share[1]
    tensor([0.6667, 0.3333])
    """
    support = weights.nonzero().flatten()
    others = support != ids[:, None]
    others[:first] = False
    for id in ids[first:][~others[first:].any(1)].tolist():
        raise ValueError(_nothing_else(id))
    # Those that count come first; the width is that of the position with most of them.
    order = others.int().argsort(dim=1, descending=True, stable=True)[:, : int(others.sum(1).max())]
    counts = others.gather(1, order)
    put = torch.where(counts, support[order], ids[:, None])
    share = torch.where(counts, weights[put], 0.0)
    return Replacements(put, (share / share.sum(1, keepdim=True)).nan_to_num().float(), every=True)


def drawn_replacements(put: Int[Tensor, "pos draw"], first: int = 0) -> Replacements:
    """Draws, each as much of the mean as the others."""
    share = torch.full(put.shape, 1 / put.shape[1])
    share[:first] = 0
    return Replacements(put, share, every=False)


def _nothing_else(id: int) -> str:
    return (
        f"the distribution has no token to put in the place of token {id}; give weight to two "
        "tokens or more"
    )


def draw_replacements(
    ids: Int[Tensor, " pos"],
    weights: Float[Tensor, " vocab"],
    draws: int,
    generator: torch.Generator,
    first: int = 0,
) -> Int[Tensor, "pos draw"]:
    """Independent draws for each position, by weight, never the token that is there.

    Before position `first` tokens stay as they are.

    Raises:
        ValueError: At some position nothing else can be drawn.
    """
    # Of a whole vocabulary a prompt has a few tokens: only those have to be weighed.
    support = weights.nonzero().flatten()
    drawn = ids[:, None].repeat(1, draws)
    for at, id in list(enumerate(ids.tolist()))[first:]:
        row = weights[support].masked_fill(support == id, 0)
        if not bool((row > 0).any()):
            raise ValueError(_nothing_else(id))
        drawn[at] = support[torch.multinomial(row, draws, replacement=True, generator=generator)]
    return drawn


def weights_of(
    model: TransformerBridge, ids: Int[Tensor, " pos"], distribution: Any, uniform: bool
) -> Float[Tensor, " vocab"]:
    """What replacements are drawn from: given weights, the prompt's own tokens, or all tokens.

    The unigram distribution of the prompt keeps a replacement in the prompt's own register. Special
    tokens are left out. A prompt with one distinct token has nothing else: then all tokens.

    Raises:
        TypeError: The distribution is no list of numbers.
        ValueError: It has another length, or values that are no weights.
    """
    n_vocab = int(model.cfg.d_vocab)
    if distribution is not None:
        try:
            weights = torch.as_tensor(distribution, dtype=torch.float64).detach().cpu()
        except (TypeError, ValueError, RuntimeError):
            raise TypeError(
                f"distribution cannot be {type(distribution).__name__}; accepted are "
                f"{n_vocab} weights, one for each token"
            ) from None
        if weights.shape != (n_vocab,):
            raise ValueError(
                f"distribution has shape {list(weights.shape)}; accepted is [{n_vocab}], a weight "
                "for each token"
            )
        if not bool((weights.isfinite() & (weights >= 0)).all()):
            raise ValueError("distribution has weights that are negative or no numbers")
        return weights
    tokenizer = getattr(model, "tokenizer", None)
    special = [id for id in getattr(tokenizer, "all_special_ids", ()) if id < n_vocab]
    own = torch.bincount(ids.cpu(), minlength=n_vocab).double()
    every = torch.ones(n_vocab, dtype=torch.float64)
    if tokenizer is not None:
        # A padded embedding has rows that no token has.
        every[len(tokenizer) :] = 0
    own[special], every[special] = 0, 0
    return every if uniform or int((own > 0).sum()) < 2 else own
