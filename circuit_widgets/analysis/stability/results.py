"""What `analyze_cross_model_stability` gives: how alike the circuits of several models are."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    import pandas as pd

# How the circuits of two models are compared.
BY_EDGES, BY_ROLES, MISSING = "edges", "roles", ""


@dataclasses.dataclass(frozen=True)
class Component:
    """Something that a circuit can have: a head, an MLP, or a role that heads have.

    Attributes:
        name: "5.1", "5.mlp", or a role, like "previous_token".
        share: In which share of the models' circuits it is.
        low, high: Interval of that share, by bootstrap over prompts.
        draws: Of each model, in which share of the draws it is in its circuit.
        chance: In which share it would be if the heads of each layer were in random places; NaN of
            an MLP, which has no other place.
        p: How often any head would then be in as many circuits; of roles: any role would be as far
            above chance in every circuit.
    """

    name: str
    share: float
    low: float
    high: float
    draws: tuple[float, ...]
    chance: float
    p: float = math.nan


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CrossModelStability(Result, topic="stability"):
    """How alike the circuits are by which several models do one task.

    A circuit here is the strongest edges of a model on paths from the embedding to the output, in
    all models the same share of all edges, or a few fewer where no path fits in. Overlaps are
    corrected for chance: 0 is what the same circuits have if the heads of each layer change places,
    1 is the same circuit.

    Attributes:
        task: Its name.
        metric: As `Task.metric`.
        models: Their names, in order.
        nodes: The graph of each.
        n_found, n_tested: On how many prompts edges of each were scored, and circuits run.
        done: Whether each does the task; one that does not has no circuit, unless it was allowed.
        task_score: [model], the metric on clean prompts; control: on corrupt ones.
        score: [model, source, target], what the metric loses without an edge, mean over prompts
            with its interval; NaN where there is no edge. Sources and targets are those of the
            model's own `nodes`; of smaller models the rest is NaN.
        kept: The circuits, as `score` is laid out; no edge at all: it has none.
        by: [model][model], how the circuits of two models are compared: "edges" where both have the
            same parts, else "roles"; "" where one has no circuit.
        overlap: [model, model], corrected for chance. low, high: by bootstrap over prompts;
            control: between what it is by chance (its mean is 0); extreme: of all pairs at once.
        jaccard: [model, model], before it is corrected: shared edges of all edges of both, or, by
            roles, shared mass.
        chance: [model, model], what that is by chance.
        halves: [model, model], the corrected overlap of circuits that were found on halves of the
            prompts with no prompt in common. On the diagonal it is of one model with itself: more
            than that cannot be expected of two models on different prompts (the ceiling); on the
            same prompts, as in `overlap`, it can.
        correlation: [model, model], Spearman's, of the scores of all edges; NaN where parts differ.
            control: if the heads of each layer change places.
        roles: Names of the roles.
        role_mass: [model, role], which share of what the circuit's heads write is of heads that
            attend so: each head's attention of that kind, weighted by the size of its edges'
            scores; the last role is attention of none of the kinds. control: of the same circuit
            with heads in random places; extreme: of all models and roles at once.
        role_depth: [model, role], where in the model they are: 0 the first layer, 1 the last.
        role_overlap: [model, model], of the role masses, as `overlap`, for all pairs.
        transfer: [source, target], faithfulness of the source's circuit in the target, on prompts
            that the edges were not chosen on, if `held_out`; on the diagonal its own. control: of
            the source's circuit with its heads in random places of their layers. NaN where the
            parts of both differ.
        held_out: Whether circuits are run on prompts that they were not found on.
        components: Heads and MLPs that are in one circuit or more; empty where parts differ.
        role_components: Roles that one circuit has, or more: a tenth of it, and more, by the
            interval, than it would have with its heads in random places.
        n_stable: How many heads are in every circuit; control: by chance.

    >>> import functools
    >>> import circuit_widgets as cw
    >>> seeds = {f"seed {seed}": cw.Load("toy-induction", seed=seed) for seed in (0, 1)}
    >>> task = functools.partial(cw.Task.repeated_tokens, n=8)
    >>> stability = cw.analyze_cross_model_stability(seeds, task, progress=False)
    >>> stability.overlap_matrix.shape
    torch.Size([2, 2])
    """

    task: str
    metric: str
    models: tuple[str, ...]
    nodes: tuple[Nodes, ...]
    n_found: tuple[int, ...]
    n_tested: tuple[int, ...]
    done: tuple[bool | None, ...]
    task_score: Score
    score: Score
    kept: Bool[Tensor, "model source target"]
    by: tuple[tuple[str, ...], ...]
    overlap: Score
    jaccard: Float[Tensor, "model other"]
    chance: Float[Tensor, "model other"]
    halves: Score
    correlation: Score
    roles: tuple[str, ...]
    role_mass: Score
    role_depth: Float[Tensor, "model role"]
    role_overlap: Score
    transfer: Score
    held_out: bool
    components: tuple[Component, ...]
    role_components: tuple[Component, ...]
    n_stable: Score

    @property
    def overlap_matrix(self) -> Float[Tensor, "model other"]:
        """The corrected overlap of every two models: 0 by chance, 1 the same."""
        return self.overlap.value

    @property
    def ceiling(self) -> Float[Tensor, "model other"]:
        """What `halves` is inside one model: the mean of both models' own."""
        own = self.halves.value.diagonal()
        return (own[:, None] + own) / 2

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many edges each circuit has; 0: it has none."""
        return tuple(self.kept.flatten(1).sum(1).tolist())

    @property
    def n_all(self) -> tuple[int, ...]:
        """How many edges each model has."""
        return tuple(int(nodes.allowed.sum()) for nodes in self.nodes)

    @property
    def same_parts(self) -> bool:
        """Whether all models have the same parts: layers, heads and MLPs."""
        return all(nodes == self.nodes[0] for nodes in self.nodes)

    @property
    def stable_components(self) -> tuple[Component, ...]:
        """What is in the circuit of every model: heads and MLPs, or roles where parts differ."""
        return tuple(one for one in self._compared if one.share == 1)

    @property
    def variable_components(self) -> tuple[Component, ...]:
        """What is in the circuit of some of the models only."""
        return tuple(one for one in self._compared if one.share < 1)

    @property
    def stable_roles(self) -> tuple[Component, ...]:
        """Roles that stand out in the circuit of every model."""
        return tuple(one for one in self.role_components if one.share == 1)

    @property
    def _compared(self) -> tuple[Component, ...]:
        return self.components if self.same_parts else self.role_components

    @property
    def shape(self) -> tuple[int, int]:
        """Layers and heads of a grid that all models fit into."""
        return max(len(n.heads) for n in self.nodes), max(max(n.heads) for n in self.nodes)

    def at(self, model: str | int) -> int:
        """Where a model is among the models.

        Raises:
            ValueError: There is none of that name.
        """
        if isinstance(model, int) and 0 <= model < len(self.models):
            return model
        if model not in self.models:
            raise ValueError(f"there is no model {model!r}; models are {', '.join(self.models)}")
        return self.models.index(str(model))

    def edges_of(self, model: str | int) -> Bool[Tensor, "source target"]:
        """The circuit of one model, laid out as its own `nodes`."""
        at = self.at(model)
        sources, targets = self.nodes[at].allowed.shape
        return self.kept[at, :sources, :targets]

    def components_of(self, model: str | int) -> tuple[str, ...]:
        """The heads and MLPs in the circuit of one model, in its order."""
        writing = self.edges_of(model).any(1).tolist()
        sources = self.nodes[self.at(model)].sources
        return tuple(each.name for each, there in zip(sources, writing, strict=True) if there)[1:]

    def to_frame(self) -> pd.DataFrame:
        """One row for every two models: overlap with its interval, chance, halves, transfer."""
        import pandas as pd

        n = len(self.models)
        pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
        frame = pd.DataFrame([self._pair(i, j) for i, j in pairs], columns=[*_PAIR])
        frame = frame.assign(complete=self.provenance.complete)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _pair(self, i: int, j: int) -> dict[str, Any]:
        low, high = self.overlap.low, self.overlap.high
        numbers = {
            "overlap": self.overlap.value[i, j],
            "low": math.nan if low is None else low[i, j],
            "high": math.nan if high is None else high[i, j],
            "jaccard": self.jaccard[i, j],
            "chance": self.chance[i, j],
            "halves": self.halves.value[i, j],
            "ceiling": self.ceiling[i, j],
            "correlation": self.correlation.value[i, j],
            "role_overlap": self.role_overlap.value[i, j],
            "transfer": self.transfer.value[i, j],
            "transfer_back": self.transfer.value[j, i],
        }
        names = {"a": self.models[i], "b": self.models[j], "by": self.by[i][j]}
        return {**names, **{name: float(value) for name, value in numbers.items()}}

    def component_frame(self) -> pd.DataFrame:
        """One row for each head, MLP and role that is in one circuit or more."""
        import pandas as pd

        rows = []
        for kind, some in (("part", self.components), ("role", self.role_components)):
            for one in some:
                given = dataclasses.asdict(one) | {"kind": kind, "stable": one.share == 1}
                draws = dict(zip(self.models, given.pop("draws"), strict=True))
                rows.append(given | {f"draws {name}": share for name, share in draws.items()})
        frame = pd.DataFrame(rows)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def transfer_frame(self) -> pd.DataFrame:
        """One row for every source and target, with its interval and the random circuits'."""
        import pandas as pd

        columns: dict[str, Any] = {
            "source": [name for name in self.models for _ in self.models],
            "target": [name for _ in self.models for name in self.models],
        }
        for part, tensor in self.transfer.tensors().items():
            columns["faithfulness" if part == "value" else part] = tensor.flatten().tolist()
        frame = pd.DataFrame(columns)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def _lines(self) -> list[str]:
        from circuit_widgets.analysis.stability.words import lines_of_models

        return lines_of_models(self)


_PAIR = (
    *("a", "b", "by", "overlap", "low", "high", "jaccard", "chance", "halves", "ceiling"),
    *("correlation", "role_overlap", "transfer", "transfer_back"),
)


def padded(
    parts: list[Float[Tensor, "source target"]], fill: float | bool = math.nan
) -> Float[Tensor, "model sources targets"]:
    """Matrices of several sizes as one tensor, filled up at their ends.

    >>> padded([torch.ones(1, 1), torch.ones(1, 2)], 0.0).tolist()
    [[[1.0, 0.0]], [[1.0, 1.0]]]
    """
    rows, columns = (max(part.shape[side] for part in parts) for side in (0, 1))
    found = torch.full((len(parts), rows, columns), fill, dtype=parts[0].dtype)
    for at, part in enumerate(parts):
        found[at, : part.shape[0], : part.shape[1]] = part
    return found
