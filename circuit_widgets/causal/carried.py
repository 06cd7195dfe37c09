"""From where to where heads carry what they read by their keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets import capture
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.prompts.tasks import Task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

# So much of its attention makes a position one that a head carries from.
LEAST = 0.1


def mean_attention(
    model: TransformerBridge, nodes: Nodes, task: Task, batch: int
) -> Float[Tensor, "source query key"]:
    """Each head's attention, mean over the clean or the corrupt prompts, whichever is more.

    0 of what is no head.

    >>> import circuit_widgets as cw
    >>> from circuit_widgets.causal.nodes import nodes_of
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=4, length=4)
    >>> mean_attention(model, nodes_of(model), task, batch=4).shape
    torch.Size([9, 9, 9])
    """
    n = task.clean.shape[1]
    found = torch.zeros(2, len(nodes.sources), n, n)
    for at, prompts in enumerate((task.clean, task.corrupt)):
        total = found[at]

        def add(layer: int, pattern: Tensor, total: Tensor = total) -> None:
            total[nodes.heads_of(layer)] += pattern.detach().float().sum(0).cpu()

        readers = capture.together(("pattern",), add)
        for some in prompts.split(batch):
            capture.run(model, some, readers, logits=False)
    return found.amax(0) / len(task)


def carried(
    attention: Float[Tensor, "source query key"], writes: Bool[Tensor, "pos source"]
) -> Bool[Tensor, "source query key"]:
    """To where heads carry what they read at each position, among the positions where they write.

    To those whose attention there is a tenth or more, or else to the one whose is the most.

    >>> attention = torch.tensor([[[1.0, 0.0, 0.0], [0.9, 0.1, 0.0], [0.95, 0.04, 0.01]]])
    >>> carried(attention, torch.tensor([[False], [True], [True]]))[0].int()
    tensor([[0, 0, 0],
            [1, 1, 0],
            [1, 0, 1]], dtype=torch.int32)
    """
    n = attention.shape[-1]
    later = torch.ones(n, n, dtype=torch.bool).tril()
    may = writes.T[:, :, None] & later
    among = attention.where(may, -1.0)
    most = among.amax(1, keepdim=True)
    return may & ((among >= LEAST) | ((most < LEAST) & (among == most)))
