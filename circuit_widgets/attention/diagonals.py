"""Scores that are diagonals of a pattern: prefix matching, duplicate and previous token."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from circuit_widgets.prompts.repeats import Layout
from circuit_widgets.results.score import About

OLSSON = "Olsson et al. 2022, In-context Learning and Induction Heads"
# In the order in which they are shown.
SCORES: dict[str, About] = {
    about.name: about
    for about in (
        About(
            "prefix_matching",
            "Prefix matching",
            "Random tokens, twice: mean attention from each token of the second copy to the token "
            "after its first copy. An induction head scores near 1.",
            OLSSON,
        ),
        About(
            "previous_token",
            "Previous token",
            "Mean attention from each token to the previous one; behind a BOS token from the third "
            "token on, because the second one's previous token is also the sink. An induction "
            "head needs such a head in an earlier layer.",
            "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits",
            null="chance",
        ),
        About(
            "duplicate_token",
            "Duplicate token",
            "Random tokens, twice: mean attention from each token of the second copy to the same "
            "token in the first.",
            "Wang et al. 2022, Interpretability in the Wild",
        ),
    )
}


def diagonal(
    pattern: Float[Tensor, "*batch head query key"], back: int, first: int
) -> Float[Tensor, "*batch head n"]:
    """A[q, q - back] of the queries from `first` on: a view of the pattern.

    The one definition of every score that is a diagonal. Those of the previous token (back = 1)
    differ in `first` only: 1 counts every token that has a previous one, 2 leaves out the token
    right behind a BOS, whose previous token is also the sink that many heads rest on.
    """
    # A strided view: entry i is A[i + back, i], so query `first` is entry first - back.
    return torch.diagonal(pattern, -back, -2, -1)[..., first - back :]


def diagonal_mean(
    pattern: Float[Tensor, "*batch head query key"], back: int, first: int
) -> Float[Tensor, "*batch head"]:
    """Mean of `diagonal`, in float32; NaN without any query."""
    return diagonal(pattern, back, first).mean(-1, dtype=torch.float32)


class Diagonals:
    """Reducer: per layer, score, sequence and head one mean over a diagonal, in float32.

    It keeps these scalars and nothing of the pattern; NaN are layers that were not seen, and heads
    that a layer has not, where another has more.
    """

    site = "pattern"

    def __init__(self, layout: Layout, names: tuple[str, ...], n_layers: int) -> None:
        self._layout, self._names = layout, names
        self._means: list[Float[Tensor, "score batch head"] | None] = [None] * n_layers

    def see(self, layer: int, tensor: Float[Tensor, "batch head query key"]) -> None:
        self._means[layer] = torch.stack(
            [diagonal_mean(tensor, *self._layout.diagonal(name)) for name in self._names]
        )

    def means(self) -> Float[Tensor, "score batch layer head"]:
        """All layers, on the CPU."""
        seen = [means.cpu() for means in self._means if means is not None]
        if not seen:
            raise RuntimeError("no layer has been seen")
        most = max(means.shape[2] for means in seen)
        found = seen[0].new_full((*seen[0].shape[:2], len(self._means), most), torch.nan)
        for layer, means in enumerate(self._means):
            if means is not None:
                found[:, :, layer, : means.shape[2]] = means.cpu()
        return found
