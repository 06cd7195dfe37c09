"""What a planted circuit is asked: prompts "... A B C ... A", and others for tokens of them."""

from __future__ import annotations

import random

import torch

from circuit_widgets.prompts.tasks import Task
from tests.generated.parts import ALL, Planted


def task(plan: Planted, n: int = 6, aligned: bool = False) -> Task:
    """Clean and corrupt prompts; tokens of a prompt differ, but for the last, which is A again.

    Where all tokens are others, none of them is in the clean prompt, and the corrupt prompt is one
    of the same kind, which has another answer: what the right one is held against. Where one token
    is another, it is one that is nowhere in the prompt, and so is the wrong answer, unless the
    token is the answer itself.

    aligned: all prompts have their A B C at one place, and their corrupt partners too.
    """
    draw = random.Random(f"prompts {plan.seed}")
    # At the first position the one before is itself, which would be a second match.
    places = range(1, plan.length - 3)
    fixed = draw.sample(places, 2) if aligned else None
    clean, corrupt, right, wrong = [], [], [], []
    for _ in range(n):
        tokens = draw.sample(range(plan.vocabulary), plan.vocabulary)
        body, others = tokens[: plan.length - 1], tokens[plan.length - 1 :]
        at = fixed[0] if fixed else draw.choice(places)
        answer = at + 1 + plan.hops
        prompt = [*body, body[at]]
        if plan.changed == ALL:
            other_places = fixed[1:] if fixed else [i for i in places if i != at]
            elsewhere = at if plan.same_place else draw.choice(other_places)
            fresh = others[: plan.length - 1]
            other = [*fresh, fresh[elsewhere]]
            wrong.append(fresh[elsewhere + 1 + plan.hops])
        else:
            (name,) = plan.changed
            other = [*prompt]
            other[{"A": at, "B": at + 1, "last": -1}[name]] = others[0]
            wrong.append(others[0] if name == "B" else others[1])
        clean.append(prompt)
        corrupt.append(other)
        right.append(body[answer])
    return Task(
        name=f"{plan.family} {plan.seed}",
        clean=torch.tensor(clean),
        corrupt=torch.tensor(corrupt),
        position=torch.full((n,), plan.length - 1),
        right=torch.tensor(right),
        wrong=torch.tensor(wrong),
        metric=plan.metric,
        roles=_roles(fixed[0], plan.length) if fixed else None,
    )


def _roles(at: int, length: int) -> tuple[str, ...]:
    named = {at: "A", at + 1: "B", at + 2: "C", length - 1: "last"}
    return tuple(named.get(place, str(place)) for place in range(length))
