"""Which cases fail, and which are healthy: the model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from circuit_widgets import arguments, capture
from circuit_widgets.analysis.failures.answers import is_right
from circuit_widgets.analysis.failures.cases import Asked, Case, asked_of, cases_of
from circuit_widgets.capture.modes import evaluating, modules_of
from circuit_widgets.causal.nodes import Nodes, parts_of
from circuit_widgets.prompts.batches import of_one_length
from circuit_widgets.prompts.tasks import Task

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge


def asked(model: TransformerBridge, given: Any, name: str) -> list[Asked]:
    """Cases in the model's tokens, of a task or a list.

    Raises:
        TypeError: Neither a task nor cases.
        ValueError: No case, or one that cannot be asked.
    """
    if isinstance(given, Task):
        return [asked_of(model, case) for case in cases_of(model, given)]
    if isinstance(given, Case):
        given = [given]
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise TypeError(
            f"{name} is {arguments.shown(given)}; accepted are a Task, or a list of Case(prompt, "
            "expected)"
        )
    if not given:
        raise ValueError(f"{name} has no case; accepted is at least one Case(prompt, expected)")
    return [asked_of(model, case, at) for at, case in enumerate(given)]


def right_ones(model: TransformerBridge, cases: Sequence[Asked], batch: int) -> list[bool]:
    """Whether the model gets each case right.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> right_ones(model, [asked_of(model, Case("blue dog seven blue", "dog"))], 4)
    [True]
    """
    found = [False] * len(cases)
    with evaluating(modules_of(model)):
        for some in of_one_length([len(each.ids) for each in cases], batch):
            ids = torch.tensor([cases[at].ids for at in some], device=model.cfg.device)
            logits = capture.run(model, ids)[:, -1]
            for row, at in enumerate(some):
                found[at] = bool(is_right(logits[row], cases[at]))
    return found


def some_of(cases: Sequence[Asked], n: int, seed: int) -> list[Asked]:
    """At most n of them, drawn at random, in their order."""
    order = torch.randperm(len(cases), generator=torch.Generator().manual_seed(seed))
    return [cases[at] for at in sorted(order[:n].tolist())]


def check_reference(model: TransformerBridge, reference: Any) -> Nodes:
    """The parts that both models have.

    Raises:
        TypeError: The reference is no model.
        ValueError: It is the model itself, or of another architecture.
    """
    from circuit_widgets import models

    models.check_model(reference)
    if reference is model:
        raise ValueError(
            "the reference is the model itself; accepted is another one of the same architecture, "
            "loaded by itself, such as the model before it was trained on"
        )
    nodes = parts_of(model)
    own, other = (_sizes(each) for each in (model, reference))
    if parts_of(reference) != nodes or own != other:
        raise ValueError(
            f"the reference {models.name_of(reference)} is of another architecture than "
            f"{models.name_of(model)}: accepted is one with the same layers, heads, MLPs, width "
            "and vocabulary"
        )
    return nodes


def _sizes(model: TransformerBridge) -> tuple[int, int, str]:
    cfg: Any = model.cfg
    kind = type(getattr(model, "original_model", model)).__name__
    return int(cfg.d_model), int(cfg.d_vocab), kind
