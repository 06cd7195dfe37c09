"""What a model answers to a case: its likeliest token, and the odds of the expected ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.analysis.failures.cases import Asked
from circuit_widgets.analysis.failures.parts import Answer
from circuit_widgets.prompts.tokens import show_token_after

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def odds(logits: Float[Tensor, "*rows vocab"], asked: Asked) -> Float[Tensor, "*rows"]:
    """Log odds of the expected tokens against the wrong ones, or all others, in nats.

    >>> asked = Asked("", (0, 1), ("", ""), False, (1,), (2,))
    >>> odds(torch.tensor([0.0, 3.0, 1.0]), asked)
    tensor(2.)
    """
    expected, wrong = _sets(logits.shape[-1], asked)
    logits = logits.float()
    one, other = (logits[..., ids.to(logits.device)].logsumexp(-1) for ids in (expected, wrong))
    return one - other


def is_right(logits: Float[Tensor, "*rows vocab"], asked: Asked) -> Tensor:
    """Whether an expected token is likelier than every wrong one, or every other.

    >>> asked = Asked("", (0, 1), ("", ""), False, (1,), ())
    >>> bool(is_right(torch.tensor([4.0, 3.0, 1.0]), asked))
    False
    """
    expected, wrong = _sets(logits.shape[-1], asked)
    one, other = (logits[..., ids.to(logits.device)].amax(-1) for ids in (expected, wrong))
    return one > other


def answer(model: TransformerBridge, logits: Float[Tensor, " vocab"], asked: Asked) -> Answer:
    """What the logits after a case's last token say."""
    logits = logits.detach().float().cpu()
    shares = logits.softmax(-1)
    predicted = int(logits.argmax())
    expected = torch.tensor(asked.expected)
    best = int(expected[logits[expected].argmax()])
    return Answer(
        predicted=predicted,
        predicted_token=show_token_after(model, asked.ids, predicted),
        p_predicted=float(shares[predicted]),
        expected_token=show_token_after(model, asked.ids, best),
        p_expected=float(shares[expected].sum()),
        rank=1 + int((logits > logits[best]).sum()),
        metric=float(odds(logits, asked)),
        right=bool(is_right(logits, asked)),
    )


def _sets(n_vocab: int, asked: Asked) -> tuple[Tensor, Tensor]:
    expected = torch.tensor(asked.expected)
    if asked.wrong:
        return expected, torch.tensor(asked.wrong)
    others = torch.ones(n_vocab, dtype=torch.bool)
    others[expected] = False
    return expected, others.nonzero().flatten()
