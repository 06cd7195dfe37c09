"""What a task measures: one number a prompt, from logits at the places where its answer is read."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

METRICS = {
    "logit_difference": "the mean logit of the right answers minus that of the wrong ones",
    "probability_difference": "the probability of all right answers minus that of all wrong ones",
    "kl": "minus the Kullback-Leibler divergence from the clean run's next tokens, in nats",
    "loss": "minus the loss: the log probability of the right answers, in nats",
}
# The same in two words.
IN_WORDS = {
    "logit_difference": "logit difference",
    "probability_difference": "probability difference",
    "kl": "KL divergence, negated,",
    "loss": "log-probability",
}
# These hold the right answers against wrong ones.
AGAINST = ("logit_difference", "probability_difference")
# In the place of an answer where a prompt has fewer than others.
NONE = -1


def read_at(
    logits: Float[Tensor, "prompt pos vocab"], position: Int[Tensor, prompt * place]
) -> Float[Tensor, "prompt *place vocab"]:
    """The logits after some position, or positions, of each prompt, in float32 at least.

    >>> import torch
    >>> read_at(torch.arange(12.0).view(2, 3, 2), torch.tensor([2, 0]))
    tensor([[4., 5.],
            [6., 7.]])
    """
    rows = torch.arange(len(logits), device=logits.device)
    read = logits[rows.view(-1, *[1] * (position.ndim - 1)), position.to(logits.device)]
    return read if read.dtype == torch.float64 else read.float()


def score(
    metric: str,
    read: Float[Tensor, "prompt place vocab"],
    right: Int[Tensor, "prompt place answer"],
    wrong: Int[Tensor, "prompt place other"] | None,
    clean: Float[Tensor, "prompt place vocab"] | None = None,
) -> Float[Tensor, " prompt"]:
    """One of `METRICS`, mean over the places of each prompt; higher is better, gradients flow.

    Args:
        metric: Its name.
        read: Logits at the places.
        right: Ids, -1 where a prompt has fewer.
        wrong: The same.
        clean: The clean run's logits there, for "kl"; no gradient goes into them.

    >>> import torch
    >>> read, right, wrong = torch.tensor([[[0.0, 2.0, 1.0]]]), *torch.tensor([[[[1]]], [[[2]]]])
    >>> score("logit_difference", read, right, wrong)
    tensor([1.])
    >>> score("loss", read, right, None) == read.log_softmax(-1)[0, 0, 1]
    tensor([True])
    """
    if metric == "kl":
        if clean is None:
            raise ValueError(
                'the metric "kl" compares with the clean run: pass its logits as clean_logits'
            )
        p, q = clean.detach().to(read).log_softmax(-1), read.log_softmax(-1)
        value = -(p.exp() * (p - q)).sum(-1)
    elif metric == "loss":
        value = _of(read.log_softmax(-1), right, float("-inf")).logsumexp(-1)
    elif metric == "logit_difference":
        value = _mean(read, right) - _mean(read, _given(wrong))
    else:
        shares = read.softmax(-1)
        value = _of(shares, right, 0).sum(-1) - _of(shares, _given(wrong), 0).sum(-1)
    return value.mean(-1)


def correct(
    read: Float[Tensor, "prompt place vocab"],
    right: Int[Tensor, "prompt place answer"],
    wrong: Int[Tensor, "prompt place other"] | None,
) -> Bool[Tensor, "prompt place"]:
    """Whether a right answer is likelier than every wrong one; without wrong ones, than any token.

    >>> import torch
    >>> read = torch.tensor([[[0.0, 2.0, 1.0]]])
    >>> correct(read, torch.tensor([[[2]]]), torch.tensor([[[0]]]))
    tensor([[True]])
    >>> correct(read, torch.tensor([[[2]]]), None)
    tensor([[False]])
    """
    lowest = float("-inf")
    best = _of(read, right, lowest).amax(-1)
    if wrong is None:
        others = read.scatter(-1, right.clamp(min=0).to(read.device), lowest)
        # What stands in the place of no answer may have taken token 0 out.
        zero = (right == 0).any(-1).to(read.device)
        others[..., 0] = read[..., 0].masked_fill(zero, lowest)
        return best > others.amax(-1)
    return best > _of(read, wrong, lowest).amax(-1)


def chance(
    right: Int[Tensor, "prompt place answer"],
    wrong: Int[Tensor, "prompt place other"] | None,
    n_vocab: int,
) -> float:
    """How often a guess among the answers, or among all tokens, is right.

    >>> import torch
    >>> chance(torch.tensor([[[1, -1]]]), torch.tensor([[[2, 3]]]), 50)
    0.3333333432674408
    """
    n_right = (right >= 0).sum(-1).float()
    n_all = n_vocab if wrong is None else n_right + (wrong >= 0).sum(-1)
    return float((n_right / n_all).mean())


def _of(
    values: Float[Tensor, "prompt place vocab"],
    ids: Int[Tensor, "prompt place answer"],
    missing: float,
) -> Float[Tensor, "prompt place answer"]:
    ids = ids.to(values.device)
    return values.gather(-1, ids.clamp(min=0)).masked_fill(ids < 0, missing)


def _mean(
    values: Float[Tensor, "prompt place vocab"], ids: Int[Tensor, "prompt place answer"]
) -> Float[Tensor, "prompt place"]:
    return _of(values, ids, 0).sum(-1) / (ids >= 0).sum(-1).to(values.device)


def _given(wrong: Tensor | None) -> Tensor:
    if wrong is None:
        raise ValueError("there are no wrong answers that the right ones are held against")
    return wrong
