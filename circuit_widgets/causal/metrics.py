"""What an effect is an effect on: losses, log probabilities, a function of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.prompts.tasks import read_at

# Float32 values in flight while losses are read: 16 MB.
_CHUNK = 2**22
# Effects below it, in nats, are rounding of float32, however narrow their interval.
ROUNDING = 1e-3


def losses(
    logits: Float[Tensor, "batch pos vocab"], tokens: Int[Tensor, "batch pos"], layout: Layout
) -> tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]]:
    """Mean cross-entropy (nats) of each sequence in its first and in its second half.

    Over tokens 2 to S of each half: the first token of the second copy follows the last of the
    first copy, which is new to the model too.

    >>> logits, tokens = torch.zeros(1, 6, 10), torch.tensor([[1, 2, 3, 1, 2, 3]])
    >>> losses(logits, tokens, Layout(length=3, before=0))
    (tensor([2.3026]), tensor([2.3026]))
    """
    halves = []
    # A few sequences at a time: in float32 a batch's logits are its largest tensor by far.
    step = max(1, _CHUNK // (layout.length * logits.shape[-1]))
    for start in (layout.before, layout.before + layout.length):
        queries = slice(start, start + layout.length - 1)
        targets = tokens[:, start + 1 : start + layout.length]
        nats = [
            torch.nn.functional.cross_entropy(
                rows[:, queries].float().flatten(0, 1), follow.flatten(), reduction="none"
            ).view_as(follow)
            for rows, follow in zip(logits.split(step), targets.split(step), strict=True)
        ]
        halves.append(torch.cat(nats).mean(1).cpu())
    return halves[0], halves[1]


# From logits and ids to one number a prompt, better if higher.
Metric = Callable[[Float[Tensor, "batch pos vocab"], Int[Tensor, "batch pos"]], Tensor]


def second_copy_logp(layout: Layout) -> Metric:
    """The metric of repeating sequences: minus the loss on the second copy, in nats.

    >>> logits, tokens = torch.zeros(1, 6, 10), torch.tensor([[1, 2, 3, 1, 2, 3]])
    >>> second_copy_logp(Layout(length=3, before=0))(logits, tokens)
    tensor([-2.3026])
    """
    return lambda logits, tokens: -losses(logits, tokens, layout)[1]


def next_token_logp(
    logits: Float[Tensor, "batch pos vocab"], tokens: Int[Tensor, "batch pos"]
) -> Float[Tensor, " batch"]:
    """Mean over positions of the logp of the token that follows, in nats.

    >>> next_token_logp(torch.zeros(1, 3, 10), torch.tensor([[1, 2, 3]]))
    tensor([-2.3026])
    """
    follow = tokens[:, 1:].to(logits.device)
    nats = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().flatten(0, 1), follow.flatten(), reduction="none"
    )
    return -nats.view_as(follow).mean(1)


def target_logp(
    positions: Int[Tensor, " batch"],
    targets: Int[Tensor, " batch"],
    against: Int[Tensor, " batch"] | None = None,
) -> Metric:
    """The metric of one batch: the logp of a token after one position of each prompt, in nats.

    against: tokens that the targets are held against: then the difference of their logits, which
    is that of their log-probabilities.

    >>> at, one, other = torch.tensor([2]), torch.tensor([3]), torch.tensor([4])
    >>> logits = torch.arange(10.0).expand(1, 3, 10)
    >>> target_logp(at, one, other)(logits, torch.zeros(1, 3).long())
    tensor([-1.])
    """

    def measure(logits: Tensor, _: Tensor) -> Tensor:
        device = logits.device
        rows = torch.arange(len(positions), device=device)
        read = read_at(logits, positions).float()
        if against is None:
            read = read.log_softmax(-1)
        value = read[rows, targets.to(device)]
        return value if against is None else value - read[rows, against.to(device)]

    return measure


def checked(metric: Callable[..., Any]) -> Metric:
    """A metric whose answer is looked at.

    >>> checked(lambda logits, ids: logits.mean())(torch.zeros(2, 3, 10), torch.zeros(2, 3).long())
    Traceback (most recent call last):
    ValueError: the metric gave []; accepted is a tensor of one number a prompt, [2]
    """

    def measure(logits: Tensor, tokens: Tensor) -> Tensor:
        value = metric(logits, tokens.to(logits.device))
        if not isinstance(value, Tensor) or value.shape != logits.shape[:1]:
            got = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"the metric gave {got}; accepted is a tensor of one number a prompt, "
                f"[{len(logits)}]"
            )
        return value

    return measure
