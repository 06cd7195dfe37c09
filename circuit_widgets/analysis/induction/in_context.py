"""The in-context-learning score: how much better a model predicts late in a text than early."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.analysis.induction.results import InductionHeads
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.statistics.intervals import score_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Olsson et al. 2022: the loss of the 500th token less that of the 50th.
EARLY, LATE = 50, 500


def add_text_losses(
    result: InductionHeads,
    model: TransformerBridge,
    texts: Prompts,
    *,
    confidence: float,
    seed: int,
) -> Iterator[InductionHeads | None]:
    """Loss at token 500 minus loss at token 50, in nats, over texts; more negative is better.

    The control is the same texts with their tokens in random order, where the context helps less.
    It yields once for every text; None where there is nothing new to show.
    """
    generator = torch.Generator().manual_seed(seed)
    in_order, shuffled = [], []
    for _, ids in texts.batches(1):
        ids = ids[:, : LATE + 1]
        # What the model puts in front stays in front.
        order = 1 + torch.randperm(LATE, generator=generator)
        in_order.append(late_minus_early(model, ids))
        shuffled.append(late_minus_early(model, torch.cat([ids[:, :1], ids[:, order]], 1)))
        yield None
    score = score_of(torch.cat(in_order), torch.cat(shuffled), confidence)
    yield dataclasses.replace(result, text_in_context=score)


def late_minus_early(model: TransformerBridge, tokens: Int[Tensor, "1 pos"]) -> Float[Tensor, " 1"]:
    """Loss at token 500 minus loss at token 50 of one text, in nats."""
    logits = capture.run(model, tokens)
    rows = logits[0, [EARLY - 1, LATE - 1]].float().log_softmax(-1)
    loss = -rows.gather(1, tokens[0, [EARLY, LATE]].to(rows.device)[:, None])[:, 0].cpu()
    return (loss[1] - loss[0])[None]


def check_texts(model: TransformerBridge, texts: object) -> Prompts:
    """Texts that are long enough.

    Raises:
        TypeError, ValueError: They cannot be read, or are too short.

    >>> from circuit_widgets import load_model
    >>> check_texts(load_model(), "blue dog")
    Traceback (most recent call last):
    ValueError: 'blue dog' is 3 tokens; accepted are prompts of 501 tokens or more
    """
    return Prompts(model, texts, least=LATE + 1)
