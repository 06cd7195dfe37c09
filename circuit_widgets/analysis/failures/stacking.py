"""The fields of a result, filled in case by case."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from circuit_widgets.analysis.failures.features import ABOUTS
from circuit_widgets.analysis.failures.finding import Finding
from circuit_widgets.analysis.failures.fixes import Part
from circuit_widgets.analysis.failures.parts import TYPES, Answer, Problem
from circuit_widgets.attention.pictures import as_bytes
from circuit_widgets.causal.nodes import Nodes

# Heads of a case whose attention is kept, and how large.
PICTURED, SIDE = 4, 32


class Rows:
    """Numbers of every case, NaN for those that are not done.

    Attributes:
        problems: Of the cases that are done.
    """

    def __init__(self, nodes: Nodes, n: int) -> None:
        grid = len(nodes.heads), max(nodes.heads)
        self.problems: list[tuple[Problem, ...]] = []
        self._usual_answers: list[Answer] = []
        self._pictured: list[tuple[str, ...]] = []
        self._tensors = {
            "anomaly": _missing(n, *grid),
            "anomaly_mlp": _missing(n, grid[0]),
            "q": _missing(n, *grid),
            "q_mlp": _missing(n, grid[0]),
            "values": _missing(n, len(ABOUTS), *grid),
            "usual": _missing(n, len(ABOUTS), *grid),
            "z": _missing(n, len(ABOUTS), *grid),
            "types": _missing(n, len(TYPES)),
        }
        self._pictures = torch.zeros(n, PICTURED, 2, SIDE, SIDE)

    def add(self, at: int, found: Finding, problems: tuple[Problem, ...], threshold: float) -> None:
        """One more case is done."""
        names = {"usual": "usual_values"}
        for name, tensor in self._tensors.items():
            if name != "types":
                tensor[at] = getattr(found, names.get(name, name)).cpu()
        scores = [problem.type_scores for problem in problems if problem.q <= threshold]
        self._tensors["types"][at] = (
            torch.tensor(scores).amax(0) if scores else torch.zeros(len(TYPES))
        )
        self.problems.append(problems)
        if found.usual_answer is not None:
            self._usual_answers.append(found.usual_answer)
        heads = [problem.component for problem in problems if "mlp" not in problem.component]
        self._pictured.append(tuple(heads[:PICTURED]))
        for place, name in enumerate(heads[:PICTURED]):
            part = Part.parse(name)
            own = found.own.sites["pattern"][part.layer][0, part.head or 0]
            for which, pattern in enumerate((own, found.pattern_beside(part))):
                if pattern.numel():
                    self._pictures[at, place, which] = _small(pattern)

    def fields(self) -> dict[str, Any]:
        """As the result has them."""
        n_left = len(self._pictures) - len(self.problems)
        pictures, scale = as_bytes(self._pictures)
        return {
            **{name: tensor.clone() for name, tensor in self._tensors.items()},
            "features": tuple(ABOUTS),
            "usual_answers": tuple(self._usual_answers),
            "problems": tuple(self.problems),
            "pictures": pictures,
            "pictures_scale": scale,
            "pictured": (*self._pictured, *[()] * n_left),
        }


def _small(pattern: Tensor) -> Tensor:
    """In a corner of a picture of one size for all prompts; of long ones the maxima of blocks."""
    step = math.ceil(pattern.shape[-1] / SIDE)
    blocks = torch.nn.functional.max_pool2d(pattern.float().cpu()[None], step, ceil_mode=True)[0]
    side = blocks.shape[-1]
    return torch.nn.functional.pad(blocks, (0, SIDE - side, 0, SIDE - side))


def _missing(*shape: int) -> Tensor:
    return torch.full(shape, math.nan)
