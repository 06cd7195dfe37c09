"""The in-context-learning score: how much better a model predicts late in a text than early."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.results.score import Score
from circuit_widgets.statistics.intervals import score_of

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# Olsson et al. 2022: the loss of the 500th token less that of the 50th.
EARLY, LATE = 50, 500


def late_less_early(
    model: TransformerBridge, texts: Prompts, seed: int, confidence: float
) -> Score:
    """Loss at token 500 less loss at token 50, in nats, over texts; more negative is better.

    The control is the same texts with their tokens in random order, where the context helps less.
    """
    generator = torch.Generator().manual_seed(seed)
    sides: list[list[Tensor]] = [[], []]
    for _, ids in texts.batches(1):
        ids = ids[:, : LATE + 1]
        # What the model puts in front stays in front.
        order = 1 + torch.randperm(LATE, generator=generator)
        mixed = torch.cat([ids[:, :1], ids[:, order.to(ids.device)]], 1)
        for side, tokens in zip(sides, (ids, mixed), strict=True):
            side.append(_difference(model, tokens))
    return score_of(torch.cat(sides[0]), torch.cat(sides[1]), confidence)


def _difference(model: TransformerBridge, tokens: Int[Tensor, "1 pos"]) -> Float[Tensor, " 1"]:
    logits = capture.run(model, tokens)
    rows = logits[0, [EARLY - 1, LATE - 1]].float().log_softmax(-1)
    loss = -rows.gather(1, tokens[0, [EARLY, LATE]].to(rows.device)[:, None])[:, 0].cpu()
    return (loss[1] - loss[0])[None]


def check_texts(model: TransformerBridge, texts: object) -> Prompts:
    """Texts that are long enough.

    Raises:
        TypeError, ValueError: They cannot be read, or are too short.
    """
    return Prompts(model, texts, least=LATE + 1)
