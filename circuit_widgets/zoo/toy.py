"""The toy's architecture and the sequences it is trained on.

Two layers of attention and nothing else is the smallest transformer with induction heads (Elhage
et al. 2021, "A Mathematical Framework for Transformer Circuits"). LayerNorm has no parameters
("LNPre") and positions are learned and added, so the weights alone tell the circuit: nothing has to
be folded, nothing is rotated.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from transformer_lens.config import TransformerBridgeConfig
from transformer_lens.model_bridge import TransformerBridge
from transformers import PreTrainedTokenizerFast

from .words import PAD, VOCABULARY

CONFIG: dict[str, Any] = {
    "d_model": 48,
    "d_head": 16,
    "n_heads": 4,
    "n_layers": 2,
    "n_ctx": 128,
    "d_vocab": len(VOCABULARY),
    "attn_only": True,
    "normalization_type": "LNPre",
    "positional_embedding_type": "standard",
}

BOS_ID = 0
# <pad> never stands inside a text. <unk> does, so it is drawn like any other word.
DRAWN = torch.tensor(
    [index for index, word in enumerate(VOCABULARY) if index != BOS_ID and word != PAD]
)


def build(
    config: dict[str, Any],
    *,
    seed: int | None = None,
    tokenizer: PreTrainedTokenizerFast | None = None,
    device: str | torch.device | None = None,
) -> TransformerBridge:
    """A fresh model. Without a seed its weights mean nothing: load a checkpoint over them."""
    settings = TransformerBridgeConfig(**config, seed=seed, init_weights=seed is not None)
    # fork_rng: building a model must not move the caller's random numbers.
    with torch.random.fork_rng(devices=[]):
        return TransformerBridge.boot_native(  # pyright: ignore[reportAttributeAccessIssue]
            settings, tokenizer=tokenizer, device=device, model_name="toy-induction"
        )


def distinct(count: int, generator: torch.Generator) -> Int[Tensor, " count"]:
    """`count` different words in random order."""
    return DRAWN[torch.randperm(len(DRAWN), generator=generator)[:count]]


def repeated(
    batch: int, length: int, generator: torch.Generator
) -> Int[Tensor, "batch 2*length+1"]:
    """`[BOS, r_1..r_S, r_1..r_S]` with S = `length` different words (Olsson et al. 2022)."""
    words = torch.stack([distinct(length, generator) for _ in range(batch)])
    return torch.cat([torch.full((batch, 1), BOS_ID), words, words], dim=1)


def training_batch(
    batch: int, n_ctx: int, generator: torch.Generator, *, whole: float = 0.85
) -> Int[Tensor, "batch n_ctx"]:
    """Random words in which stretches come back, after `<bos>`.

    A share `whole` of the rows repeats one long period (n_ctx/8 to n_ctx/2) to the end. The others
    are stretches with a period from 3 to n_ctx/4, each two to three copies long (the last one
    partial), up to eight unrelated words apart. A word comes back in a row only where its stretch
    does, so a word seen before always announces a copy.

    The long rows start the phase change. Where the period is short, attending to everything recent
    is nearly as good as finding the place: with many short rows, some seeds ended in a circuit that
    copies without previous-token heads. The short ones teach short prompts and later positions.
    """

    def between(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    rows = torch.full((batch, n_ctx), BOS_ID)
    for row in rows:
        words = distinct(n_ctx, generator)
        if float(torch.rand((), generator=generator)) < whole:
            row[1:] = words[torch.arange(n_ctx - 1) % between(n_ctx // 8, n_ctx // 2)]
            continue
        start, used = 1, 0
        while start < n_ctx:
            gap, period = between(0, 8), between(3, n_ctx // 4)
            piece = torch.cat(
                [torch.arange(gap), gap + torch.arange(2 * period + between(0, period)) % period]
            )
            piece = piece[: n_ctx - start]
            row[start : start + len(piece)] = words[used + piece]
            start, used = start + len(piece), used + gap + period
    return rows
