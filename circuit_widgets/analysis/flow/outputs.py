"""What is read of each prompt: at its position, and at other queries for the control."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.prompts.batches import Prompts, are_several
from circuit_widgets.prompts.readout import Readout, once_each, readout, readouts
from circuit_widgets.prompts.targets import Target

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True, eq=False)
class Output:
    """A prompt's output: the target that is read, with what the model says of it.

    Attributes:
        asked: The prompt, and the position whose output is read.
        target: What is read there.
        log: Log-probabilities there, [vocab].
        others: What is read at each query before it as a control: of a pair the same two tokens;
            else the token that follows, if that is what is read here, or the likeliest one.
        clean: Their log-probabilities.
    """

    asked: Readout
    target: Target
    log: Float[Tensor, " vocab"]
    others: Int[Tensor, "query token"]
    clean: Float[Tensor, "query token"]


def output(asked: Readout, logits: Float[Tensor, "pos vocab"]) -> Output:
    """What is read, once the logits up to the position are known."""
    target = Target(asked.target(logits[-1]), asked.against)
    n, ids = asked.position, asked.ids
    log = logits.float().log_softmax(-1)
    if target.against is not None:
        others = torch.tensor([[target.id, target.against]]).expand(n, -1)
    elif n + 1 < len(ids) and target.id == int(ids[n + 1]):
        others = ids[1 : n + 1, None]
    else:
        others = log[:-1].argmax(-1, keepdim=True).cpu()
    clean = log[:-1].gather(1, others.to(log.device)).cpu()
    return Output(asked, target, log[-1].cpu(), others, clean)


def signed(falls: Float[Tensor, "*what token"]) -> Float[Tensor, "*what"]:
    """The fall of one token, or of the first of two against the second."""
    return falls[..., 0] if falls.shape[-1] == 1 else falls[..., 0] - falls[..., 1]


def outputs_asked(
    model: TransformerBridge, tokens: Any, position: Any, target: Any
) -> Sequence[Readout]:
    """What is asked about each prompt, checked.

    Raises:
        ValueError: A prompt that cannot be read, a position or a target that is not there; outputs
            of several prompts that are not read at one position.
    """
    if not are_several(tokens):
        return [readout(model, tokens, position, target, pair=True)]
    found = once_each(readouts(model, Prompts(model, tokens), position, target, pair=True))
    places = sorted({each.position for each in found})
    if len(places) > 1:
        raise ValueError(
            f"the outputs are read at positions {', '.join(map(str, places))}; accepted is one "
            "position, because routes are averaged position by position: take prompts of one "
            "length, or make a call for each length"
        )
    if len({each.first for each in found}) > 1:
        raise ValueError(
            "some prompts begin with a BOS token and some do not; accepted are prompts that begin "
            "alike, because routes are averaged position by position"
        )
    return found
