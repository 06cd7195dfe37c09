"""What `trace_information_flow` gives: routes through the layers to one output."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from jaxtyping import Float, Int
from torch import Tensor

from circuit_widgets.analysis.flow.edges import edges
from circuit_widgets.analysis.flow.routes import FlowPath
from circuit_widgets.analysis.flow.words import lines
from circuit_widgets.heads import Head
from circuit_widgets.prompts.characters import quoted
from circuit_widgets.prompts.targets import Target
from circuit_widgets.results.result import Result
from circuit_widgets.results.score import Score

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class FlowSource:
    """A position that an output was put together from.

    Attributes:
        position: Where it is, and its `token`.
        route: Its share over all routes.
        knockout: Log probability of the target lost without it, in nats (of a target pair, their
            logit difference); None: not run (yet).
        confirmed: Whether that is above both bounds: what blocking costs at other queries, and what
            it costs tokens as likely as the target; of several prompts also its interval above 0.
    """

    position: int
    token: str
    route: float
    knockout: float | None
    confirmed: bool


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class InformationFlow(Result, topic="flow"):
    """The positions, layers and heads that contribute to an output.

    Routes follow the size of what is written and are not causal; `knockout` measures whether the
    output depends on a source. Node (layer, pos) is a position's residual stream before that layer;
    (n_layers, position) is the stream that is read. NaN: not reached from there, not computed, or
    not run. Of several prompts all numbers are means over them, position by position.

    Attributes:
        tokens, ids: The text, [pos]; of several prompts the first one's.
        position: Whose output is read; `target` is the token (id) whose probability is read there.
        contributions: Share of a query's stream after a layer that comes from a key's stream before
            it, over all heads, the residual stream and the MLP, [layer, query, key]. Rows sum to 1.
        heads: The head that carries most of it, -1 for the residual stream (or the MLP, or nothing
            at all), [layer, query, key].
        parts, part_places: What single heads carry of the contributions, those of 0.005 or more,
            [part], and where: layer, head, query, key, [part, 4]. `carriers` gives those of an
            edge.
        residual: Share of a query's stream that is its own from before the layer, [layer, query].
        mlp: Share of the MLP's output in a stream after the layer, [layer, query], with whatever
            else the layer makes of the query's own stream (experts). It stays on that route.
        routes: Share of the stream that is read that comes from each source, over all routes,
            [pos]; sums to 1.
        rollout: The same by attention rollout (Abnar & Zuidema 2020): a baseline that knows the
            patterns only.
        knockout: Log probability of the target lost when `position` cannot attend to a source, in
            nats, [pos]: Geva et al. 2023; of a target pair what is lost of the difference of their
            logits. As asked for, with or without renormalising; `knockout_other` is the other way.
            `low` and `high` are the interval over prompts, None where there is one prompt.
            `control` is what tokens as likely as the target lose by the same knockout, and
            `control_high` the bound for the largest of as many further tokens as sources were
            blocked; NaN until all prompts are there.
        knockout_control: What that costs at other queries of the text: the median over `n_control`
            random pairs of a query before `position` and a position before that, each read at its
            query; and the upper prediction bound (Student's t on the median deviation) for the
            largest of as many further pairs as sources were blocked, [2]. Some of the pairs are
            real sources of those queries, `n_control_above` of them above the bound; the median
            leaves them out. NaN: the text has too few pairs.
        windows, knockout_by_window: The first and the last layer of each window that moves through
            the model, and what blocking attention in those layers only costs, as `knockout`,
            [window, pos]. For the 8 sources whose knockout costs most. There is no control for it.
        key_paths: The strongest paths, each with its weight (the product of its contributions, of
            several prompts of their means) and steps (layer, from, to, head), head -1 for the
            residual stream.
        information_sources: The sources, the one first whose knockout costs most (where none was
            run, the strongest by `routes`), without `position` itself and a BOS: position, token,
            route, knockout (None: not run yet), and whether it is confirmed.
        self_influence_score: Share of `routes` that comes from positions other than `position`
            itself and a BOS, [].
        n_prompts: How many are in it.
        targets: Of each prompt, as ids. `against_token` is what the first one's is held against;
            None: a target alone.
        routes_between: The interval of `routes` over prompts, [2, pos]; None: one prompt.

    >>> import circuit_widgets as cw
    >>> flow = cw.trace_information_flow(cw.load_model(), "blue dog seven blue dog", confirm=0)
    >>> flow.edges(0.05)["layer"].max().item(), flow.contributions.shape
    (1, torch.Size([2, 6, 6]))
    """

    tokens: tuple[str, ...]
    ids: tuple[int, ...]
    position: int
    target: int
    target_token: str
    contributions: Float[Tensor, "layer query key"]
    heads: Int[Tensor, "layer query key"]
    parts: Float[Tensor, " part"]
    part_places: Int[Tensor, "part 4"]
    residual: Float[Tensor, "layer query"]
    mlp: Float[Tensor, "layer query"]
    routes: Float[Tensor, " pos"]
    rollout: Float[Tensor, " pos"]
    knockout: Score
    knockout_other: Float[Tensor, " pos"]
    knockout_control: Float[Tensor, " middle_and_bound"]
    n_control: int
    n_control_above: int
    windows: tuple[tuple[int, int], ...]
    knockout_by_window: Float[Tensor, "window pos"]
    key_paths: tuple[FlowPath, ...]
    information_sources: tuple[FlowSource, ...]
    self_influence_score: Float[Tensor, ""]
    n_prompts: int = 1
    targets: tuple[Target, ...] = ()
    against_token: str | None = None
    routes_between: Float[Tensor, "low_and_high pos"] | None = None

    def __post_init__(self) -> None:
        n = len(self.ids)
        n_layers = len(self.contributions)
        shapes = {
            "contributions": (n_layers, n, n),
            "heads": (n_layers, n, n),
            "mlp": (n_layers, n),
            "residual": (n_layers, n),
            "part_places": (len(self.parts), 4),
            "routes": (n,),
            "rollout": (n,),
            "knockout_other": (n,),
            "knockout_by_window": (len(self.windows), n),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} has shape {list(getattr(self, name).shape)}; accepted is {list(shape)}"
                )

    def edges(self, least: float = 0.01) -> pd.DataFrame:
        """The graph's edges that carry at least this share of the stream that is read.

        A row for each head that carries a part of an edge, in `layer` and `head`, `name` is its
        name; where the residual stream keeps it `head` is missing and `name` is "residual", and
        "other heads" is what is left of heads whose part is below 0.005 of the query's stream.
        `contribution` is the part of the query's stream, `flow` that times the share which the
        query has in the stream that is read, and `edge` the flow of the whole edge.
        """
        return edges(self, least)

    def carriers(self, layer: int, query: int, key: int) -> list[tuple[int, float]]:
        """The heads that carry an edge, each with its part of the query's stream, the most first.

        Those with a part of 0.005 or more.
        """
        return self._by_edge.get((layer, query, key), [])

    @functools.cached_property
    def _by_edge(self) -> dict[tuple[int, int, int], list[tuple[int, float]]]:
        found: dict[tuple[int, int, int], list[tuple[int, float]]] = {}
        order = self.parts.argsort(descending=True)
        places, parts = self.part_places[order].tolist(), self.parts[order].tolist()
        for (layer, head, query, key), part in zip(places, parts, strict=True):
            found.setdefault((layer, query, key), []).append((head, part))
        return found

    def share_of_step(self, layer: int, source: int, query: int, head: int) -> float:
        """Which part of an edge a head carries, from 0 to 1."""
        whole = float(self.contributions[layer, query, source])
        part = dict(self.carriers(layer, query, source)).get(head, 0.0)
        return min(1.0, part / whole) if whole > 0 else 0.0

    def to_frame(self) -> pd.DataFrame:
        """One row per score and source; `df.attrs` has the provenance.

        Scores are routes, rollout, knockout and knockout_by_window, which has a row for each window
        from `first_layer` to `last_layer`; `edges` gives the graph, `key_paths` the paths. `n` is
        the number of prompts, `low` and `high` an interval over them, `control_high` the bound of
        tokens as likely as the target.
        """
        import pandas as pd

        made, n = self.provenance, len(self.ids)
        routes = Score(self.routes)
        if self.routes_between is not None:
            low, high = self.routes_between
            routes = Score(self.routes, low=low, high=high)
        scores = {"routes": routes, "rollout": Score(self.rollout), "knockout": self.knockout}
        where = {"source": list(range(n)), "token": list(self.tokens)}
        confirmed = {at.position for at in self.information_sources if at.confirmed}
        where["confirmed"] = [position in confirmed for position in range(n)]
        layers = {"first_layer": pd.NA, "last_layer": pd.NA}
        parts = [
            pd.DataFrame({"score": name, **where, **layers, **score.columns()})
            for name, score in scores.items()
        ]
        for (first, last), value in zip(self.windows, self.knockout_by_window, strict=True):
            layers = {"first_layer": first, "last_layer": last}
            rows = {"score": "knockout_by_window", **where, **layers, "value": value.numpy()}
            parts.append(pd.DataFrame(rows).dropna(subset=["value"]))
        frame = pd.concat(parts, ignore_index=True).assign(
            query=self.position, n=self.n_prompts, complete=made.complete
        )
        frame = frame.astype(dict.fromkeys(layers, "Int64"))
        frame.attrs["provenance"] = dataclasses.asdict(made)
        return frame

    def strongest_window(self, source: int) -> tuple[tuple[int, int], float] | None:
        """The layers in which blocking a source costs most, and that; None: not run."""
        if not self.windows or bool(self.knockout_by_window[:, source].isnan().any()):
            return None
        at = int(self.knockout_by_window[:, source].argmax())
        return self.windows[at], float(self.knockout_by_window[at, source])

    def path_text(self, path: FlowPath) -> str:
        """A path in words: where it begins, and the head that carries most of each step.

        With its part of the step, where other heads carry some of it.
        """
        steps = path.steps
        text = f"{steps[0][1]} {quoted(self.tokens[steps[0][1]])}"
        for layer, source, query, head in steps:
            if source != query:
                part = self.share_of_step(layer, source, query, head)
                said = "" if part >= 0.995 or part == 0 else f" {100 * part:.0f} %"
                text += f" -[{Head(layer, head)}{said}]-> {query} {quoted(self.tokens[query])}"
        return text

    @property
    def unit(self) -> str:
        """Of `knockout`: nats, or, of a difference of two logits, logits (which are nats, too)."""
        return "nats" if self.against_token is None else "logits"

    @property
    def measured(self) -> str:
        """What a knockout lowers, for people."""
        of = quoted(self.target_token)
        if len({*self.targets}) > 1:
            of = "the targets"
        elif self.against_token is not None:
            of += f" against {quoted(self.against_token)}"
        return f"{'log-probability' if self.against_token is None else 'logit difference'} of {of}"

    def _lines(self) -> list[str]:
        return lines(self)
