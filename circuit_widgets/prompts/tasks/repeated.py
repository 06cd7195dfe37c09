"""The task of induction: random tokens that repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from circuit_widgets import arguments
from circuit_widgets.prompts.repeats import Probe

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

    from circuit_widgets.prompts.tasks.task import Task


def repeated_tokens(
    cls: type[Task],
    model: TransformerBridge,
    n: int = 16,
    length: int = 12,
    seed: int = 0,
    *,
    metric: str = "loss",
    prepend_bos: bool | None = None,
) -> Task:
    """Random tokens that repeat, and what follows each in its second copy (Olsson et al. 2022).

    clean      [bos] r_1 .. r_S  r_1 .. r_S
    corrupt    [bos] c_1 .. c_S  r_1 .. r_S      all of r and c distinct

    The first copy is what is corrupted. So both runs read the answers after the same tokens, and
    what a token predicts by itself (its bigrams, the direct path) is the same in both; only where
    it was seen before, and what followed it there, is gone. Were the second copy changed, the runs
    would differ in every token that is read, and patching an embedding would look like induction.

    Read after tokens 1 to S-1 of the second copy, as the second-copy loss is everywhere here.
    Right is the token that follows; wrong, the one that stands in the corrupt first copy where the
    right one stands in the clean: with the metrics that hold two answers against each other.

    Args:
        cls: `Task`.
        model: Any model, also without a tokenizer.
        n: How many prompts.
        length: S, tokens in a copy, at least 3.
        seed: Of the tokens.
        metric: As in `Task.score`.
        prepend_bos: None begins with a BOS where the model begins texts with one.

    Raises:
        ValueError: A length too short for a copy, or too long for the context or the vocabulary.

    >>> import circuit_widgets as cw
    >>> task = cw.Task.repeated_tokens(cw.load_model(), n=2, length=3)
    >>> changed = task.clean != task.corrupt
    >>> [role for role, here in zip(task.roles, changed[0]) if here]
    ['first 1', 'first 2', 'first 3']
    """
    n, seed = arguments.whole("n", n, 1), arguments.seed(seed)
    probe = Probe(model, length, seed, prepend_bos)
    before, length = probe.layout.before, probe.layout.length
    clean, control = probe.pairs(n).chunk(2)
    first, other = clean[:, before : before + length], control[:, before + length :]
    start = before + length
    return cls(
        name="repeated_tokens",
        clean=clean,
        corrupt=torch.cat([clean[:, :before], other, first], 1),
        position=torch.arange(start, start + length - 1, device=clean.device).repeat(n, 1),
        right=clean[:, start + 1 :],
        wrong=None if metric in ("loss", "kl") else other[:, 1:],
        metric=metric,
        roles=(
            *["BOS"] * before,
            *(f"{copy} {at + 1}" for copy in ("first", "second") for at in range(length)),
        ),
    )
