"""What `extract_circuit` gives: the edges that do a task, and how well they do it alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from circuit_widgets.analysis.circuits.curve import areas, log_area
from circuit_widgets.causal.choosing import of_ten
from circuit_widgets.causal.nodes import Nodes
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    import networkx
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Edge:
    """One edge of a circuit: from what a node writes to what a later one reads.

    Attributes:
        source: "embedding", "5.1" or "5.mlp".
        target: "7.2.q", "7.0-2.k" (shared by heads 0 to 2), "7.mlp" or "logits".
        score: What the metric loses without it, mean over prompts; negative: it gains. Of a
            circuit that was denoised, what it gains with this edge alone from the clean prompt.
        low, high: Interval over prompts.
        q: Share of false finds up to it.
        position: Where it is, in a circuit by position: what is written there is read there.
    """

    source: str
    target: str
    score: float
    low: float
    high: float
    q: float
    position: int | None = None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Circuit(Result, topic="circuits"):
    """Which edges of a model do a task, in circuits of several sizes, one of them chosen.

    By position each edge is many, one at each: what a source writes there, as it is read there. A
    head reads at the position that it writes at by its query, and by its keys and values at that
    and all before.

    An edge's score is the metric's loss if its reader sees its writer on the corrupt prompt; with
    direction="denoising", its gain on the corrupt prompt if the reader sees the clean one's.
    Faithfulness is the share of clean minus corrupt that is there when the model runs along a
    circuit's edges alone, measured on prompts that the edges were not chosen on, if `held_out`.

    Attributes:
        task: Its name.
        tokens, corrupt_tokens: Of the first prompt.
        roles: A name for each position, where positions mean the same in all prompts.
        metric: As `Task.metric`.
        nodes: The graph: who writes, who reads.
        n_found, n_tested: On how many prompts edges were scored, and circuits run.
        held_out: Whether these are different ones.
        score: [source, target], by position [pos, source, target], mean over prompts with its
            interval; NaN where there is no edge.
        q: Its q (Benjamini & Hochberg) from sign flips over prompts; NaN of fewer than 5.
        kept: The edges of circuits of several sizes; all lie on a path from the embedding to the
            output.
        chosen: Which of them is the circuit.
        faithfulness: [size]; control: of random circuits of as many edges between the same layers,
            the mean and where one more would be.
        accuracy: [size], the share of prompts with the right answer, and the random circuits'.
        without: [size], faithfulness of the model without the circuit's edges (completeness): near
            0 where nothing else does the task.
        clean, corrupt: The metric of the whole model on both prompts, [].
        clean_accuracy: The whole model's, [].
        node_effects: [source], by position [pos, source], what faithfulness loses if one node is
            taken out of the circuit (minimality); NaN for others, or not asked for.
        agreement: Spearman's correlation of the scores with exact patching over `n_checked` edges
            drawn at random, half of them from the circuit; None: not checked.
        attention: By position, [source, query, key], each head's, mean over the clean or the
            corrupt prompts, whichever is more: to where it carries what it reads. Else None.

    >>> import circuit_widgets as cw
    >>> model = cw.load_model()
    >>> task = cw.Task.repeated_tokens(model, n=12)
    >>> circuit = cw.extract_circuit(model, task, size=12, progress=False)
    >>> circuit.n_edges, {"0.1", "1.2"} <= set(circuit.components)
    (12, True)
    """

    task: str
    tokens: tuple[str, ...]
    corrupt_tokens: tuple[str, ...]
    roles: tuple[str, ...] | None
    metric: str
    nodes: Nodes
    n_found: int
    n_tested: int
    held_out: bool
    score: Score
    q: Float[Tensor, "*pos source target"]
    kept: Bool[Tensor, "size *pos source target"]
    chosen: int
    faithfulness: Score
    accuracy: Score
    without: Score
    clean: Score
    corrupt: Score
    clean_accuracy: Score
    node_effects: Score
    agreement: float | None = None
    n_checked: int = 0
    attention: Float[Tensor, "source query key"] | None = None

    @property
    def by_position(self) -> bool:
        """Whether its edges are at positions."""
        return self.nodes.n_positions > 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many edges each of the circuits has."""
        return tuple(self.kept.flatten(1).sum(1).tolist())

    @property
    def n_edges(self) -> int:
        """How many edges the circuit has."""
        return self.sizes[self.chosen]

    @property
    def n_all(self) -> int:
        """How many edges the model has."""
        return int(self.nodes.allowed.sum())

    @property
    def components(self) -> tuple[str, ...]:
        """The heads and MLPs in the circuit, in the model's order."""
        return self.components_of(self.chosen)

    def components_of(self, at: int) -> tuple[str, ...]:
        """The heads and MLPs of the circuit of one of the sizes.

        A reader that heads share counts for those of them that write along an edge.
        """
        writing = self.kept[at].any(-1).view(-1, len(self.nodes.sources)).any(0)
        names = [source.name for source in self.nodes.sources]
        return tuple(name for name, there in zip(names, writing, strict=True) if there)[1:]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The edges of the circuit, strongest first."""
        return self.edges_of(self.chosen)

    def edges_of(self, at: int) -> tuple[Edge, ...]:
        """The edges of the circuit of one of the sizes, strongest first."""
        sources, targets = self.nodes.sources, self.nodes.targets
        value, q = self.score.value, self.q
        low, high = self._ends()
        found = []
        for *position, source, target in self.kept[at].nonzero().tolist():
            place = (*position, source, target)
            numbers = (float(each[place]) for each in (value, low, high, q))
            where = position[0] if position else None
            names = sources[source].name, targets[target].name
            found.append(Edge(*names, *numbers, position=where))
        return tuple(sorted(found, key=lambda edge: -abs(edge.score)))

    def _ends(self) -> tuple[Tensor, Tensor]:
        assert self.score.low is not None and self.score.high is not None
        return self.score.low, self.score.high

    @property
    def shares(self) -> Float[Tensor, " size"]:
        """The sizes as shares of all edges."""
        return torch.tensor(self.sizes) / self.n_all

    @property
    def cpr(self) -> float:
        """Area under faithfulness over the share of edges (MIB); higher is not always better.

        It, `cmd` and `log_accuracy` leave out a size that was asked for and is none of the usual
        ones, so that results can be compared.
        """
        return areas(*self._usual(self.faithfulness.value))[0]

    @property
    def cmd(self) -> float:
        """Area under |1 - faithfulness| over the share of edges (MIB): 0 is best."""
        return areas(*self._usual(self.faithfulness.value))[1]

    @property
    def log_accuracy(self) -> float:
        """Mean of the share of right answers over the logarithm of size."""
        return log_area(*self._usual(self.accuracy.value))

    @property
    def random_areas(self) -> tuple[float, float, float]:
        """CPR, CMD and accuracy over log size of the random circuits' means; NaN: none ran."""
        faithful, right = self.faithfulness.control, self.accuracy.control
        if faithful is None or right is None:
            return math.nan, math.nan, math.nan
        return *areas(*self._usual(faithful)), log_area(*self._usual(right))

    def _usual(self, of: Tensor) -> tuple[Float[Tensor, " size"], Float[Tensor, " size"]]:
        at = of_ten(self.sizes, self.nodes)
        return self.shares[at], of[at]

    def to_frame(self, at: int | None = None) -> pd.DataFrame:
        """One row for each edge of the circuit, or of that of another size.

        By position with `position` and `role`.
        """
        import pandas as pd

        at = self.chosen if at is None else at
        frame = pd.DataFrame(
            [dataclasses.asdict(edge) for edge in self.edges_of(at)],
            columns=[field.name for field in dataclasses.fields(Edge)],
        )
        position = frame.pop("position")
        if self.by_position:
            frame.insert(2, "position", position)
            frame.insert(3, "role", [self.role(at) for at in position])
        frame = frame.assign(n=self.n_found, complete=self.provenance.complete)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def curve_frame(self) -> pd.DataFrame:
        """One row for each size: faithfulness, accuracy, and the model without the circuit."""
        import pandas as pd

        columns: dict[str, Any] = {"edges": self.sizes, "share": self.shares.tolist()}
        columns["components"] = [len(self.components_of(at)) for at in range(len(self.kept))]
        for name in ("faithfulness", "accuracy", "without"):
            for part, tensor in getattr(self, name).tensors().items():
                columns[name if part == "value" else f"{name}_{part}"] = tensor.tolist()
        frame = pd.DataFrame(columns)
        frame.attrs["provenance"] = dataclasses.asdict(self.provenance)
        return frame

    def role(self, position: int) -> str:
        """What a position is in all prompts, or, where that is not said, its number."""
        return self.roles[position] if self.roles else str(position)

    def to_networkx(self) -> networkx.DiGraph:
        """The circuit as a graph; edges have their score and q, several readers are joined.

        Nodes are components, by position as "5.1@7"; an edge's `entries` say by which of q, k, v
        they are read.
        """
        from circuit_widgets.analysis.circuits.graphs import to_networkx

        return to_networkx(self)

    def to_json(self) -> Mapping[str, Any]:
        """Nodes and edges as plain values."""
        from circuit_widgets.analysis.circuits.graphs import to_json

        return to_json(self)

    def to_neuronpedia(self) -> Mapping[str, Any]:
        """The circuit in the attribution graph format that Neuronpedia's viewer reads."""
        from circuit_widgets.analysis.circuits.graphs import to_neuronpedia

        return to_neuronpedia(self)

    def highest(self, n: int = 10) -> list[tuple[str, float, float, float]]:
        """The strongest edges of the circuit: (name, score, low and high of its interval)."""
        return [
            (f"{edge.source} → {edge.target}{self._at(edge)}", edge.score, edge.low, edge.high)
            for edge in self.edges[:n]
        ]

    def _at(self, edge: Edge) -> str:
        return "" if edge.position is None else f" at {self.role(edge.position)}"

    def _lines(self) -> list[str]:
        from circuit_widgets.analysis.circuits.words import lines

        return lines(self)
