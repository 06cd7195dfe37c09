"""What kind of head it is: a profile of roles, the same for every model, from random tokens.

Roles compare heads of models whose layers and heads are not the same ones.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.attention.diagonals import SCORES, Diagonals, diagonal_mean
from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.results.score import About

# In the order in which they are shown. A head has them by degrees; none needs to hold.
ROLES: dict[str, About] = {
    **SCORES,
    "current_token": About(
        "current_token",
        "Current token",
        "Random tokens, twice: mean attention of each token to itself.",
        "Clark et al. 2019, What Does BERT Look At?",
        null="chance",
    ),
    "first_token": About(
        "first_token",
        "First token",
        "Random tokens, twice: mean attention to the first token, which often is an attention "
        "sink.",
        "Xiao et al. 2023, Efficient Streaming Language Models with Attention Sinks",
        null="chance",
    ),
}
# Attention that is of none of these kinds.
OTHER = "other"


class RoleScores:
    """Reducer: of every role one mean a sequence and head, in float32; NaN: a layer not seen.

    >>> from circuit_widgets import capture, load_model
    >>> from circuit_widgets.prompts.repeats import Probe
    >>> model = load_model()
    >>> probe = Probe(model, 12, seed=0, prepend_bos=None)
    >>> scores = RoleScores(probe.layout, n_layers=2)
    >>> _ = capture.run(model, probe.pairs(4), [scores], logits=False)
    >>> values = scores.values()[:, :4].mean(1)  # on those that repeat
    >>> [int(values[at].argmax()) for at, name in enumerate(ROLES) if name == "previous_token"]
    [1]
    """

    site = "pattern"

    def __init__(self, layout: Layout, n_layers: int) -> None:
        self._diagonals = Diagonals(layout, tuple(SCORES), n_layers)
        self._others: list[Float[Tensor, "role batch head"] | None] = [None] * n_layers

    def see(self, layer: int, tensor: Float[Tensor, "batch head query key"]) -> None:
        self._diagonals.see(layer, tensor)
        # The first query can look nowhere else.
        first = tensor[..., 1:, 0].mean(-1, dtype=torch.float32)
        self._others[layer] = torch.stack([diagonal_mean(tensor, 0, 1), first]).cpu()

    def values(self) -> Float[Tensor, "role batch layer head"]:
        """All layers, in the order of `ROLES`, on the CPU."""
        diagonals = self._diagonals.means()
        missing = torch.full_like(diagonals[:2, :, 0], torch.nan)
        others = [missing if each is None else each for each in self._others]
        return torch.cat([diagonals, torch.stack(others, 2)])


def chance_of(layout: Layout) -> dict[str, float]:
    """What a head that attends uniformly has of each role.

    >>> round(chance_of(Layout(length=3, before=1))["current_token"], 3)
    0.265
    """
    n = layout.n_tokens
    uniform = sum(1 / (query + 1) for query in range(1, n)) / (n - 1)
    found = {name: layout.chance(name) for name in SCORES}
    return found | {"current_token": uniform, "first_token": uniform}


def role_masses(
    profiles: Float[Tensor, "role head"], weights: Float[Tensor, "*draws head"]
) -> Float[Tensor, "*draws kind"]:
    """Which share of some heads' weight is of each role, and, last, of none of them.

    profiles: how much of each role every head has. Where they add up to more than 1 (they are means
    over other queries) they are scaled to 1. NaN where all weights are 0.

    >>> profiles = torch.tensor([[1.0, 0.0], [0.0, 0.5]])
    >>> role_masses(profiles, torch.tensor([1.0, 3.0]))
    tensor([0.2500, 0.3750, 0.3750])
    """
    total = profiles.sum(0).clamp(min=1)
    whole = torch.cat([profiles / total, (1 - profiles.sum(0) / total)[None]])
    return weights @ whole.T / weights.sum(-1, keepdim=True)
