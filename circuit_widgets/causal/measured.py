"""What number about the output is read: of a target, of two, of all tokens, or of the user's."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from circuit_widgets.causal.metrics import Metric, checked, next_token_logp, target_logp
from circuit_widgets.prompts.batches import Prompts
from circuit_widgets.prompts.each import places_of, targets_of
from circuit_widgets.prompts.targets import Target

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


@dataclasses.dataclass(frozen=True)
class Read:
    """What is measured on each prompt, and what it is called.

    Attributes:
        name: "logp", "logit_difference", "next_token_logp" or the name of the user's function.
        words: The same for people.
        unit: "nats", or "" where nobody knows it.
        metric: From the numbers of prompts of one batch to their metric.
        places: Where it is read, of each prompt; () where it is read everywhere.
        targets: What is read there, of each prompt; () where it is no token.
    """

    name: str
    words: str
    unit: str
    metric: Callable[[Sequence[int]], Metric]
    places: tuple[int, ...] = ()
    targets: tuple[Target, ...] = ()


def read_at(
    model: TransformerBridge,
    prompts: Prompts,
    position: Any,
    target: Any,
    metric: Callable[..., Any] | None,
) -> Read:
    """What is measured: the target's, the function's, or what follows each token.

    Raises:
        ValueError: Two things are asked for at once, or one that is not there.

    >>> from circuit_widgets import load_model
    >>> model = load_model()
    >>> read = read_at(model, Prompts(model, "blue dog blue"), -1, ("dog", "blue"), None)
    >>> read.name, read.places
    ('logit_difference', (3,))
    """
    if metric is not None:
        if target is not None:
            raise ValueError("target and metric both say what is measured; pass one of them")
        if not callable(metric):
            raise ValueError(
                f"metric is {metric!r}; accepted is a function of logits [batch, pos, vocab] and "
                "ids [batch, pos] that gives one number a prompt"
            )
        known = checked(metric)
        name = getattr(metric, "__name__", "metric")
        return Read(name, f"metric {name}", "", lambda _: known)
    if target is None:
        return Read(
            "next_token_logp",
            "mean log-probability of the token that follows",
            "nats",
            lambda _: next_token_logp,
        )
    places = places_of(prompts, position)
    targets = targets_of(model, prompts, target)
    known_targets = [each for each in targets if each is not None]
    assert len(known_targets) == len(targets)
    paired = known_targets[0].against is not None

    def of(rows: Sequence[int]) -> Metric:
        chosen = [known_targets[at] for at in rows]
        against = torch.tensor([each.against or 0 for each in chosen]) if paired else None
        ids = torch.tensor([each.id for each in chosen])
        return target_logp(torch.tensor([places[at] for at in rows]), ids, against)

    one = known_targets[0].named(model) if len(set(known_targets)) == 1 else "the targets"
    words = f"{'logit difference' if paired else 'log-probability'} of {one}"
    name = "logit_difference" if paired else "logp"
    return Read(
        name, words, "logits" if paired else "nats", of, tuple(places), tuple(known_targets)
    )
