"""What a token is replaced by: draws from a text's own tokens, or from a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


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
            raise ValueError(
                f"the distribution has no token to put in the place of token {id}; give weight to "
                "two tokens or more"
            )
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
